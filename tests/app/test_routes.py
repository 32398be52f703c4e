"""The routes beside Streamlit's, with the middleware round them: cookies, redirects, headers, Origin."""

from __future__ import annotations

from collections.abc import Iterator
from http.cookies import Morsel, SimpleCookie

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from app import database
from app.access import sessions
from app.serving.headers import SecurityHeaders, is_same_host
from app.serving.routes import ROUTES, local_path
from tests.app.conftest import Correspondence
from warehouse.settings import Settings


async def _echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("open")
    await socket.close()


@pytest.fixture
def client(correspondence: Correspondence) -> Iterator[TestClient]:
    correspondence.user("agent")
    app = Starlette(
        routes=[*ROUTES, WebSocketRoute("/_stcore/stream", _echo)],
        middleware=[Middleware(SecurityHeaders)],
    )
    with TestClient(app, base_url="http://crm.example.com", follow_redirects=False) as made:
        yield made


def without_a_server(settings: Settings) -> Settings:
    return settings.model_copy(
        update={"database_url": SecretStr("postgresql://owner@127.0.0.1:1/none")}
    )


def set_cookie(response: httpx.Response) -> Morsel[str] | None:
    jar: SimpleCookie = SimpleCookie(response.headers.get("set-cookie", ""))
    return next(iter(jar.values()), None)


def start(client: TestClient, **more: str) -> httpx.Response:
    token = sessions.start_token("agent")
    response: httpx.Response = client.get("/session/start", params={"token": token, **more})
    return response


def test_health_needs_no_warehouse(client: TestClient) -> None:
    database.use(without_a_server(database.settings()))
    assert client.get("/healthz").json() == {"status": "ok"}


def test_the_cookie_is_for_the_browser_alone(client: TestClient) -> None:
    response = start(client, next="/timeline?customer=c1")
    cookie = set_cookie(response)
    assert response.status_code == 303
    assert response.headers["location"] == "/timeline?customer=c1"
    assert response.headers["cache-control"] == "no-store"
    assert cookie is not None
    assert cookie.key == sessions.cookie_name()
    assert cookie["httponly"]
    assert cookie["samesite"].lower() == "lax"
    assert cookie["path"] == "/"
    assert not cookie["secure"]
    assert not cookie["domain"]
    assert not cookie["max-age"]
    assert sessions.viewer_of(cookie.value, ip=None, touch=True) is not None


def test_the_cookie_is_secure_behind_tls(client: TestClient) -> None:
    client.base_url = httpx.URL("https://crm.example.com")
    cookie = set_cookie(start(client))
    assert cookie is not None
    assert cookie["secure"]


def test_the_cookie_is_secure_where_the_public_address_is(
    client: TestClient, correspondence: Correspondence
) -> None:
    public = correspondence.settings.model_copy(update={"public_url": "https://crm.example.com"})
    database.use(public)
    cookie = set_cookie(start(client))
    assert cookie is not None
    assert cookie["secure"]


def test_a_start_token_works_once(client: TestClient) -> None:
    token = sessions.start_token("agent")
    assert set_cookie(client.get("/session/start", params={"token": token}))
    second = client.get("/session/start", params={"token": token})
    assert set_cookie(second) is None
    assert second.headers["location"] == "/"


