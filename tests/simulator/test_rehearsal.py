"""The hero's last days over six channels, and what a restart remembers of all channels."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from simulator import server
from simulator.channels import CHANNELS
from simulator.server import Simulator
from warehouse.channels import registry

from .conftest import ANCHOR, Receiver
from .meta_payloads import genuine
from .test_burst import point_all
from .test_whatsapp_history import synchronise


def test_the_hero_has_every_kind_of_content(provider: Simulator) -> None:
    since = ANCHOR - timedelta(hours=80)
    hers = [
        m
        for m in provider.truth()
        if m["person"] == "Mai Tran" and datetime.fromisoformat(m["at"]) >= since
    ]
    assert {m["channel"] for m in hers} == set(CHANNELS)
    kinds = {(m["channel"], m["kind"]) for m in hers}
    assert kinds >= {
        ("twilio_voice", "call"),
        ("twilio_voice", "voicemail"),
        ("whatsapp", "image"),
        ("whatsapp", "location"),
        ("whatsapp", "contacts"),
        ("whatsapp", "audio"),
        ("instagram", "image"),
        ("instagram", "story_mention"),
        ("instagram", "story_reply"),
    }
    talk = next(m for m in hers if m["kind"] == "call" and m["body"])
    assert talk["call"]["recordings"][0]["source"] == "DialVerb"
    assert next(m for m in hers if m["kind"] == "voicemail")["body"]
    chats = [m for m in hers if "reactions" in m]
    assert any(m["reactions"] for m in chats)
    assert {m["channel"] for m in chats if m["edits"]} == {"whatsapp", "messenger"}
    assert [m["channel"] for m in chats if m["unsent"]] == ["instagram"]
    assert {m["channel"] for m in chats if m["in_reply_to"]} == {
        "whatsapp",
        "instagram",
        "messenger",
    }


def test_a_rehearsal_tells_everything_once(
    provider: Simulator, receiver: Receiver, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    assert set(provider.rehearse()["unsubscribed"]) == set(CHANNELS)
    provider.point("instagram", f"{receiver.url}/instagram", receiver.verify_token)
    first = provider.rehearse()
    assert set(first["sent"]) == {"instagram"}
    items = [
        item
        for request in receiver.requests
        for entry in genuine(request, provider.accounts["instagram"]["app_secret"])["entry"]
        for item in entry["messaging"]
    ]
    kinds = {key for item in items for key in item}
    assert {"message", "reaction", "read"} <= kinds
    gone = next(i for i in items if i.get("message", {}).get("is_deleted"))
    # Deliveries overtake each other: what was unsent may be told of before what was said.
    (told,) = (
        i["message"]["text"]
        for i in items
        if i.get("message", {}).get("mid") == gone["message"]["mid"] and i is not gone
    )
    assert "antibiotics" in told
    latest = ANCHOR.timestamp() * 1000
    assert all(latest - 80 * 3_600_000 < item["timestamp"] < latest for item in items)
    point_all(provider, receiver)
    second = provider.rehearse()
    assert second["already"] == ["instagram"]
    assert set(second["sent"]) == set(CHANNELS) - {"instagram"}
    assert min(second["sent"].values()) > 0
    before = len(receiver.requests)
    assert provider.rehearse()["sent"] == {}
    assert len(receiver.requests) == before
    edits = [r for r in receiver.requests if b"original_message_id" in r.body]
    assert edits


def test_a_restart_remembers_all_channels(tmp_path: Path, receiver: Receiver) -> None:
    with server.start(seed=7, messages=60, state_dir=tmp_path, anchor=ANCHOR) as provider:
        point_all(provider, receiver)
        made = {
            channel: provider.message(
                channel=channel, person="Mai Tran", body="one", attachments=["photo"]
            )["id"]
            for channel in ("whatsapp", "instagram", "messenger")
        }
        provider.call(person="Mai Tran", outcome="voicemail", seconds=9, transcript="Hello.")
        recording = provider.call(person="Mai Tran", outcome="voicemail", seconds=9)["recordings"][
            0
        ]
        provider.delete("twilio_voice", recording)
        provider.react(made["whatsapp"], "👍")
        provider.edit(made["messenger"], "two")
        provider.unsend(made["instagram"])
        synchronise(provider, "history")
        provider.rehearse()
        kept, truth = provider.state(), provider.truth()
    with server.start(seed=7, messages=60, state_dir=tmp_path) as provider:
        again = provider.state()
        for key in ("fingerprint", "rehearsed", *CHANNELS):
            assert again[key] == kept[key], key
        for key in ("callbacks", "installed", "synchronised"):
            assert again["meta"][key] == kept["meta"][key], key
        assert provider.truth() == truth
        assert provider.message(channel="whatsapp", person="Mai Tran", body="x")["delivery"][
            "status"
        ] == (204)


def test_the_accounts_have_the_keys_that_connections_take(provider: Simulator) -> None:
    for flavour in ("instagram", "facebook"):
        accounts: dict[str, Any] = provider.get("accounts", flavour=flavour)
        assert set(accounts) == set(registry())
        for channel, keys in accounts.items():
            assert set(keys) <= set(registry()[channel].keys), channel
            assert set(registry()[channel].required_keys) <= set(keys), channel
            assert all(keys.values())
    host = provider.base_url.partition("://")[2]
    assert {keys.get("media_hosts") for keys in accounts.values()} == {host, None}


def test_people_say_where_they_are(provider: Simulator) -> None:
    people = provider.people()
    hero = next(p for p in people if p["hero"])
    assert hero["whatsapp"] == hero["phone"].lstrip("+")
    assert hero["igsid"]
    assert hero["psid"]
    hidden = [p for p in people if p["bsuid"] and not p["whatsapp"]]
    assert hidden
    assert any(p["whatsapp"] and not p["bsuid"] for p in people), "an old application"
