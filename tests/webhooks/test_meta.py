"""What Meta asks of a webhook beyond the outcome table: the handshake, and one URL for several accounts."""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import httpx
import psycopg
import pytest

from tests.webhooks.conftest import Sender
from tests.webhooks.meta_proof import (
    APP_SECRET,
    META_SAMPLES,
    RETIRED_SECRET,
    meta_json,
    meta_signature,
)
from warehouse.channels import registry
from webhooks import Delivery, Secrets, meta

EVERY_META_CHANNEL = pytest.mark.parametrize(
    "sender",
    [entry.channel for entry in registry().values() if entry.provider == "meta"],
    indirect=True,
)
CHALLENGE = "1158201444"
#: Against a hang alone. Messenger asks for an answer within 5 seconds, and WhatsApp names no limit; how long answers take where
#: nothing else runs is for the benchmarks to say.
PATIENCE_SECONDS = 15


def ask(sender: Sender, **changes: str | None) -> httpx.Response:
    """The handshake as Meta asks for it; None as a change leaves the parameter out."""
    asked = {
        "hub.mode": "subscribe",
        "hub.challenge": CHALLENGE,
        "hub.verify_token": sender.connection.required("verify_token"),
        **{f"hub.{name}": value for name, value in changes.items()},
    }
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    return sender.receiver.client.get(f"{sender.url}?{query}")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that any logger of this process says."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    # The test's own client tells what it asks for.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


@EVERY_META_CHANNEL
def test_the_challenge_comes_back_as_it_is(sender: Sender) -> None:
    answer = ask(sender)
    assert (answer.status_code, answer.content) == (200, CHALLENGE.encode())
    assert answer.headers["Content-Type"] == "text/plain"
    assert ask(sender, challenge="aZ09").text == "aZ09"


NO_HANDSHAKES: list[dict[str, str | None]] = [
    {"verify_token": "another-token"},
    {"verify_token": ""},
    {"verify_token": None},
    {"verify_token": "é"},
    {"verify_token": APP_SECRET},
    {"mode": "unsubscribe"},
    {"mode": "SUBSCRIBE"},
    {"mode": None},
    {"challenge": "<script>alert(1)</script>"},
    {"challenge": "1158201444 "},
    {"challenge": "1158201444\n"},
    {"challenge": "-1"},
    {"challenge": "٣"},
    {"challenge": "é"},
    {"challenge": "1" * 201},
    {"challenge": ""},
    {"challenge": None},
    {"mode": None, "challenge": None, "verify_token": None},
]


@EVERY_META_CHANNEL
def test_a_get_that_is_no_handshake_is_forbidden(sender: Sender) -> None:
    for changes in NO_HANDSHAKES:
        answer = ask(sender, **changes)
        assert (answer.status_code, answer.content) == (403, b""), changes


@EVERY_META_CHANNEL
def test_a_token_is_only_taken_whole_and_once(sender: Sender) -> None:
    token = sender.connection.required("verify_token")
    for wrong in (token[:-1], token + "x", token.upper(), f" {token}"):
        assert ask(sender, verify_token=wrong).status_code == 403
    twice = urlencode(
        [
            ("hub.mode", "subscribe"),
            ("hub.challenge", CHALLENGE),
            ("hub.verify_token", "wrong"),
            ("hub.verify_token", token),
        ]
    )
    assert sender.receiver.client.get(f"{sender.url}?{twice}").status_code == 403
    many = "&".join(["hub.mode=subscribe"] * 2000)
    # Too long to be read at all.
    assert sender.receiver.client.get(f"{sender.url}?{many}").status_code == 431


def test_a_connection_without_a_verify_token_shakes_no_hands() -> None:
    query = f"hub.mode=subscribe&hub.challenge={CHALLENGE}&hub.verify_token="
    delivery = Delivery("GET", "https://crm.example.com", "/webhooks/x/c1", query, {}, b"")
    for keys in ({}, {"verify_token": ""}):
        assert meta.handshake(delivery, Secrets(keys)).status == 403


@EVERY_META_CHANNEL
def test_no_handshake_leaves_a_trace(
    sender: Sender, admin: psycopg.Connection[Any], log: io.StringIO
) -> None:
    token, guess = sender.connection.required("verify_token"), "a-guess-of-a-stranger"
    assert ask(sender).status_code == 200
    assert ask(sender, verify_token=guess).status_code == 403
    signed = meta_signature(APP_SECRET)("", b"")
    assert sender.receiver.client.get(sender.url, headers=signed).status_code == 403
    # A refusal of a POST is kept a moment later: when it is there, one of a handshake would be too.
    assert sender.post(sender.sample(1), headers={}).status_code == 401
    kept = 0
    while not kept:
        kept = _count(admin, "raw.refusals")
    assert kept == 1
    assert _count(admin, "raw.webhook_deliveries") == 0
    stored = admin.execute("select string_agg(refusals::text, '') from raw.refusals as refusals")
    traces = str(stored.fetchone()) + log.getvalue() + sender.receiver.metrics()
    assert "refused" in log.getvalue()
    for secret in (token, guess, CHALLENGE, "hub."):
        assert secret not in traces
    counted = 'crm_deliveries_total{channel="%s",outcome="%s"} %s.0'
    assert counted % (sender.channel, "handshake", 1) in traces
    assert counted % (sender.channel, "handshake_refused", 2) in traces


