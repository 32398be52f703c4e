"""The outcome table of webhooks/__init__.py: the same cases for every channel that pushes."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.pipelines.programs import wait_until
from tests.webhooks.conftest import RunningReceiver, Sender
from warehouse import connections
from warehouse.channels import registry

EVERY_CHANNEL = pytest.mark.parametrize(
    "sender", [entry.channel for entry in registry().values() if entry.pushes], indirect=True
)


def landed(admin: psycopg.Connection[Any]) -> int:
    row = admin.execute("select count(*) from raw.webhook_deliveries").fetchone()
    assert row is not None
    return int(row[0])


@EVERY_CHANNEL
def test_a_genuine_delivery_is_landed_exactly(
    sender: Sender, admin: psycopg.Connection[Any]
) -> None:
    body = sender.sample(1)
    answer = sender.post(body)
    assert answer.is_success
    row = admin.execute(
        "select channel, connection_id, method, path, body, payload is not null, headers ? 'authorization'"
        " from raw.webhook_deliveries"
    ).fetchone()
    path = connections.webhook_path(sender.connection)
    assert row == (sender.channel, sender.connection.connection_id, "POST", path, body, True, False)


@EVERY_CHANNEL
def test_every_forgery_is_refused_without_a_word(
    sender: Sender, admin: psycopg.Connection[Any]
) -> None:
    body = sender.sample(1)
    for name, forge in {"unsigned": lambda url, body: {}, **sender.forgeries}.items():
        headers = {key: value.encode("latin-1") for key, value in forge(sender.url, body).items()}
        answer = sender.post(body, headers=headers)  # type: ignore[arg-type]
        assert (answer.status_code, answer.content) == (401, b""), name
    assert landed(admin) == 0
    assert 'outcome="forged"' in sender.receiver.metrics()


@EVERY_CHANNEL
def test_refusals_are_counted_and_a_bounded_sample_is_kept(
    sender: Sender, admin: psycopg.Connection[Any]
) -> None:
    for _ in range(30):
        assert sender.post(sender.sample(1), headers={}).status_code == 401
    line = f'crm_deliveries_total{{channel="{sender.channel}",outcome="forged"}} 30.0'
    assert line in sender.receiver.metrics()
    # Written behind the answers.
    wait_until(lambda: _kept(admin), what="a sample of the refusals")
    assert _kept(admin) <= 5


def _kept(admin: psycopg.Connection[Any]) -> int:
    row = admin.execute("select count(*) from raw.refusals").fetchone()
    assert row is not None
    return int(row[0])


@EVERY_CHANNEL
def test_seen_before_is_the_same_success_and_lands_once(
    sender: Sender, admin: psycopg.Connection[Any]
) -> None:
    body = sender.sample(1)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: sender.post(body), range(100)))
    assert {answer.status_code for answer in answers} == {answers[0].status_code}
    assert answers[0].is_success
    assert landed(admin) == 1


@EVERY_CHANNEL
def test_unknown_connections_and_channels_are_not_found(sender: Sender) -> None:
    body = sender.sample(1)
    for path in (
        f"/webhooks/{sender.channel}/0000000000000000",
        f"/webhooks/telegraph/{sender.connection.connection_id}",
        f"/webhooks/{sender.channel}/%00",
        f"/webhooks/{sender.channel}/" + "a" * 3000,
    ):
        url = sender.receiver.base_url + path
        assert sender.post(body, url=url).status_code == 404, path


@EVERY_CHANNEL
def test_a_connection_answers_on_its_own_channel_only(sender: Sender) -> None:
    for channel in set(registry()) - {sender.channel}:
        url = f"{sender.receiver.base_url}/webhooks/{channel}/{sender.connection.connection_id}"
        assert sender.post(sender.sample(1), url=url).status_code == 404


@EVERY_CHANNEL
def test_the_limit_is_exact(sender: Sender, admin: psycopg.Connection[Any]) -> None:
    limit = registry()[sender.channel].body_limit_bytes
    body = sender.sample(1)
    filler = b"&Filler=" if b"&" in body else b" "
    largest = body + filler + b" " * (limit - len(body) - len(filler))
    if filler != b" ":
        largest = largest.replace(b" ", b"x")
    assert len(largest) == limit
    assert sender.post(largest).is_success
    assert sender.post(largest + b"x").status_code == 413
    # A length that is not announced is counted all the same.
    answer = sender.receiver.client.post(
        sender.url, content=iter([largest, b"x"]), headers=sender.sign(sender.url, largest + b"x")
    )
    assert answer.status_code == 413
    assert landed(admin) == 1


@EVERY_CHANNEL
def test_a_disabled_connection_still_lands(sender: Sender, admin: psycopg.Connection[Any]) -> None:
    assert connections.set_disabled(admin, sender.connection.connection_id, disabled=True)
    assert sender.post(sender.sample(1)).is_success
    assert landed(admin) == 1


UNREADABLE = [
    b"",
    b"\x00",
    b"\xff\xfe\xfd",
    b"{",
    b"[]",
    b"null",
    b"1e999999",
    b'{"a": NaN}',
    b'{"a": "\\u0000"}',
    b'{"a": "\\ud83d"}',
    b'{"\\ud83d": {"\\u0000": ["\\udead", "\\ud83d\\ude00"]}}',
    b'{"a": "\xc3\x28"}',
    b'{"a": 1, "a": 2}',
    b"[" * 20_000 + b"]" * 20_000,
    b'{"a":' * 600 + b"1" + b"}" * 600,
    b'{"a": 1e400000}',
    b"a=%00&b=%ff&c=%ed%a0%80&%00=x",
    b"Body=&Body=&Body",
    b"&&&===&",
    b"From=+61491570006",
    b"\xef\xbb\xbf{}",
    rb'{"a": "\ud83d\ude80", "b": "\\u0000"}',
]
#: What jsonb cannot hold as it is; a pair of surrogates is a letter like any other.
REPAIRED = {
    b'{"a": "\\u0000"}',
    b'{"a": "\\ud83d"}',
    b'{"\\ud83d": {"\\u0000": ["\\udead", "\\ud83d\\ude00"]}}',
    b'{"a": "\xc3\x28"}',
}


@EVERY_CHANNEL
@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "application/json", "", "text/plain"]
)
def test_whatever_is_signed_lands_as_it_is(
    sender: Sender, admin: psycopg.Connection[Any], content_type: str
) -> None:
    sender.content_type = content_type
    url = sender.url
    for body in UNREADABLE:
        signed_url = url
        if registry()[sender.channel].provider != "twilio":
            headers = sender.sign(signed_url, body)
        elif content_type == "application/json":
            signed_url = _with_body_hash(url, body)
            headers = sender.sign(signed_url, b"")
        else:
            headers = _sign_bytes(signed_url, body)
        answer = sender.post(body, headers=headers, url=signed_url)
        assert answer.is_success, (body[:40], answer.status_code)
    rows = admin.execute(
        "select body, payload is null, payload_error, payload_repaired from raw.webhook_deliveries"
    ).fetchall()
    assert {bytes(row[0]) for row in rows} == set(UNREADABLE)
    assert all(row[1] == (row[2] is not None) for row in rows)
    assert all(row[2] is None or "61491570006" not in row[2] for row in rows)
    if content_type == "application/json":
        assert {bytes(row[0]) for row in rows if row[3]} == REPAIRED


def _sign_bytes(url: str, body: bytes) -> dict[str, str]:
    """Twilio's rule over bytes, written from its text: bytes that are no UTF-8 pass no client library."""
    import base64
    import hashlib
    import hmac
    from urllib.parse import unquote_to_bytes

    from tests.webhooks.conftest import AUTH_TOKEN

    fields: dict[bytes, set[bytes]] = {}
    for piece in filter(None, body.split(b"&")):
        name, _, value = (part.replace(b"+", b" ") for part in piece.partition(b"="))
        fields.setdefault(unquote_to_bytes(name), set()).add(unquote_to_bytes(value))
    text = url.encode()
    for name in sorted(fields):
        for value in sorted(fields[name]):
            text += name + value
    digest = hmac.new(AUTH_TOKEN.encode(), text, hashlib.sha1).digest()
    return {"X-Twilio-Signature": base64.b64encode(digest).decode()}


