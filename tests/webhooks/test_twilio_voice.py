"""What each of Twilio Voice's requests is answered (docs/providers/twilio.md): the wrong answer ends a call."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator

from tests.webhooks.conftest import ACCOUNT_SID, AUTH_TOKEN, Sender, call_form
from webhooks import Answer, Delivery, twilio_voice

PAYLOADS = Path(__file__).parent.parent / "payloads" / "twilio_voice"
TWIML = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
#: The samples that wait for instructions; every other is told for information.
WITH_TWIML = {"voicemail_record_action", "call_incoming_ringing"}


def answer(body: bytes, *, method: str = "POST", query: str = "") -> Answer:
    kind = "application/x-www-form-urlencoded"
    return twilio_voice.acknowledge(
        Delivery(method, "https://x", "/webhooks/x/c1", query, {"content-type": kind}, body)
    )


@pytest.mark.parametrize("name", sorted(file.stem for file in PAYLOADS.glob("[!e]*.json")))
def test_every_sample_is_answered_as_it_must(name: str) -> None:
    sample: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text())
    given = answer(sample["body_raw"].encode())
    if name in WITH_TWIML:
        assert (given.status, given.body, given.content_type) == (200, TWIML, "text/xml")
    else:
        assert (given.status, given.body) == (204, b"")
    assert (given.alarm is not None) == (name == "call_incoming_ringing")


CALL = {"CallSid": "CA1", "AccountSid": ACCOUNT_SID, "From": "+61491570006"}


@pytest.mark.parametrize(
    ("more", "status", "is_alarming"),
    [
        ({"CallStatus": "ringing"}, 200, True),
        ({"CallStatus": "in-progress"}, 200, True),
        ({"CallStatus": "in-progress", "RecordingUrl": "https://api.example.com/RE1"}, 200, False),
        ({"CallStatus": "ringing", "SequenceNumber": "0"}, 204, False),
        ({"CallStatus": "in-progress", "CallbackSource": "call-progress-events"}, 204, False),
        ({"CallStatus": "completed", "RecordingUrl": "u", "CallbackSource": "x"}, 204, False),
        ({"CallStatus": "completed", "RecordingUrl": "u", "RecordingStatus": "completed"}, 204, False),
        ({"CallStatus": "in-progress", "TranscriptionEvent": "transcription-content"}, 204, False),
        (
            {"CallStatus": "in-progress", "TranscriptionStatus": "completed", "TranscriptionSid": "T"},
            204,
            False,
        ),
        ({"CallStatus": "completed"}, 204, False),
        ({"CallStatus": "no-answer"}, 204, False),
        ({"CallStatus": "canceled"}, 204, False),
        ({"CallStatus": "queued"}, 204, False),
        ({"CallStatus": "a state of tomorrow"}, 204, False),
        ({}, 204, False),
    ],
    ids=str,
)  # fmt: skip
def test_the_order_of_the_checks(more: dict[str, str], status: int, is_alarming: bool) -> None:
    given = answer(urlencode(CALL | more).encode())
    assert (given.status, given.alarm is not None) == (status, is_alarming)
    # Twilio can be told to send GETs: then the query says the same.
    assert answer(b"", method="GET", query=urlencode(CALL | more)) == given


def test_a_call_request_raises_an_alarm_that_names_no_caller(
    twilio_voice: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    body = urlencode(CALL | {"CallStatus": "ringing", "CallerName": "Sam Citizen"}).encode()
    with caplog.at_level(logging.INFO, "crm.receiver"):
        given = twilio_voice.post(body)
        assert twilio_voice.post(call_form(1)).status_code == 204
    assert (given.status_code, given.content) == (200, TWIML)
    (alarm,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    said = alarm.getMessage()
    assert said.startswith(f"twilio_voice {twilio_voice.connection.connection_id}: ")
    assert "Voice URL" in said
    for private in ("61491570006", "Sam", "CA1", ACCOUNT_SID):
        assert private not in said


def test_a_get_of_twilio_is_proven_by_its_url(twilio_voice: Sender, admin: Any) -> None:
    url = f"{twilio_voice.url}?{call_form(1).decode()}"
    proof = {"X-Twilio-Signature": RequestValidator(AUTH_TOKEN).compute_signature(url, {})}
    client = twilio_voice.receiver.client
    assert client.get(url, headers=proof).status_code == 204
    assert client.get(url + "&Extra=1", headers=proof).status_code == 401
    landed = admin.execute("select method, payload ->> 'CallStatus' from raw.webhook_deliveries")
    assert landed.fetchall() == [("GET", "completed")]
