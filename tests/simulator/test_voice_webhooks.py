"""Twilio's webhooks of calls as a receiver meets them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from urllib.parse import parse_qsl

import pytest
from twilio.rest import Client

from simulator.server import Simulator
from simulator.twilio.twilio_caller import signed_url

from .conftest import Received, Receiver
from .meta_payloads import PAYLOADS


def genuine(provider: Simulator, url: str, request: Received) -> dict[str, str]:
    """The parameters, once the signature is proven by Twilio's public rule."""
    params = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    text = url + "".join(name + params[name] for name in sorted(params))
    token = provider.accounts["twilio_voice"]["auth_token"]
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    assert request.headers["X-Twilio-Signature"] == base64.b64encode(digest).decode()
    return params


def told(
    provider: Simulator, receiver: Receiver, number: int, before: int = 0
) -> list[dict[str, str]]:
    """Webhooks come in any order: here by what they tell, legs from the lowest to the root."""
    found = [genuine(provider, receiver.url, r) for r in receiver.wait_for(before + number)]

    def place(params: dict[str, str]) -> tuple[int, int, int]:
        kinds = ("TranscriptionEvent", "TranscriptionStatus", "RecordingStatus", "RecordingUrl")
        kind = next((n for n, key in enumerate(kinds) if key in params), None)
        depth = {"inbound": 1, "outbound-api": 1}.get(params.get("Direction", ""), 0)
        number = int(params.get("SequenceNumber") or params.get("SequenceId") or 0)
        return {None: 1, 3: 0, 2: 2, 1: 3, 0: 4}[kind], depth, number

    return sorted(found[before:], key=place)


def sample(name: str) -> dict[str, str]:
    recorded = json.loads((PAYLOADS / "twilio_voice" / f"{name}.json").read_text())
    return dict(parse_qsl(recorded["body_raw"], keep_blank_values=True))


@pytest.fixture
def pointed(provider: Simulator, receiver: Receiver) -> Simulator:
    provider.point("twilio_voice", receiver.url)
    return provider


def test_the_number_has_one_status_callback_and_texts_another(
    provider: Simulator, receiver: Receiver
) -> None:
    keys = provider.accounts["twilio_voice"]
    client = Client(keys["account_sid"], keys["auth_token"])
    client.api.base_url = keys["api_base"]
    for number in client.incoming_phone_numbers.list():
        number.update(sms_url=f"{receiver.url}/sms", status_callback=f"{receiver.url}/sms")
        number.update(status_callback=f"{receiver.url}/voice", status_callback_method="POST")
    provider.call(person="Mai Tran", outcome="missed")
    assert {request.path for request in receiver.wait_for(2)} == {"/voice"}
    provider.message(channel="twilio_sms", direction="outbound", person="Mai Tran", body="ready")
    assert {request.path for request in receiver.wait_for(5)[2:]} == {"/sms"}
    service = (
        f"{keys['api_base']}/v1/Services/{provider.accounts['twilio_sms']['messaging_service_sid']}"
    )
    answer = client.http_client.request(
        "POST",
        service,
        data={"StatusCallback": f"{receiver.url}/service"},
        auth=(keys["account_sid"], keys["auth_token"]),
    )
    assert answer.status_code == 200
    provider.message(channel="twilio_sms", direction="outbound", person="Mai Tran", body="ready")
    assert {request.path for request in receiver.wait_for(8)[5:]} == {"/service"}


def test_an_answered_call_with_its_child_and_recording(
    pointed: Simulator, receiver: Receiver
) -> None:
    made = pointed.call(
        person="Mai Tran",
        outcome="answered",
        seconds=117,
        recorded="DialVerb",
        transcript="Hello. Yes.",
    )
    child, root, recording = told(pointed, receiver, 3)
    assert (child["CallSid"], root["CallSid"]) == (made["legs"][1], made["sid"])
    assert child["ParentCallSid"] == made["sid"]
    assert set(child) == set(sample("status_dial_child_leg_completed"))
    assert set(root) == set(sample("status_completed_inbound"))
    assert (root["CallStatus"], root["CallDuration"], root["Duration"]) == ("completed", "124", "3")
    assert set(recording) == set(sample("recording_completed"))
    assert recording["RecordingSid"] == made["recordings"][0]
    assert recording["CallSid"] == made["sid"]


