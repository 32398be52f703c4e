"""What strangers do to the receiver without a secret: it costs us little, and genuine deliveries go on meanwhile."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any

import httpx
import psycopg
import pytest

from benchmarks import strangers
from tests.webhooks.conftest import RunningReceiver, Sender, twilio_form
from warehouse import bounded_http, connections
from warehouse.channels import registry
from warehouse.settings import Settings
from webhooks import connected


def landed(admin: psycopg.Connection[Any]) -> int:
    row = admin.execute("select count(*) from raw.webhook_deliveries").fetchone()
    assert row is not None
    return int(row[0])


def raw(sender: Sender) -> socket.socket:
    return strangers.connected(int(sender.receiver.base_url.rpartition(":")[2]), "127.0.0.1")


def answer(of: socket.socket) -> bytes:
    with suppress(OSError):
        return of.recv(4096)
    return b""


def test_a_request_without_end_is_ended(
    twilio_sms: Sender, admin: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_http, "HEAD_SECONDS", 0.4)
    monkeypatch.setattr(bounded_http, "BODY_SECONDS", 0.6)
    path = connections.webhook_path(twilio_sms.connection)
    started = strangers.head(path)
    for what, (begin, piece) in strangers.endless(path).items():
        with raw(twilio_sms) as flooding:
            flooding.sendall(begin)
            took = time.monotonic()
            sent = strangers.poured(flooding, piece, strangers.POURED_BYTES)
            # Of 100 MB some reach the buffers between us and no more.
            assert sent < 24 * 1024 * 1024, what
            assert time.monotonic() - took < 30, what
    with raw(twilio_sms) as flooding:
        flooding.sendall(started + b"X: " + b"a" * 40_000)
        assert answer(flooding).startswith(b"HTTP/1.1 431")
    # Half-sent heads and bodies are not held: neither those that came with nothing.
    with ExitStack() as stack:
        held = [stack.enter_context(raw(twilio_sms)) for _ in range(60)]
        *heads, half_a_body = strangers.half_sent(path)
        for number, each in enumerate(held):
            each.sendall(heads[number % len(heads)])
        body = stack.enter_context(raw(twilio_sms))
        body.sendall(half_a_body)
        assert twilio_sms.post(twilio_form(1)).is_success
        for each in held:
            assert answer(each).startswith(b"HTTP/1.1 408")
            assert answer(each) == b""
        assert answer(body) == b""
    assert landed(admin) == 1


def test_who_is_refused_while_they_send_hears_it(
    twilio_sms: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is too long, is no request or goes nowhere is answered at once, and what still comes of it does no harm to the
    answer: so much of it, for so long."""
    limit = registry()["twilio_sms"].body_limit_bytes
    started = strangers.head(connections.webhook_path(twilio_sms.connection))
    piece = b"a" * strangers.PIECE_BYTES
    longest = f"Content-Length: {limit * 2}\r\n".encode()
    refused = {
        b"413": started + longest + b"\r\n",
        b"404": strangers.head("/nowhere") + longest + b"Connection: close\r\n\r\n",
        b"431": started + b"X: " + b"a" * 40_000,
        b"400": started + b"Transfer-Encoding: chunked\r\n\r\nno size\r\n",
    }
    for status, begin in refused.items():
        with raw(twilio_sms) as sending:
            sending.sendall(begin)
            answered = answer(sending)
            assert answered.startswith(b"HTTP/1.1 " + status)
            # So nobody sends another request there.
            assert b"connection: close" in answered
            for _ in range(limit // len(piece)):
                sending.sendall(piece)
            while sending.recv(4096):
                pass
    # Whole requests end nothing.
    with raw(twilio_sms) as sending:
        for _ in range(2):
            sending.sendall(started + b"Content-Length: 1\r\n\r\na")
            answered = answer(sending)
            assert answered.startswith(b"HTTP/1.1 401")
            assert b"connection: close" not in answered

    # Without end, and drop by drop.
    with raw(twilio_sms) as sending:
        sending.sendall(refused[b"413"])
        assert strangers.poured(sending, piece, strangers.POURED_BYTES) < 24 * 1024 * 1024
    monkeypatch.setattr(bounded_http, "REST_SECONDS", 0.3)
    with raw(twilio_sms) as sending:
        sending.sendall(refused[b"413"])
        began = time.monotonic()
        while _takes(sending, b"a"):
            assert time.monotonic() - began < 30
            time.sleep(0.02)


def _takes(sending: socket.socket, more: bytes) -> bool:
    with suppress(OSError):
        sending.sendall(more)
        return True
    return False


def test_an_address_of_many_refusals_waits_and_nobody_else_does(
    twilio_sms: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the parser does not take, what is too long, and a body that is answered unread: each counts."""
    monkeypatch.setattr(bounded_http, "MOST_REFUSED", 3)
    monkeypatch.setattr(bounded_http, "HELD_SECONDS", 2.0)
    path = connections.webhook_path(twilio_sms.connection)
    port = int(twilio_sms.receiver.base_url.rpartition(":")[2])
    unread = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 7000000\r\n\r\n"

    whole = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()

    def took(begin: bytes, source: str = strangers.ELSEWHERE) -> float:
        with strangers.connected(port, source) as stranger:
            began = time.monotonic()
            stranger.sendall(begin)
            # One end or the other: an answer, or what was not read ends the connection.
            answer(stranger)
            return time.monotonic() - began

    for bad in (b"what\r\n\r\n", strangers.head(path) + b"X: " + b"a" * 40_000, unread):
        assert took(bad) < 1.9, bad
    assert took(b"what\r\n\r\n") >= 2.0
    # From another address: who says nothing, and whose short body was on its way when it was answered, is not counted.
    monkeypatch.setattr(bounded_http, "HEAD_SECONDS", 0.1)
    short = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    for harmless in (b"", short) * 3:
        assert took(harmless, "127.0.0.67") < 1.9, harmless
    assert took(whole, "127.0.0.67") < 1.9
    # It waits for its turn and is answered then, as it stands.
    assert took(whole) >= 2.0
    began = time.monotonic()
    assert twilio_sms.post(twilio_form(1)).is_success
    assert time.monotonic() - began < 1.9


def test_one_address_does_not_take_all_connections(
    twilio_sms: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_http, "MOST_OF_ADDRESS", 5)
    with ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(raw(twilio_sms))
        time.sleep(0.2)
        with raw(twilio_sms) as another:
            assert answer(another).startswith(b"HTTP/1.1 503")
    # Given back with the connections.
    deadline = time.monotonic() + 30
    while not _succeeds(lambda: twilio_sms.post(twilio_form(2))):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _succeeds(ask: Callable[[], httpx.Response]) -> bool:
    try:
        return ask().is_success
    except httpx.HTTPError:
        return False


def test_what_is_signed_once_lands_once(twilio_sms: Sender, admin: psycopg.Connection[Any]) -> None:
    """One captured request, written in other ways that have the same signature."""
    body = twilio_form(1)
    proof = twilio_sms.sign(twilio_sms.url, body)
    assert twilio_sms.post(body, headers=proof).is_success
    for other in strangers.other_spellings(body):
        assert twilio_sms.post(other, headers=proof).is_success, other
    # Names and values are signed in a row: another bound between them is the same delivery.
    for moved in (
        body.replace(b"Body=Is", b"BodyIs=", 1),
        body.replace(b"AccountSid=AC", b"AccountSidAC=", 1),
        body.replace(b"From=%2B61", b"From%2B61=", 1),
        body.replace(b"Body=I", b"Bod=yI", 1),
    ):
        assert twilio_sms.post(moved, headers=proof).is_success, moved
    assert landed(admin) == 1


def test_a_slash_at_the_end_of_the_address_is_no_other_address(
    twilio_sms: Sender, admin: psycopg.Connection[Any]
) -> None:
    assert twilio_sms.post(twilio_form(1), url=twilio_sms.url + "/").is_success
    assert landed(admin) == 1
    assert twilio_sms.receiver.client.post(twilio_sms.url + "//", content=b"").status_code == 404


def test_an_unknown_id_is_forgotten_at_once_where_it_is_none_of_ours(
    receiver: RunningReceiver, twilio_sms: Sender
) -> None:
    url = f"{receiver.base_url}/webhooks/twilio_sms/"
    for odd in ("a" * 65, "a" * 20_000, "x%00", "..", "a b"):
        assert receiver.client.post(url + odd).status_code == 404
    with ThreadPoolExecutor(16) as pool:
        guesses = list(pool.map(lambda n: receiver.client.post(f"{url}{n:016x}"), range(150)))
    assert {guess.status_code for guess in guesses} == {404}
    assert twilio_sms.post(twilio_form(1)).is_success


def test_ids_that_are_guessed_again_take_one_connection_of_the_pool_too(
    receiver: RunningReceiver,
    admin: psycopg.Connection[Any],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That nobody knows an id is remembered for a moment; asked again afterwards, it is a guess as before."""
    monkeypatch.setattr(connected, "UNKNOWN_SECONDS", 0.0)
    urls = [f"{receiver.base_url}/webhooks/twilio_sms/{number:016x}" for number in range(12)]
    assert {receiver.client.post(url).status_code for url in urls} == {404}
    waiting = (
        "select count(*) from pg_stat_activity where usename = 'crm_receiver'"
        " and datname = current_database() and wait_event_type = 'Lock'"
    )
    with psycopg.connect(settings.admin_url) as holding, ThreadPoolExecutor(12) as pool:
        holding.execute("lock table crm.connections in access exclusive mode")
        asked = [pool.submit(receiver.client.post, url) for url in urls]
        seen = [0]
        until = time.monotonic() + 30
        while not seen[-1] and time.monotonic() < until:
            seen.append(admin.execute(waiting).fetchall()[0][0])
        # So long the others could have come.
        until = time.monotonic() + 1
        while time.monotonic() < until:
            seen.append(admin.execute(waiting).fetchall()[0][0])
            time.sleep(0.02)
        holding.rollback()
        assert {each.result().status_code for each in asked} == {404}
    assert max(seen) == 1


def test_a_push_without_proof_makes_us_ask_nobody(
    gmail: Sender,
    certificates: Any,
    admin: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only what is right but for its signature costs a look at Google's certificates; and genuine ones wait for none."""
    asked: list[str] = []
    ask = connected.certificates_at

    async def counted(url: str) -> Any:
        asked.append(url)
        return await ask(url)

    monkeypatch.setattr(connected, "certificates_at", counted)
    for name, forge in gmail.forgeries.items():
        told = forge(gmail.url, gmail.sample(1))
        headers = {key: value.encode("latin-1") for key, value in told.items()}
        refused = gmail.post(gmail.sample(1), headers=headers)  # type: ignore[arg-type]
        assert refused.status_code == 401, name
    assert len(asked) <= 1
    assert gmail.post(gmail.sample(2)).is_success
    assert len(asked) == 1
    assert landed(admin) == 1


def test_a_server_that_was_started_again_costs_no_delivery(
    twilio_sms: Sender, admin: psycopg.Connection[Any]
) -> None:
    assert twilio_sms.post(twilio_form(1)).is_success
    admin.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'crm_receiver'"
    )
    assert twilio_sms.post(twilio_form(2)).is_success
    assert landed(admin) == 2


def test_how_we_stand_is_told_on_an_address_of_its_own_and_costs_one_connection(
    receiver: RunningReceiver, twilio_sms: Sender, admin: psycopg.Connection[Any]
) -> None:
    for path in ("/readyz", "/metrics"):
        assert receiver.client.get(receiver.base_url + path).status_code == 404
        assert receiver.client.get(receiver.admin_url + path).status_code == 200
    assert twilio_sms.post(twilio_form(1)).is_success
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: receiver.client.get(f"{receiver.admin_url}/readyz"), range(100)))
    count = "select count(*) from pg_stat_activity where usename = 'crm_receiver'"
    # Those that look connections up, the one that lands, the one that tries.
    assert admin.execute(count).fetchall()[0][0] <= 5
