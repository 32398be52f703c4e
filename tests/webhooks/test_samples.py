"""Every recorded payload, signed by the provider's public rule: the message it must become.

The payloads of tests/payloads/<channel>/ were written for this project from the providers' documents;
`expected.json` beside them says what each must be. The table is printed with `-s`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import psycopg
import pytest

from tests.webhooks.conftest import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    Certificates,
    RunningReceiver,
    Sender,
    google_token,
)
from tests.webhooks.meta_proof import APP_SECRET
from transform.build import build
from transform.models import Models
from warehouse.channels import registry
from warehouse.settings import Settings

PAYLOADS = Path(__file__).parent.parent / "payloads"
PUSHING = [entry.channel for entry in registry().values() if entry.pushes]


@cache
def samples(channel: str) -> dict[str, dict[str, Any]]:
    """The deliveries; a handshake is none."""
    return {
        name: sample for name, sample in recorded(channel).items() if sample["method"] == "POST"
    }


@cache
def recorded(channel: str) -> dict[str, dict[str, Any]]:
    return {
        file.stem: json.loads(file.read_text())
        for file in sorted((PAYLOADS / channel).glob("*.json"))
        if file.stem != "expected"
    }


def twilio_proof(url: str, sample: dict[str, Any]) -> dict[str, str]:
    """HMAC-SHA1 over the URL and the sorted parameters, written from Twilio's text."""
    text = url
    if sample["content_type"] != "application/json":
        values: dict[str, set[str]] = {}
        for name, value in parse_qsl(sample["body_raw"], keep_blank_values=True):
            values.setdefault(name, set()).add(value)
        text += "".join(name + value for name in sorted(values) for value in sorted(values[name]))
    digest = hmac.new(AUTH_TOKEN.encode(), text.encode(), hashlib.sha1).digest()
    return {"X-Twilio-Signature": base64.b64encode(digest).decode()}


def meta_proof(sample: dict[str, Any]) -> dict[str, str]:
    """HMAC-SHA256 over the body as it is, written from Meta's text."""
    digest = hmac.new(APP_SECRET.encode(), sample["body_raw"].encode(), hashlib.sha256)
    return {"X-Hub-Signature-256": f"sha256={digest.hexdigest()}"}


def test_every_sample_becomes_what_it_must_folded_and_built_whole(
    request: pytest.FixtureRequest,
    receiver: RunningReceiver,
    certificates: Certificates,
    settings: Settings,
    models: Models,
    fold_now: Callable[[], int],
    admin: psycopg.Connection[Any],
) -> None:
    """All channels in one warehouse: first as they come, then by one build."""
    for channel in PUSHING:
        land(request.getfixturevalue(channel), receiver, certificates, fold_now)
    becomes_what_it_must(admin, "folded")
    build(settings, models, compare=False)
    becomes_what_it_must(admin, "built")


def becomes_what_it_must(admin: psycopg.Connection[Any], how: str) -> None:
    wrong = {}
    became = what_became_of_deliveries(admin)
    for channel in PUSHING:
        for name, sample in samples(channel).items():
            got = became.get(hashlib.sha256(sample["body_raw"].encode()).hexdigest(), [])
            print(f"{how:6} {channel:12} {name:38} {json.dumps(got, ensure_ascii=False)}")
            if got != expected(channel)[name]:
                wrong[channel, name] = (got, expected(channel)[name])
        assert samples(channel).keys() == expected(channel).keys()
    assert wrong == {}, how


@cache
def expected(channel: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = json.loads(
        (PAYLOADS / channel / "expected.json").read_text()
    )
    return found


def land(
    sender: Sender,
    receiver: RunningReceiver,
    certificates: Certificates,
    fold_now: Callable[[], int],
) -> None:
    """Every sample of a channel, signed; one at a time, as where nothing else happens."""
    for name, sample in samples(sender.channel).items():
        query = urlsplit(sample["path_hint"]).query
        url = f"{sender.url}?{query}" if query else sender.url
        proof = {
            "google": lambda: google_token(certificates),
            "twilio": lambda url=url, sample=sample: twilio_proof(url, sample),
            "meta": lambda sample=sample: meta_proof(sample),
        }[registry()[sender.channel].provider]()
        answer = receiver.client.post(
            url, content=sample["body_raw"].encode(), headers={**sample["headers"], **proof}
        )
        assert answer.is_success, name
        fold_now()


def what_became_of_deliveries(admin: psycopg.Connection[Any]) -> dict[str, list[dict[str, Any]]]:
    """Of each body, by its hash, event by event: its outcome, and the message that it belongs to.

    In one question: each of some hundred of them would read all messages anew.
    """
    rows = admin.execute(
        """
        with messages as materialized (select * from marts.messages)
        select
            encode(sha256(deliveries.body), 'hex'),
            outcomes.outcome,
            outcomes.reason,
            case when messages.message_id is not null then jsonb_strip_nulls(jsonb_build_object(
                'id', messages.provider_message_id, 'direction', messages.direction, 'from', messages.from_address,
                'to', messages.to_addresses, 'counterpart', messages.counterpart_identity, 'kind', messages.kind,
                'body', messages.body, 'status', messages.status, 'thread', messages.thread_key,
                'attachments', jsonb_array_length(messages.attachments),
                'sent_at', case when messages.sent_at <> messages.received_at then messages.sent_at end,
                'in_reply_to', messages.in_reply_to, 'revision', nullif(messages.revision, 0), 'removal', messages.removal,
                'reactions', (
                    select jsonb_agg(reaction ->> 'emoji') from jsonb_array_elements(messages.reactions) as reaction
                )
            )) end
        from raw.webhook_deliveries as deliveries
        inner join marts.outcomes on split_part(outcomes.raw_ref, '#', 1) = 'raw.webhook_deliveries/' || deliveries.delivery_id
        left join messages on messages.raw_refs @> jsonb_build_array(jsonb_build_object('raw_ref', outcomes.raw_ref))
        order by outcomes.raw_ref collate "C"
        """
    ).fetchall()
    became: dict[str, list[dict[str, Any]]] = {}
    for body, outcome, reason, message in rows:
        became.setdefault(body, []).append(
            {
                "outcome": outcome,
                **({"reason": reason} if reason else {}),
                **({"message": message} if message else {}),
            }
        )
    return became


@pytest.mark.parametrize("sender", PUSHING, indirect=True)
def test_a_recorded_handshake_is_answered_and_lands_nothing(
    sender: Sender, receiver: RunningReceiver, admin: psycopg.Connection[Any]
) -> None:
    shaken = [sample for sample in recorded(sender.channel).values() if sample["method"] == "GET"]
    assert len(shaken) == (registry()[sender.channel].provider == "meta")
    for sample in shaken:
        asked = dict(parse_qsl(urlsplit(sample["path_hint"]).query))
        asked["hub.verify_token"] = sender.connection.required("verify_token")
        answer = receiver.client.get(sender.url, params=asked, headers=sample["headers"])
        assert (answer.status_code, answer.text) == (200, asked["hub.challenge"])
    assert admin.execute("select count(*) from raw.webhook_deliveries").fetchone() == (0,)


@pytest.mark.parametrize("channel", ["twilio_sms", "twilio_voice"])
def test_the_samples_are_of_the_account_that_the_connection_has(channel: str) -> None:
    """A sample of another account would prove only that it is quarantined."""
    bodies = [sample["body_raw"] for sample in samples(channel).values()]
    foreign = [body for body in bodies if ACCOUNT_SID not in body]
    assert len(foreign) == (channel == "twilio_sms")