def _with_body_hash(url: str, body: bytes) -> str:
    import hashlib

    return f"{url}?bodySHA256={hashlib.sha256(body).hexdigest()}"


@EVERY_CHANNEL
def test_one_unstorable_payload_does_not_keep_its_neighbours_out(
    sender: Sender, admin: psycopg.Connection[Any]
) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: sender.post(sender.sample(number)), range(1, 60)))
    assert all(answer.is_success for answer in answers)
    assert landed(admin) == 59


def test_alive_ready_and_measured(receiver: RunningReceiver) -> None:
    assert receiver.client.get(f"{receiver.base_url}/healthz").status_code == 200
    assert receiver.client.get(f"{receiver.admin_url}/readyz").status_code == 200
    assert "crm_landing_commit_seconds_bucket" in receiver.metrics()
    assert receiver.client.get(f"{receiver.base_url}/docs").status_code == 404


@EVERY_CHANNEL
def test_other_methods_are_not_allowed(sender: Sender) -> None:
    assert sender.receiver.client.put(sender.url).status_code == 405
    assert sender.receiver.client.delete(sender.url).status_code == 405


@EVERY_CHANNEL
def test_half_a_body_does_not_land(sender: Sender, admin: psycopg.Connection[Any]) -> None:
    body = sender.sample(1)
    proof = "".join(f"{name}: {value}\r\n" for name, value in sender.sign(sender.url, body).items())
    path = connections.webhook_path(sender.connection)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {sender.content_type}\r\n{proof}"
    host, port = sender.receiver.base_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[: len(body) // 2]
        )
    counted = f'crm_deliveries_total{{channel="{sender.channel}",outcome="disconnected"}} 1.0'
    deadline = time.monotonic() + 60
    while counted not in sender.receiver.metrics():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert landed(admin) == 0
