"""What a stranger may ask of the app: little, and nothing of what it does not use."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.access import sessions
from app.serving import bounds, headers, uploads
from tests.app.conftest import Correspondence
from tests.event_loops import apart
from warehouse.settings import Settings

OWN = {"origin": "http://testserver", "host": "testserver"}


@pytest.fixture
def client(correspondence: Correspondence) -> Iterator[TestClient]:
    """Our middleware round a socket that says "open" and waits, as the framework's does."""

    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("open")
        with suppress(WebSocketDisconnect):
            await socket.receive_bytes()

    async def anything(_: Request) -> Response:
        return Response("open")

    correspondence.user("agent")
    routes = [
        WebSocketRoute("/_stcore/stream", stream),
        Route("/{path:path}", anything, methods=["GET", "PUT", "POST", "DELETE", "OPTIONS"]),
    ]
    made = Starlette(
        routes=routes,
        middleware=[Middleware(headers.SecurityHeaders), Middleware(bounds.BoundedSockets)],
    )
    with TestClient(made, base_url="http://testserver") as opened:
        yield opened


def walk(
    frames_sent: int, *, address: str, account: bool, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """What the framework is given of so many frames, by the middleware alone."""
    given: list[str] = []

    async def framework(scope: Any, receive: Any, send: Any) -> None:
        while (message := await receive())["type"] == "websocket.receive":
            given.append("frame")
        given.append(f"closed {message.get('code')}")

    async def whose(_: Any) -> str | None:
        return "account agent" if account else None

    monkeypatch.setattr(bounds, "_account", whose)
    bounded = bounds.BoundedSockets(framework)

    async def one() -> None:
        left = frames_sent

        async def receive() -> Message:
            nonlocal left
            left -= 1
            if left < 0:
                return {"type": "websocket.disconnect", "code": 1000}
            return {"type": "websocket.receive", "bytes": b"rerun"}

        async def send(message: Message) -> None:
            given.append(f"sent {message.get('code')}")

        scope = {"type": "websocket", "path": bounds.STREAM, "client": (address, 1), "headers": []}
        await bounded(scope, receive, send)

    async def all_of_it() -> None:
        await one()
        assert not bounded.open

    apart(all_of_it)
    return given


def test_ten_thousand_frames_of_a_stranger_are_some_dozens(monkeypatch: pytest.MonkeyPatch) -> None:
    given = walk(10_000, address="192.0.2.1", account=False, monkeypatch=monkeypatch)
    assert given.count("frame") == bounds.FRAMES_OF_ADDRESS
    assert given[-2:] == ["sent 1008", "closed 1008"]
    known = walk(10_000, address="192.0.2.1", account=True, monkeypatch=monkeypatch)
    assert known.count("frame") == bounds.FRAMES_OF_ACCOUNT
    # Who does what people do is never stopped.
    assert walk(60, address="192.0.2.1", account=True, monkeypatch=monkeypatch)[-1] == "closed 1000"


def test_a_frame_that_is_too_long_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "FRAME_BYTES", 4)
    assert walk(3, address="192.0.2.1", account=False, monkeypatch=monkeypatch) == [
        "sent 1008",
        "closed 1008",
    ]


def test_strangers_share_what_there_is_and_the_signed_in_have_their_own() -> None:
    rate = bounds.Rate()
    for number in range(bounds.FRAMES_OF_STRANGERS):
        assert rate.allows("strangers", bounds.FRAMES_OF_STRANGERS, 1.0), number
    assert not rate.allows("strangers", bounds.FRAMES_OF_STRANGERS, 1.0)
    assert rate.allows("account agent", bounds.FRAMES_OF_ACCOUNT, 1.0)
    assert rate.allows("strangers", bounds.FRAMES_OF_STRANGERS, 1.0 + bounds.WINDOW_SECONDS + 1)
    for number in range(bounds.MOST_REMEMBERED * 2):
        rate.allows(f"address {number}", 1, 2.0)
    assert len(rate._seen) <= bounds.MOST_REMEMBERED


