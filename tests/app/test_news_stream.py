"""The stream attacked, on the program that serves: nobody hears what they have not open, and nobody holds it up."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import psutil
import pytest
import websockets

from app.access import sessions
from app.access.roles import UserRole
from app.live import stream as news_stream
from app.live import topics
from app.serving.process import MOST_OF_ADDRESS, allow_many_connections
from tests.app.browsing import serving, usual_port
from tests.app.conftest import Correspondence
from tests.event_loops import apart
from tests.long_form import LONG

MARK = "another.0"
#: The mark is of the process that says it, as of then.
NEWEST = {"changed": ["newest"], "mark": ANY}


def signed_in(user_name: str = "agent") -> str:
    opened = sessions.open_session(sessions.start_token(user_name), ip=None, user_agent=None)
    assert opened
    return opened


def session_of(token: str) -> str:
    viewer = sessions.viewer_of(token, ip=None, touch=False)
    assert viewer
    return viewer.session_id


def dial(address: str, token: str | None, **more: Any) -> Any:
    host = address.removeprefix("http://")
    headers = {"Cookie": f"{sessions.cookie_name()}={token}"} if token else {}
    return websockets.connect(
        f"ws://{host}/news", origin=f"http://{host}", additional_headers=headers,
        **({"open_timeout": 30} | more),  # type: ignore[arg-type]
    )  # fmt: skip


async def said(stream: Any, seconds: float = 15.0) -> dict[str, Any]:
    return dict(json.loads(await asyncio.wait_for(stream.recv(), seconds)))


async def closed(stream: Any, seconds: float = 20.0) -> int | None:
    """The code with which the server closes."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                await stream.recv()
            except websockets.ConnectionClosed:
                code: int | None = stream.close_code
                return code


async def opened(stream: Any, bell: str, ticket: str, mark: str = MARK) -> None:
    await stream.send(json.dumps({"open": {bell: [ticket, mark]}}))


def test_only_what_the_session_has_open_is_said(
    address: str, correspondence: Correspondence
) -> None:
    sam, kim = correspondence.customer("Sam", "phone:+61491570006"), correspondence.customer("Kim")
    token = signed_in()

    async def run() -> None:
        async with dial(address, token) as stream:
            assert await said(stream) == {"hello": True}
            await opened(
                stream,
                "newest",
                topics.ticket(session_of(token), UserRole.AGENT, topics.timeline(sam)),
            )
            # A mark of another life: it may have missed something.
            assert await said(stream) == NEWEST
            correspondence.execute(
                "select pg_notify('crm_changed', %s)",
                [json.dumps({"fold": 1, "identities": [], "customers": [kim]})],
            )
            with pytest.raises(TimeoutError):
                await said(stream, 1.0)
            began = time.monotonic()
            for _ in range(40):
                correspondence.execute(
                    "select pg_notify('crm_changed', %s)",
                    [json.dumps({"fold": 1, "identities": [], "customers": [sam]})],
                )
            heard = 0
            while True:
                try:
                    assert await said(stream, 1.0) == NEWEST
                    heard += 1
                except TimeoutError:
                    break
            assert 1 <= heard <= (time.monotonic() - began) * 4 + 1

    apart(run)


def test_without_a_session_or_from_another_origin_nothing_is_said(address: str) -> None:
    host = address.removeprefix("http://")

    async def run() -> None:
        for token in (None, "x" * 43, "y" * 5_000):
            async with dial(address, token) as stream:
                assert await closed(stream) == news_stream.ENDED
        for origin in (None, "https://example.org"):
            with pytest.raises(websockets.InvalidStatus):
                await websockets.connect(f"ws://{host}/news", origin=origin)  # type: ignore[arg-type]

    apart(run)


def test_what_no_page_says_ends_the_stream(address: str, correspondence: Correspondence) -> None:
    correspondence.user("other")
    token, another = signed_in(), signed_in("other")
    own = topics.ticket(session_of(token), UserRole.AGENT, topics.QUEUE)
    foreign = topics.ticket(session_of(another), UserRole.AGENT, topics.timeline("c1"))
    managers = topics.ticket(session_of(token), UserRole.AGENT, topics.CONNECTIONS)
    attacks: list[str | bytes] = [
        *(
            json.dumps({"open": {"newest": [ticket, MARK]}})
            # Another session's, an invented name, a right one for another topic, rights that the role has not.
            for ticket in (foreign, "0" * 32 + "timeline c1", own[:32] + "timeline c1", managers, 7, None)
        ),
        json.dumps({"open": {"x" * 100: [own, MARK]}}),
        json.dumps({"open": {str(n): [own, MARK] for n in range(50)}}),
        json.dumps({"open": {"newest": [own]}}),
        json.dumps({"open": [1]}),
        json.dumps({"close": 1}),
        "no JSON",
        "[]",
        "x" * 30_000,
    ]  # fmt: skip

    async def run() -> None:
        for attack in attacks:
            async with dial(address, token) as stream:
                await said(stream)
                await stream.send(attack)
                code = await closed(stream)
                assert code == news_stream.WRONG, attack[:80]
        async with dial(address, token) as stream:
            await said(stream)
            try:
                for _ in range(200):
                    await stream.send(json.dumps({"close": ["x"]}))
            except websockets.ConnectionClosed:
                pass
            assert await closed(stream) == news_stream.WRONG

    apart(run)


