"""What the command line sends to Meta, and above all what it does not: nobody is ever written to."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from providers.failures import ProviderFailed
from providers.meta import commands as graph
from providers.meta import registration as meta
from providers.meta import subscriptions as meta_subscriptions
from warehouse.connections import Connection

ACCESS_TOKEN = "EAAG-an-invented-access-token-0123456789"
SECRETS = ("invented-app-secret-new", "invented-app-secret-old")
VERIFY_TOKEN = "invented-verify-token"
PAGE, APP = "100200300400500", "555666777888999"


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Listener:
    """An address that notes what it is asked, and answers everything with the same."""

    url: str = ""
    status: int = 200
    answer: Any = field(default_factory=lambda: {"success": True})
    heard: list[Request] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()

    class Handler(http.server.BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            found.heard.append(Request(self.command, self.path, dict(self.headers.items()), body))
            answer = found.answer(found.heard[-1]) if callable(found.answer) else found.answer
            status, told = answer if isinstance(answer, tuple) else (found.status, answer)
            written = told if isinstance(told, bytes) else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(written)))
            self.end_headers()
            self.wfile.write(written)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield found
    server.shutdown()
    server.server_close()


def connection(listener: Listener, channel: str = "messenger", **more: str) -> Connection:
    return Connection(
        connection_id="c1",
        channel=channel,
        name="Page",
        settings={"page_id": PAGE, "api_base": listener.url, **more},
        secrets={
            "access_token": ACCESS_TOKEN,
            "app_secret": ",".join(SECRETS),
            "verify_token": VERIFY_TOKEN,
        },
    )


def written(listener: Listener) -> list[tuple[str, str]]:
    """Method and path of what was not only read; every request proves the app's secret."""
    assert all("appsecret_proof=" in each.path for each in listener.heard)
    bare = [(each.method, each.path.partition("?")[0]) for each in listener.heard]
    return [each for each in bare if each[0] != "GET"]


WRITES = [
    f"{APP}/subscriptions",
    f"{PAGE}/subscribed_apps",
    "me/subscribed_apps",
    f"{PAGE}/smb_app_data",
]


@pytest.mark.parametrize("path", WRITES)
def test_the_writes_of_an_admin_are_sent(listener: Listener, path: str) -> None:
    assert graph.call(connection(listener), "POST", path, body={}) == {"success": True}
    assert written(listener) == [("POST", f"/v26.0/{path}")]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{PAGE}/messages"),
        ("POST", "me/messages"),
        ("POST", "106540352242922/messages"),
        ("POST", "106540352242922/media"),
        ("POST", "106540352242922/register"),
        ("POST", "106540352242922"),
        ("POST", "t_100/messages"),
        ("POST", "m_100"),
        ("POST", "me"),
        ("POST", ""),
        ("POST", f"{PAGE}/feed"),
        ("POST", f"{PAGE}/pass_thread_control"),
        ("POST", "me/message_attachments"),
        ("POST", "me/smb_app_data"),
        ("POST", "me/subscriptions"),
        ("POST", "app/subscriptions"),
        ("POST", f"{PAGE}/messages?x=/subscribed_apps"),
        ("POST", f"{PAGE}/messages/../subscribed_apps"),
        ("POST", f"{PAGE}/subscribed_apps/../messages"),
        ("POST", f"{PAGE}/subscribed_apps?recipient=1"),
        ("POST", f"{PAGE}/subscribed_apps\n"),
        ("POST", f"/{PAGE}/subscribed_apps"),
        ("POST", f"../{PAGE}/subscribed_apps"),
        ("POST", "٣/subscribed_apps"),
        ("post", f"{PAGE}/subscribed_apps"),
        ("PUT", f"{PAGE}/subscribed_apps"),
        ("PATCH", f"{PAGE}/subscribed_apps"),
        ("GET", f"{PAGE}/conversations?access_token=x"),
        ("GET", "../../etc"),
        ("GET", "https://elsewhere.example.com"),
    ],
)
def test_nothing_else_is_ever_sent(listener: Listener, method: str, path: str) -> None:
    with pytest.raises(ProviderFailed, match="is not sent"):
        graph.call(connection(listener), method, path, body={"text": "Hello"})
    assert listener.heard == []