def test_a_link_that_somebody_sent_signs_nobody_in(client: TestClient) -> None:
    """Its reader would work, and write, as its sender."""
    token = sessions.start_token("agent")
    link = client.get("/session/start", params={"token": token}, headers={"sec-fetch-site": "none"})
    assert set_cookie(link) is None
    ours = {"sec-fetch-site": "same-origin"}
    assert set_cookie(client.get("/session/start", params={"token": token}, headers=ours))


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_can_neither_sign_in_nor_out(client: TestClient, site: str) -> None:
    token = sessions.start_token("agent")
    refused = client.get(
        "/session/start", params={"token": token}, headers={"sec-fetch-site": site}
    )
    assert set_cookie(refused) is None
    assert set_cookie(client.get("/session/start", params={"token": token}))
    client.post("/session/end", headers={"sec-fetch-site": site})
    held = client.cookies[sessions.cookie_name()]
    assert sessions.viewer_of(held, ip=None, touch=True) is not None


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_end_revokes_and_clears(client: TestClient, method: str) -> None:
    start(client)
    held = client.cookies[sessions.cookie_name()]
    response = client.request(method, "/session/end")
    cookie = set_cookie(response)
    assert response.status_code == 303
    assert cookie is not None
    assert cookie["max-age"] == "0"
    assert sessions.viewer_of(held, ip=None, touch=True) is None
    assert client.request(method, "/session/end").status_code == 303


def test_signing_in_again_ends_the_former_session(client: TestClient) -> None:
    start(client)
    former = client.cookies[sessions.cookie_name()]
    start(client)
    assert sessions.viewer_of(former, ip=None, touch=True) is None


def test_without_a_warehouse_nobody_is_told_that_they_signed_out(client: TestClient) -> None:
    start(client)
    database.use(without_a_server(database.settings()))
    response = client.get("/session/end")
    assert response.status_code == 503
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("path", ["/", "/timeline?customer=c1", "/unassigned", "/a%20b?x=//y"])
def test_local_paths_are_taken(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None, "", "timeline", "//example.org", "///example.org", "/\\example.org", "\\\\example.org",
        "https://example.org", "javascript:alert(1)", "/\t/example.org", "/\nSet-Cookie: a=b", "/x\r\n",
        "/" + "x" * 3000,
    ],
)  # fmt: skip
def test_paths_that_lead_elsewhere_are_not(path: str | None) -> None:
    assert local_path(path) == "/"


def test_every_answer_carries_the_headers(client: TestClient) -> None:
    for response in (client.get("/healthz"), client.get("/nowhere"), start(client)):
        policy = response.headers["content-security-policy"]
        for part in (
            "default-src 'none'",
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ):
            assert part in policy
        scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
        assert "unsafe" not in scripts
        assert "*" not in policy
        assert "http" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "same-origin"
        assert "camera=()" in response.headers["permissions-policy"]


@pytest.mark.parametrize(
    "path", ["/_stcore/agent/openapi.json", "/_stcore/metrics", "/auth/login", "/oauth2callback"]
)
def test_doors_that_are_not_used_are_closed(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404
    assert client.post(path).status_code == 404


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("https://crm.example.com", "crm.example.com", True),
        ("http://127.0.0.1:8501", "127.0.0.1:8501", True),
        ("https://CRM.example.com", "crm.example.com", True),
        ("https://example.org", "crm.example.com", False),
        ("https://crm.example.com.example.org", "crm.example.com", False),
        ("http://127.0.0.1:9999", "127.0.0.1:8501", False),
        ("null", "crm.example.com", False),
        ("", "crm.example.com", False),
        (None, "crm.example.com", False),
        ("https://crm.example.com", None, False),
    ],
)
def test_the_page_that_opens_a_socket_must_be_ours(
    origin: str | None, host: str | None, same: bool
) -> None:
    given = {"origin": origin, "host": host}
    headers = Headers({name: value for name, value in given.items() if value is not None})
    assert is_same_host(headers) is same


def test_a_socket_from_elsewhere_is_refused(client: TestClient) -> None:
    own = {"origin": "http://crm.example.com", "host": "crm.example.com"}
    with client.websocket_connect("/_stcore/stream", headers=own) as socket:
        assert socket.receive_text() == "open"
    for foreign in (
        {"origin": "http://example.org", "host": "crm.example.com"},
        {"host": "crm.example.com"},
    ):
        with (
            pytest.raises(WebSocketDisconnect),
            client.websocket_connect("/_stcore/stream", headers=foreign),
        ):
            pass