def test_a_voicemail_and_its_transcription(pointed: Simulator, receiver: Receiver) -> None:
    made = pointed.call(
        person="Mai Tran", outcome="voicemail", seconds=21, transcript="Please call me back."
    )
    action, child, root, recording, transcription = told(pointed, receiver, 5)
    assert set(action) == set(sample("voicemail_record_action"))
    assert action["CallStatus"] == "in-progress"
    assert child["CallStatus"] == "no-answer"
    assert root["CallStatus"] == "completed"
    assert set(recording) == set(sample("voicemail_recording_completed"))
    assert set(transcription) == set(sample("transcription_completed")) - {"ForwardedFrom"}
    assert transcription["TranscriptionText"] == "Please call me back."
    assert transcription["TranscriptionSid"] == made["transcriptions"][0]
    failed = pointed.call(person="Mai Tran", outcome="voicemail", seconds=21)
    assert failed["transcriptions"]
    assert told(pointed, receiver, 5, before=5)[-1]["TranscriptionStatus"] == "failed"


def test_calls_that_the_shop_makes(pointed: Simulator, receiver: Receiver) -> None:
    pointed.call(direction="outbound", person="Mai Tran", via="api", outcome="busy")
    steps = told(pointed, receiver, 3)
    assert [s["CallStatus"] for s in steps] == ["initiated", "ringing", "busy"]
    assert [s["SequenceNumber"] for s in steps] == ["0", "1", "2"]
    assert set(steps[-1]) == set(sample("status_busy_outbound"))
    pointed.call(direction="outbound", person="Mai Tran", via="client", outcome="answered")
    child, root = told(pointed, receiver, 2, before=3)
    assert set(root) == set(sample("status_softphone_parent_leg"))
    assert root["From"].startswith("client:")
    assert root["To"] == ""
    assert (child["To"], child["Direction"]) == ("+61491570006", "outbound-dial")


def test_withheld_and_forwarded(pointed: Simulator, receiver: Receiver) -> None:
    pointed.call(person="Mai Tran", outcome="missed", withheld="+266696687")
    assert told(pointed, receiver, 2)[-1]["From"] == "+266696687"
    pointed.call(person="Mai Tran", outcome="menu", forwarded_from="+61491570157")
    (menu,) = told(pointed, receiver, 1, before=2)
    assert menu["ForwardedFrom"] == "+61491570157"
    made = pointed.call(person="Mai Tran", outcome="answered", transferred=True)
    parents = {p["CallSid"]: p.get("ParentCallSid") for p in told(pointed, receiver, 3, before=3)}
    root, child, grandchild = made["legs"]
    assert parents == {root: None, child: root, grandchild: child}


def test_a_transcription_in_real_time(pointed: Simulator, receiver: Receiver) -> None:
    pointed.call(
        person="Mai Tran",
        outcome="answered",
        recorded="DialVerb",
        transcript="Hello. Is it ready.",
        spoken=True,
    )
    events = [e for e in told(pointed, receiver, 9) if "TranscriptionEvent" in e]
    assert [int(e["SequenceId"]) for e in events] == list(range(1, len(events) + 1))
    content = [e for e in events if e["TranscriptionEvent"] == "transcription-content"]
    assert set(content[0]) == set(sample("realtime_transcription_content"))
    final = [
        json.loads(e["TranscriptionData"])["transcript"] for e in content if e["Final"] == "true"
    ]
    assert final == ["Hello.", "Is it ready."]


def test_calls_over_https_are_signed_without_the_port() -> None:
    assert signed_url("twilio_voice", "https://crm.example.com:8443/a?b=c") == (
        "https://crm.example.com/a?b=c"
    )
    assert signed_url("twilio_sms", "https://crm.example.com:8443/a") == (
        "https://crm.example.com:8443/a"
    )
    assert signed_url("twilio_voice", "http://127.0.0.1:8080/a") == "http://127.0.0.1:8080/a"
