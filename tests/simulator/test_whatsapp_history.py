"""What WhatsApp's business app hands over, and when."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from simulator.server import Simulator

from .conftest import Receiver
from .meta_payloads import genuine, sample, shape
from .test_graph_rest import graph


def synchronise(provider: Simulator, kind: str) -> dict[str, Any]:
    api = graph(provider, "whatsapp")
    number = provider.accounts["whatsapp"]["phone_number_id"]
    answer = api.http.post(
        f"{api.base}/{number}/smb_app_data",
        json={"messaging_product": "whatsapp", "sync_type": kind},
    )
    return dict(answer.json())


def values(provider: Simulator, receiver: Receiver) -> list[dict[str, Any]]:
    secret = provider.accounts["whatsapp"]["app_secret"]
    bodies = [genuine(request, secret) for request in receiver.requests]
    changes = [change for body in bodies for change in body["entry"][0]["changes"]]
    assert {change["field"] for change in changes} <= {"history"}
    return [change["value"] for change in changes]


def messages(found: list[dict[str, Any]]) -> dict[str, tuple[str, dict[str, Any]]]:
    return {
        message["id"]: (thread["id"], message)
        for value in found
        for chunk in value.get("history", [])
        for thread in chunk["threads"]
        for message in thread["messages"]
    }


def test_history_comes_in_chunks_once(
    provider: Simulator, receiver: Receiver, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    provider.point("whatsapp", receiver.url, receiver.verify_token)
    provider.faults(history_chunk_messages=6)
    past = {m["id"]: m for m in provider.truth("whatsapp") if not m["unsent"]}
    assert len(past) > 12
    assert synchronise(provider, "history")["messaging_product"] == "whatsapp"
    eventually(lambda: len(messages(values(provider, receiver))) == len(past))
    chunks = [c for v in values(provider, receiver) for c in v.get("history", [])]
    metadata = [chunk["metadata"] for chunk in chunks]
    assert max(m["progress"] for m in metadata) == 100
    places = [(m["phase"], m["chunk_order"]) for m in metadata]
    assert len(set(places)) == len(places) > 2
    assert places != sorted(places)
    ours = provider.accounts["twilio_sms"]["numbers"].split(",")[0].lstrip("+")
    for identity, (thread, message) in messages(values(provider, receiver)).items():
        known = past[identity]
        assert thread == known["address"]
        assert (message["from"] == ours) == (known["direction"] == "outbound")
        if message["type"] == "text":
            assert message["text"]["body"] == known["body"]
        else:
            assert message["type"] == "media_placeholder" or not known["attachments"]
    texts = {p for p in shape(chunks) if ".text." in p or ".metadata." in p}
    recorded = sample("whatsapp", "history_chunk")["entry"][0]["changes"][0]["value"]["history"]
    assert texts <= shape(recorded)
    refused = synchronise(provider, "history")
    assert refused["error"]["code"] == 2593107


def test_recent_media_follow_and_can_be_fetched(
    provider: Simulator, receiver: Receiver, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    provider.point("whatsapp", receiver.url, receiver.verify_token)
    synchronise(provider, "history")
    eventually(lambda: any("messages" in v for v in values(provider, receiver)))
    found = [m for v in values(provider, receiver) for m in v.get("messages", [])]
    placed = messages(values(provider, receiver))
    assert all(placed[m["id"]][1]["type"] == "media_placeholder" for m in found)
    api = graph(provider, "whatsapp")
    told = api.get(found[0][found[0]["type"]]["id"])
    assert api.http.get(told["url"]).status_code == 200


def test_the_contact_book(provider: Simulator, receiver: Receiver) -> None:
    provider.point("whatsapp", receiver.url, receiver.verify_token)
    synchronise(provider, "smb_app_state_sync")
    request = receiver.wait_for(1)[0]
    body = genuine(request, provider.accounts["whatsapp"]["app_secret"])
    entries = body["entry"][0]["changes"][0]["value"]["state_sync"]
    shown = {p["whatsapp"] for p in provider.people() if p["whatsapp"] and p["known"]}
    assert {entry["contact"]["phone_number"] for entry in entries} == shown
    assert shape(body) == shape(sample("whatsapp", "smb_app_state_sync_add"))


def test_a_chunk_of_three_megabytes(provider: Simulator, receiver: Receiver) -> None:
    provider.point("whatsapp", receiver.url, receiver.verify_token)
    before = provider.state()["whatsapp"]
    provider.event("whatsapp", "history", person="Mai Tran", messages=5000, characters=60)
    request = receiver.wait_for(1)[0]
    assert 2_000_000 < len(request.body) < 3_500_000
    body = json.loads(request.body)
    (thread,) = body["entry"][0]["changes"][0]["value"]["history"][0]["threads"]
    assert len(thread["messages"]) == 5000
    assert provider.state()["whatsapp"] == before + 5000