def test_sockets_of_one_address_are_counted(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "SOCKETS_OF_ADDRESS", 1)
    with client.websocket_connect("/_stcore/stream", headers=OWN) as first:
        first.receive_text()
        with (
            pytest.raises(WebSocketDisconnect),
            client.websocket_connect("/_stcore/stream", headers=OWN),
        ):
            pass
        # Whoever is signed in is not among the strangers.
        token = sessions.open_session(sessions.start_token("agent"), ip=None, user_agent=None)
        signed_in = OWN | {"cookie": f"{sessions.cookie_name()}={token}"}
        with client.websocket_connect("/_stcore/stream", headers=signed_in) as second:
            second.receive_text()
    with client.websocket_connect("/_stcore/stream", headers=OWN) as again:
        again.receive_text()


#: Every route of the framework that we use. What its next version adds is not among them, and is closed.
USED = {
    "/_stcore/health",
    "/_stcore/host-config",
    "/_stcore/bidi-components/crm.news/news.js",
    "/_stcore/bidi-components/crm.chosen/chosen.js",
    "/media/x.svg",
}


def test_what_the_framework_serves_beside_is_closed(client: TestClient) -> None:
    from streamlit.web.server.starlette import starlette_app

    source = inspect.getsource(starlette_app)
    assert "create_upload_routes" in source, "Streamlit makes its routes elsewhere now: look again"
    for path in USED:
        assert headers.is_open("GET", path), path
    for path in (
        "/_stcore/upload_file/a/b",
        "/_stcore/script-health-check",
        "/_stcore/metrics",
        "/_stcore/agent/interact",
        "/_stcore/something-new",
        "/_stcore/bidi-components/other.thing/a.js",
        "/component/extra_streamlit_components.CookieManager.cookie_manager/index.html",
        "/app/static/x",
        "/auth/login",
    ):
        for method in ("GET", "PUT", "POST", "DELETE", "OPTIONS"):
            assert client.request(method, path).status_code == 404, (method, path)
    assert client.put("/timeline", content=b"x" * 1000).status_code == 404
    assert client.get("/_stcore/health").status_code == 200


def test_who_speaks_for_a_visitor_is_a_proxy_that_we_know(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    from app import database
    from app.serving import process as serving

    async def nobody(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError

    for given, trusts in (([], False), (["172.31.250.10"], True)):
        database.use(settings.model_copy(update={"trusted_proxies": given}))
        config = serving.configured(nobody)
        assert (config.proxy_headers, config.forwarded_allow_ips) == (trusts, given)
    database.close()


def test_the_cookie_is_this_hosts_alone_where_browsers_call_by_tls(
    correspondence: Correspondence,
) -> None:
    from app import database

    assert sessions.cookie_name().startswith("crm_session_")
    database.use(correspondence.settings.model_copy(update={"app_url": "https://crm.example.com"}))
    assert sessions.cookie_name().startswith("__Host-crm_session_")
    ours = {"origin": "https://crm.example.com", "host": "app:8501"}
    assert headers.is_same_host(Headers(ours), "https://crm.example.com")
    assert not headers.is_same_host(
        Headers(ours | {"origin": "http://crm.example.com"}), "https://crm.example.com"
    )
    assert not headers.is_same_host(Headers({"host": "crm.example.com"}), "https://crm.example.com")


def test_a_list_may_be_sent_by_whoever_may_import_it_and_nobody_else(
    client: TestClient, correspondence: Correspondence
) -> None:
    path, list_of_names = "/_stcore/upload_file/a/b", {"file": ("list.csv", b"name\nSam\n")}

    def answer(role: str, **more: str) -> int:
        viewer = correspondence.signed_in(role, role)
        token = sessions.open_session(
            sessions.start_token(viewer.user_name), ip=None, user_agent=None
        )
        cookie = {"cookie": f"{sessions.cookie_name()}={token}"}
        sent = client.put(path, files=list_of_names, headers=OWN | cookie | more)
        return int(sent.status_code)

    # It reaches what stands behind.
    assert answer("agent") == 200
    assert answer("viewer") == 404
    assert answer("agent", origin="https://example.com") == 404
    assert answer("agent", **{"content-length": str(uploads.LARGEST_BYTES + 1)}) == 404
    assert client.put(path, files=list_of_names, headers=OWN).status_code == 404
