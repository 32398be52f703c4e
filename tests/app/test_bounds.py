"""What a stranger may ask of the app: little, and nothing of what it does not use."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from typing import Any

import httpx
import pytest
from starlette.datastructures import Headers
from starlette.types import Message
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from app import address as address_of_page
from app.access import sessions
from app.serving import bounds, headers, uploads
from benchmarks import strangers
from tests.app.browsing import eventually
from tests.app.conftest import Correspondence
from tests.event_loops import apart
from warehouse import bounded_http
from warehouse.settings import Settings


def opened(address: str, **more: str) -> ClientConnection:
    """A socket of the app's own page, by nobody unless a cookie says who."""
    return strangers.page_socket(int(address.rpartition(":")[2]), **more)


def cookie_of(user_name: str) -> dict[str, str]:
    token = sessions.open_session(sessions.start_token(user_name), ip=None, user_agent=None)
    return {"cookie": f"{sessions.cookie_name()}={token}"}


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
    rate = bounded_http.Rate()
    for number in range(bounds.FRAMES_OF_STRANGERS):
        assert rate.allows("strangers", bounds.FRAMES_OF_STRANGERS, 1.0), number
    assert not rate.allows("strangers", bounds.FRAMES_OF_STRANGERS, 1.0)
    assert rate.allows("account agent", bounds.FRAMES_OF_ACCOUNT, 1.0)
    assert rate.allows("strangers", bounds.FRAMES_OF_STRANGERS, 1.0 + bounded_http.RATE_SECONDS + 1)
    for number in range(bounded_http.MOST_REMEMBERED * 2):
        rate.allows(f"address {number}", 1, 2.0)
    assert len(rate._seen) <= bounded_http.MOST_REMEMBERED


def test_a_stranger_who_asks_too_much_is_shown_out_of_the_app(address: str) -> None:
    """Each frame would make the script run; a person who signs in sends a few."""
    frame = strangers.rerun()
    with opened(address) as socket:
        for _ in range(bounds.FRAMES_OF_ADDRESS + 1):
            socket.send(frame)
        with pytest.raises(ConnectionClosed) as ended:
            list(iter(lambda: socket.recv(timeout=30), None))
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == bounds.TOO_MUCH
    # Nor may it open another, and it waits for the answer; whoever is signed in comes in at once.
    began = time.monotonic()
    with pytest.raises(InvalidStatus):
        opened(address)
    assert time.monotonic() - began >= bounded_http.HELD_SECONDS
    with opened(address, **cookie_of("agent")):
        pass


def test_sockets_of_one_address_are_counted(address: str) -> None:
    with ExitStack() as stack:
        some = [stack.enter_context(opened(address)) for _ in range(bounds.SOCKETS_OF_ADDRESS)]
        with pytest.raises(InvalidStatus):
            opened(address)
        # Whoever is signed in is not among the strangers.
        with opened(address, **cookie_of("agent")):
            pass
        some.pop().close()

        def has_room() -> bool:
            with suppress(InvalidStatus), opened(address):
                return True
            return False

        eventually(has_room)


#: Every route of the framework that we use. What its next version adds is not among them, and is closed.
USED = {
    "/_stcore/health",
    "/_stcore/host-config",
    "/_stcore/bidi-components/crm.news/news.js",
    "/_stcore/bidi-components/crm.chosen/chosen.js",
    "/media/x.svg",
}


def test_what_the_framework_serves_beside_is_closed(address: str) -> None:
    for path in USED:
        assert headers.is_open("GET", path), path
    with httpx.Client(base_url=address) as client:
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
                assert closed(client.request(method, path)), (method, path)
        assert closed(client.put("/timeline", content=b"x" * 1000))
        for path in ("/_stcore/health", "/_stcore/bidi-components/crm.news/news.js", "/timeline"):
            assert client.get(path).status_code == 200, path


def closed(answer: httpx.Response) -> bool:
    """As our own door says it, before the framework sees anything."""
    return (answer.status_code, answer.text) == (404, "Not here.")


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
        # The page Import takes lists that are longer than any delivery.
        protocol: Any = config.http
        assert protocol.taken.request_bytes > uploads.LARGEST_BYTES > bounded_http.REQUEST_BYTES
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
    address: str, correspondence: Correspondence
) -> None:
    path, list_of_names = "/_stcore/upload_file/a/b", {"file": ("list.csv", b"name\nSam\n")}
    correspondence.user("reader", "viewer")
    with httpx.Client(base_url=address) as client:

        def passes(user_name: str | None, **more: str) -> bool:
            cookie = cookie_of(user_name) if user_name else {}
            own = {"origin": address}
            return not closed(client.put(path, files=list_of_names, headers=own | cookie | more))

        # It reaches what stands behind.
        assert passes("agent")
        assert not passes("reader")
        assert not passes("agent", origin="https://example.com")
        assert not passes(None)
        too_long = {"content-length": str(uploads.LARGEST_BYTES + 1)}
        assert not uploads_within(too_long | cookie_of("agent"))


def uploads_within(said: dict[str, str]) -> bool:
    """What is asked before the first byte of a file is read."""
    scope = {
        "type": "http", "method": "PUT", "client": None,
        "headers": [(name.encode(), value.encode()) for name, value in said.items()],
    }  # fmt: skip
    answers: list[bool] = []

    async def ask() -> None:
        answers.append(await uploads.may_upload(scope))

    apart(ask)
    return answers[0]


def test_an_address_that_names_nothing_of_ours_is_asked_of_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An id that is too long, or holds what no id holds, is none at all, before any statement."""
    asked = (address_of_page.customer, address_of_page.place, address_of_page.message)
    for odd in ("x" * 3_000, "a\0b", "a\nb", "\x1b[2J", "a\u202eb"):
        given = dict.fromkeys(("customer", "at", "message", "raw"), odd)
        monkeypatch.setattr("app.address.st.query_params", given)
        assert [one() for one in asked] == ["", "", ""], odd
    monkeypatch.setattr("app.address.st.query_params", {"customer": "customer-0"})
    assert address_of_page.customer() == "customer-0"