def _count(admin: psycopg.Connection[Any], table: str) -> int:
    row = admin.execute(f"select count(*) from {table}").fetchone()
    assert row is not None
    return int(row[0])


@EVERY_META_CHANNEL
def test_a_handshake_with_an_unknown_connection_is_not_found(sender: Sender) -> None:
    url = f"{sender.receiver.base_url}/webhooks/{sender.channel}/0000000000000000"
    assert sender.receiver.client.get(url, params={"hub.mode": "subscribe"}).status_code == 404


@EVERY_META_CHANNEL
def test_any_secret_of_the_connection_verifies(
    sender: Sender, admin: psycopg.Connection[Any]
) -> None:
    for number, secret in enumerate((APP_SECRET, RETIRED_SECRET)):
        body = sender.sample(number)
        proof = meta_signature(secret)("", body)
        assert sender.post(body, headers=proof).status_code == 200
        upper = {name: "sha256=" + value[7:].upper() for name, value in proof.items()}
        assert sender.post(body, headers=upper).status_code == 200
    assert _count(admin, "raw.webhook_deliveries") == 2


@EVERY_META_CHANNEL
def test_entries_of_several_accounts_land_together(
    sender: Sender, admin: psycopg.Connection[Any]
) -> None:
    """One app has one URL: what is another account's must land here, for the models to assign it."""
    ours = json.loads(META_SAMPLES[sender.channel](1))
    (entry,) = ours["entry"]
    ours["entry"] = [entry, entry | {"id": "999999999999999"}, entry | {"id": "888888888888888"}]
    foreign = ours | {"entry": [entry | {"id": "999999999999999"}]}
    for body in (meta_json(ours), meta_json(foreign)):
        assert sender.post(body).status_code == 200
    landed = admin.execute(
        "select array(select entry ->> 'id' from jsonb_array_elements(payload -> 'entry') as entry)"
        " from raw.webhook_deliveries order by jsonb_array_length(payload -> 'entry')"
    ).fetchall()
    assert landed == [
        (["999999999999999"],),
        ([entry["id"], "999999999999999", "888888888888888"],),
    ]


def test_a_chunk_of_history_lands_in_time_and_keeps_nobody_waiting(
    whatsapp: Sender, admin: psycopg.Connection[Any]
) -> None:
    """After onboarding WhatsApp sends months of chats in bodies of 3 MB, while people go on writing."""
    chunk = history_chunk(3_000_000)
    assert 3_000_000 < len(chunk) < registry()["whatsapp"].body_limit_bytes

    def post(body: bytes) -> tuple[int, float]:
        started = time.monotonic()
        return whatsapp.post(body).status_code, time.monotonic() - started

    with ThreadPoolExecutor(12) as pool:
        chunks = [pool.submit(post, chunk + b" " * number) for number in range(4)]
        messages = [pool.submit(post, whatsapp.sample(number)) for number in range(100)]
        answers = [answer.result() for answer in chunks + messages]
    assert {status for status, _ in answers} == {200}
    assert max(seconds for _, seconds in answers) < PATIENCE_SECONDS
    assert _count(admin, "raw.webhook_deliveries") == 104
    assert admin.execute(
        "select count(*), bool_or(payload_repaired) from raw.webhook_deliveries"
        " where jsonb_array_length(payload #> '{entry,0,changes,0,value,history,0,threads}') > 300"
    ).fetchone() == (4, False)


def history_chunk(size_bytes: int) -> bytes:
    """One `history` webhook of at least this size: threads of 20 messages."""
    message = {
        "from": "61491570006",
        "timestamp": "1786851901",
        "type": "text",
        "text": {"body": "Is it ready? 🚲 " * 12},
        "history_context": {"status": "READ"},
    }
    thread = {"id": "61491570006", "messages": [message | {"id": f"wamid.{0:048d}"}] * 20}
    threads = [thread] * (size_bytes // len(meta_json(thread)) + 1)
    metadata = {"phase": 0, "chunk_order": 1, "progress": 55}
    value = {
        "messaging_product": "whatsapp",
        "history": [{"metadata": metadata, "threads": threads}],
    }
    entry = {"id": "102290129340398", "changes": [{"field": "history", "value": value}]}
    return meta_json({"object": "whatsapp_business_account", "entry": [entry]})