def test_an_open_stream_closes_within_two_seconds(
    address: str, correspondence: Correspondence
) -> None:
    async def run() -> None:
        for change, code in (
            ("update crm.sessions set revoked_at = now()", news_stream.ENDED),
            ("update crm.users set disabled_at = now()", news_stream.ENDED),
            ("update crm.users set role = 'viewer'", news_stream.OTHER_RIGHTS),
            (
                "update crm.sessions set expires_at = now() + interval '300 ms'"
                " where revoked_at is null and expires_at > now()",
                news_stream.ENDED,
            ),
        ):
            correspondence.execute("update crm.users set disabled_at = null, role = 'agent'")
            async with dial(address, signed_in()) as stream:
                assert await said(stream) == {"hello": True}
                correspondence.execute(change)
                assert await closed(stream, 2.0) == code, change
        # Drawn under other rights than those of now.
        correspondence.execute("update crm.users set disabled_at = null, role = 'agent'")
        token = signed_in()
        drawn = topics.ticket(session_of(token), UserRole.ADMIN, topics.timeline("c1"))
        async with dial(address, token) as stream:
            await opened(stream, "newest", drawn)
            assert await closed(stream) == news_stream.OTHER_RIGHTS

    apart(run)


def test_many_streams_of_one_address_are_bounded_and_others_still_served(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = signed_in()

    async def run() -> None:
        streams = []
        refused = 0
        for _ in range(news_stream.MOST_OF_SESSION + 5):
            stream = await dial(address, token)
            try:
                assert await said(stream) == {"hello": True}
                streams.append(stream)
            except websockets.ConnectionClosed:
                assert stream.close_code == news_stream.FULL
                refused += 1
        assert (len(streams), refused) == (news_stream.MOST_OF_SESSION, 5)
        async with dial(address, signed_in()) as other:
            assert await said(other) == {"hello": True}
        await asyncio.gather(*(stream.close() for stream in streams))
        async with dial(address, token) as stream:
            assert await said(stream) == {"hello": True}

    apart(run)


@pytest.mark.parametrize("asks", [False, *([True] if LONG else [])])
def test_ten_thousand_connections_of_one_address_do_not_keep_others_out(
    address: str, correspondence: Correspondence, asks: bool
) -> None:
    """That say nothing; in the long form each asks for the news, with a session that is somebody's."""
    allow_many_connections()
    token = signed_in()
    ticket = topics.ticket(session_of(token), UserRole.AGENT, topics.timeline("c1"))
    host, _, port = address.removeprefix("http://").rpartition(":")
    correspondence.user("other")
    upgrade = (
        f"GET /news HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {address}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Cookie: {sessions.cookie_name()}={signed_in('other')}\r\n\r\n"
    ).encode()

    def one() -> socket.socket:
        # From an address of its own: what it may hold is bounded, and everybody else stays free.
        place = ("127.0.0.2", 0)
        made = socket.create_connection((host, int(port)), timeout=20, source_address=place)
        if asks:
            # One that is full up has been ended by then.
            with suppress(OSError):
                made.sendall(upgrade)
        return made

    held = []
    try:
        for number in range(10_000):
            try:
                held.append(one())
            except OSError as fault:
                # Turned away, which is as well; but not for want of files of our own.
                if fault.errno == errno.EMFILE:
                    pytest.fail(f"{number} are all that this machine lets us open")

        async def run() -> None:
            async with dial(address, token, open_timeout=20) as stream:
                assert await said(stream, 20) == {"hello": True}
                await opened(stream, "newest", ticket)
                assert await said(stream) == NEWEST
                correspondence.execute(
                    """select pg_notify('crm_changed', '{"fold": 1, "customers": ["c1"]}')"""
                )
                assert await said(stream, 2) == NEWEST

        apart(run)
        assert len(held) > MOST_OF_ADDRESS
        ended = sum(is_ended(each) for each in held)
        assert ended >= len(held) - MOST_OF_ADDRESS
    finally:
        for connection in held:
            connection.close()


def is_ended(connection: socket.socket) -> bool:
    """Whether the other side has closed it, behind whatever it has said."""
    connection.setblocking(False)
    try:
        while connection.recv(65_536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def test_a_reader_that_does_not_read_holds_nobody_up(
    address: str, correspondence: Correspondence
) -> None:
    token = signed_in()
    ticket = topics.ticket(session_of(token), UserRole.AGENT, topics.timeline("c1"))
    port = int(address.rpartition(":")[2])

    def tell() -> None:
        correspondence.execute(
            """select pg_notify('crm_changed', '{"fold": 1, "customers": ["c1"]}')"""
        )

    async def run() -> None:
        async with (
            # Its own end would wait ten seconds for a word that it does not read.
            dial(address, token, max_queue=1, close_timeout=0.2, ping_interval=None) as deaf,
            dial(address, token) as quick,
        ):
            for stream in (deaf, quick):
                await opened(stream, "newest", ticket)
            assert await said(quick) == {"hello": True}
            assert await said(quick) == NEWEST
            deaf.transport.pause_reading()
            own = deaf.transport.get_extra_info("sockname")[1]
            assert own in served_to(port)
            await asyncio.sleep(0.5)
            for _ in range(50):
                tell()
            assert await said(quick) == NEWEST
            if LONG:
                # It does not answer signs of life either, and is let go of; the other one hears all along.
                until = time.monotonic() + 90
                while own in served_to(port):
                    assert time.monotonic() < until
                    await asyncio.sleep(1)
                    tell()
                    assert await said(quick, 2) == NEWEST

    apart(run)


def served_to(port: int) -> set[int]:
    """The ports of those whose connections the program on this port holds open."""
    return {
        each.raddr.port
        for each in psutil.net_connections("tcp")
        if each.laddr.port == port and each.raddr and each.status == psutil.CONN_ESTABLISHED
    }


@pytest.mark.parametrize("signal_of_end", [signal.SIGTERM, signal.SIGKILL])
def test_a_stream_over_a_restart_of_the_app_misses_nothing(
    correspondence: Correspondence, tmp_path: Path, signal_of_end: int
) -> None:
    correspondence.user("agent")
    token, port = signed_in(), usual_port()
    ticket = topics.ticket(session_of(token), UserRole.AGENT, topics.timeline("c1"))

    async def before(address: str) -> None:
        async with dial(address, token) as stream:
            assert await said(stream) == {"hello": True}
            await opened(stream, "newest", ticket)
            await said(stream)
            (pid,) = {
                each.pid
                for each in psutil.net_connections("tcp")
                if each.laddr.port == port and each.status == psutil.CONN_LISTEN
            }
            assert pid is not None
            os.kill(pid, signal_of_end)
            assert await closed(stream, 5.0) in (1001, 1006, 1012, news_stream.LATER)

    async def after(address: str) -> None:
        async with dial(address, token) as stream:
            # Signed in as before; and whatever was noted of a former life may be old.
            assert await said(stream) == {"hello": True}
            await opened(stream, "newest", ticket, mark)
            assert await said(stream) == NEWEST

    # As a page of the first life had it.
    mark = "another.7"
    for step in (before, after):
        with serving(correspondence.settings, tmp_path, port=port, is_forked=True) as address:
            apart(partial(step, address))


def test_a_stream_over_a_restart_of_the_database_misses_nothing(
    address: str, correspondence: Correspondence
) -> None:
    token = signed_in()
    ticket = topics.ticket(session_of(token), UserRole.AGENT, topics.timeline("c1"))

    async def comes_in() -> bool:
        async with dial(address, token) as stream:
            try:
                if await said(stream) != {"hello": True}:
                    return False
            except websockets.ConnectionClosed:
                # Nobody is signed out by it.
                assert stream.close_code == news_stream.LATER
                return False
            await opened(stream, "newest", ticket)
            return await said(stream) == NEWEST

    async def run() -> None:
        async with dial(address, token) as stream:
            await said(stream)
            with kept_out(correspondence):
                assert await closed(stream, 2.0) == news_stream.LATER
                for _ in range(3):
                    assert not await comes_in()
                    await asyncio.sleep(0.5)
        assert await _eventually(comes_in, 15)

    apart(run)


@contextmanager
def kept_out(correspondence: Correspondence) -> Iterator[None]:
    """As while the server is started again: every connection of the app is cut, and none comes in."""
    name = correspondence.session().info.dbname
    correspondence.execute(f"revoke connect on database {name} from public, crm_app")
    correspondence.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'crm_app'"
    )
    try:
        yield
    finally:
        correspondence.execute(f"grant connect on database {name} to public, crm_app")


def test_after_a_break_of_the_database_streams_end_and_come_again(
    address: str, correspondence: Correspondence
) -> None:
    token = signed_in()

    async def run() -> None:
        async with dial(address, token) as stream:
            await said(stream)
            correspondence.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'crm app news'"
            )
            assert await closed(stream) == news_stream.LATER

        async def comes_in() -> bool:
            async with dial(address, token) as stream:
                try:
                    return await said(stream) == {"hello": True}
                except websockets.ConnectionClosed:
                    return False

        assert await _eventually(comes_in)

    apart(run)


async def _eventually(holds: Callable[[], Awaitable[bool]], seconds: float = 60) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if await holds():
            return True
        await asyncio.sleep(0.1)
    return False