@pytest.mark.parametrize("path", [f"{PAGE}/subscribed_apps", f"{APP}/subscriptions"])
def test_what_is_taken_back_carries_no_other_field(listener: Listener, path: str) -> None:
    with pytest.raises(ProviderFailed, match="is not sent"):
        graph.call(connection(listener), "DELETE", path, body={"text": "Hello"})
    assert {request.method for request in listener.heard} <= {"GET"}


def test_an_id_cannot_become_another_path(listener: Listener) -> None:
    crooked = connection(listener, page_id=f"{PAGE}/messages?x=")
    for ask in (meta.check, lambda each: meta.configure(each, "https://crm.example.com/w")):
        with pytest.raises(ProviderFailed, match="is not sent"):
            ask(crooked)
    assert listener.heard == []


def test_there_is_no_other_way_to_meta() -> None:
    for module in (meta, meta_subscriptions):
        assert module.__file__ is not None
        text = Path(module.__file__).read_text()
        for client in ("httpx", "requests", "urllib", "socket", "aiohttp"):
            assert client not in text, f"{module.__name__} calls Meta by itself"


def test_the_token_is_in_the_header_and_nowhere_else(listener: Listener) -> None:
    listener.answer = {"data": [], "success": True}
    asked = connection(listener, app_id=APP)
    meta.configure(asked, "https://crm.example.com/webhooks/messenger/c1")
    assert len(listener.heard) > 3
    for request in listener.heard:
        scheme, _, token = request.headers["Authorization"].partition(" ")
        by_app = f"/{APP}/" in request.path
        assert (scheme, token) == ("Bearer", f"{APP}|{SECRETS[0]}" if by_app else ACCESS_TOKEN)
        for secret in (ACCESS_TOKEN, VERIFY_TOKEN, *SECRETS):
            assert secret not in request.path
            assert secret not in request.body or secret == VERIFY_TOKEN
    told = [request for request in listener.heard if VERIFY_TOKEN in request.body]
    assert [each.path.partition("?")[0] for each in told] == [f"/v26.0/{APP}/subscriptions"]
    assert written(listener)[-1] == ("POST", f"/v26.0/{APP}/subscriptions")


@pytest.mark.parametrize("status", [200, 400, 401, 403, 500])
def test_a_refusal_repeats_meta_but_no_secret(listener: Listener, status: int) -> None:
    stranger = "EAAB" + "x" * 40
    words = (
        f"Malformed access token {ACCESS_TOKEN}, {APP}|{SECRETS[1]}, {SECRETS[0]}, {VERIFY_TOKEN} and {stranger}"
    )  # fmt: skip
    listener.status = status
    listener.answer = {"error": {"message": words, "code": 190, "fbtrace_id": "x"}}
    for ask in (meta.check, meta.present):
        with pytest.raises(ProviderFailed) as refused:
            ask(connection(listener, app_id=APP))
        said = str(refused.value)
        assert f"Meta answers {status} (code 190): Malformed access token" in said
        for secret in (ACCESS_TOKEN, VERIFY_TOKEN, stranger, *SECRETS):
            assert secret not in said
        assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    "answer", [b"<html>", b"[]", b"null", b"", {"error": "x"}, {"error": {}}, b"\xff"]
)
def test_a_strange_answer_is_a_refusal(listener: Listener, answer: Any) -> None:
    listener.answer = answer
    with pytest.raises(ProviderFailed, match="no reason given"):
        meta.check(connection(listener))


def test_no_answer_is_a_refusal(listener: Listener) -> None:
    away = connection(listener, api_base="http://127.0.0.1:9")
    with pytest.raises(ProviderFailed, match=r"does not answer \(ConnectionError\)"):
        meta.check(away)


def test_the_apps_older_secret_counts_while_it_rotates(listener: Listener) -> None:
    wrong = {"error": {"message": "Error validating application.", "code": 101}}

    def answer(request: Request) -> Any:
        is_old = request.headers["Authorization"] == f"Bearer {APP}|{SECRETS[1]}"
        return {"data": []} if is_old else (400, wrong)

    listener.answer = answer
    asked = connection(listener, app_id=APP)
    assert graph.app_call(asked, "GET", f"{APP}/subscriptions") == {"data": []}
    listener.answer = (400, wrong)
    with pytest.raises(ProviderFailed, match="Error validating application"):
        graph.app_call(asked, "GET", f"{APP}/subscriptions")


def test_another_version(listener: Listener) -> None:
    graph.call(connection(listener, api_version="v25.0"), "GET", "me")
    assert listener.heard[-1].path.startswith("/v25.0/me?")
