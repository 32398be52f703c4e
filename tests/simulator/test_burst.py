"""Many events at once, counted on both sides."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from simulator import server
from simulator.channels import CHANNELS
from simulator.server import Simulator

from .conftest import ANCHOR, Received, Receiver
from .meta_payloads import genuine

CHATS = ("whatsapp", "instagram", "messenger")


def point_all(provider: Simulator, receiver: Receiver) -> None:
    for channel in CHANNELS:
        if channel == "gmail":
            provider.subscribe(f"{receiver.url}/gmail")
        else:
            provider.point(channel, f"{receiver.url}/{channel}", receiver.verify_token)


def twilio_params(provider: Simulator, receiver: Receiver, request: Received) -> dict[str, str]:
    params = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    text = f"{receiver.url}{request.path}" + "".join(k + params[k] for k in sorted(params))
    token = provider.accounts["twilio_sms"]["auth_token"]
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    assert request.headers["X-Twilio-Signature"] == base64.b64encode(digest).decode()
    return params


def told_ids(provider: Simulator, receiver: Receiver, channel: str) -> set[str]:
    """Every message that the webhooks of a channel name, once all signatures are proven."""
    found: set[str] = set()
    for request in receiver.requests:
        if request.path != f"/{channel}":
            continue
        if channel in CHATS:
            body = genuine(request, provider.accounts[channel]["app_secret"])
            found |= _chat_ids(body)
        elif channel == "twilio_sms":
            found.add(twilio_params(provider, receiver, request)["MessageSid"])
        elif channel == "twilio_voice":
            params = twilio_params(provider, receiver, request)
            found.add(params.get("ParentCallSid") or params["CallSid"])
        else:
            message = json.loads(request.body)["message"]
            found.add(f"{int(message['messageId']):016x}")
    return found


def _chat_ids(body: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    for entry in body["entry"]:
        found |= {i["message"]["mid"] for i in entry.get("messaging", []) if "message" in i}
        for change in entry.get("changes", []):
            value = change["value"]
            said = [*value.get("messages", []), *value.get("message_echoes", [])]
            found |= {m["id"] for m in said if m["type"] not in ("reaction", "edit", "revoke")}
    return found


def test_every_event_is_sent_signed_and_known(provider: Simulator, receiver: Receiver) -> None:
    point_all(provider, receiver)
    before = {m["id"] for m in provider.truth()}
    told = provider.burst(600, seed=5, duplicate_max=2, shuffle=True, batch=4, connections=8)
    assert told["events"] == 600
    assert told["dropped"] == told["refused"] == 0
    assert told["acknowledged"] == len(receiver.requests)
    known = Counter(m["channel"] for m in provider.truth() if m["id"] not in before)
    assert known == told["messages"]
    assert set(known) == set(CHANNELS)
    for channel in CHANNELS:
        made = {m["id"] for m in provider.truth(channel)} - before
        assert told_ids(provider, receiver, channel) == made, channel
    bodies = [request.body for request in receiver.requests]
    assert len(bodies) > len(set(bodies))


def test_what_fails_is_sent_again_and_what_is_dropped_is_not(
    provider: Simulator, receiver: Receiver
) -> None:
    provider.point("whatsapp", receiver.url, receiver.verify_token)
    with pytest.raises(ValueError, match="no channel"):
        provider.burst(5, channels=["gmail"])
    receiver.answers[:] = [503, 503, 500]
    told = provider.burst(40, channels=["whatsapp"], connections=4)
    assert (told["acknowledged"], told["retried"]) == (40, 3)
    provider.faults(drop=0.5)
    told = provider.burst(100, channels=["whatsapp"])
    assert told["acknowledged"] + told["dropped"] == 100
    assert told["dropped"] > 20


def test_the_journal_makes_a_burst_again(tmp_path: Path, receiver: Receiver) -> None:
    with server.start(seed=7, messages=60, state_dir=tmp_path, anchor=ANCHOR) as provider:
        point_all(provider, receiver)
        provider.burst(120, seed=1)
        provider.burst(120, seed=1)
        provider.message(channel="gmail", person="Mai Tran", body="afterwards")
        kept = provider.state()
        truth = provider.truth()
        assert len({m["id"] for m in truth}) == len(truth)
    with server.start(seed=7, messages=60, state_dir=tmp_path) as provider:
        assert provider.state()["fingerprint"] == kept["fingerprint"]
        assert provider.state()["history_id"] == kept["history_id"]
        assert provider.truth() == truth
