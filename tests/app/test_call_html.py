"""Phone calls: what became of them, in words."""

from __future__ import annotations

from typing import Any

import pytest

from app.views import clock
from tests.app.drawn import HOSTILE, Elements, assert_inert, page, row


def call(kind: str = "call", **told: Any) -> dict[str, Any]:
    more = {
        name: told.pop(name)
        for name in ("status", "direction", "body", "from_address")
        if name in told
    }
    return row(
        channel="twilio_voice",
        kind=kind,
        **{"status": "completed", "body": "", **more},
        provider_metadata={"call": told},
    )


def text_of(*rows: dict[str, Any]) -> str:
    return page(*rows).text


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (34, "34 s"), (124, "2 min 4 s"), (3720, "1 h 2 min")]
)
def test_durations(seconds: int, words: str) -> None:
    assert clock.lasting(seconds) == words


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"duration_seconds": 124}, "Incoming call, answered · 2 min 4 s"),
        ({"direction": "outbound", "duration_seconds": 34}, "Outgoing call, answered · 34 s"),
        ({"status": "missed", "provider_status": "no-answer"}, "Missed call: no answer"),
        ({"status": "missed", "provider_status": "canceled"}, "Missed call: hung up before it was answered"),
        ({"status": "failed", "direction": "outbound", "provider_status": "busy"}, "Outgoing call, not answered: busy"),
        ({"status": "queued", "provider_status": "ringing"}, "Incoming call, ringing"),
        ({"status": "queued", "provider_status": "in-progress"}, "Incoming call, under way"),
        ({"status": "missed"}, "Missed call"),
    ],
)  # fmt: skip
def test_a_call_says_what_became_of_it(told: dict[str, Any], words: str) -> None:
    text = text_of(call(**told))
    assert words in text
    assert "No text" not in text


def test_a_voicemail_says_that_nobody_answered_and_shows_its_transcript() -> None:
    text = text_of(call("voicemail", duration_seconds=34, missed=True, body="Please call me back."))
    assert "Voicemail · 34 s" in text
    assert "nobody answered" in text
    assert "Transcript" in text
    assert "Please call me back." in text


def test_a_voicemail_lasts_as_long_as_its_recording() -> None:
    message = call("voicemail", duration_seconds=60)
    message["attachments"] = [{"state": "waiting", "duration_seconds": 21}]
    assert "Voicemail · 21 s" in text_of(message)


def test_a_withheld_number_is_not_shown_as_a_number() -> None:
    # What Twilio sends for it spells ANONYMOUS on a keypad, and looks like a number of Lesotho.
    found = page(call(withheld=True, status="missed", from_address="+266696687"))
    assert "Withheld number" in found.text
    assert "+266696687" not in found.text


def test_who_answered_and_who_forwarded() -> None:
    text = text_of(call(answered_by="+61491570159", forwarded_from="+61255501999"))
    assert "answered by +61491570159" in text
    assert "forwarded from +61255501999" in text
    assert "answered by a machine" in text_of(call(answered_by="machine_end_beep"))
    assert "answered by" not in text_of(call(answered_by="unknown"))


def test_legs_are_folded_and_counted() -> None:
    leg = {
        "call_sid": "CA1",
        "from": "+61491570006",
        "to": "client:kim",
        "status": "no-answer",
        "duration_seconds": 3,
    }
    found = page(call(legs=[leg, {**leg, "to": "client:ann", "status": "completed"}]))
    assert "2 legs" in found.text
    assert "client:kim" in found.text
    assert "no answer · 3 s" in found.text
    assert "details" in found.tags
    assert "legs" not in text_of(call(legs=[leg]))
    assert "and 60 more" in text_of(call(legs=[leg] * 100))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_calls_are_inert(text: str) -> None:
    leg = {"call_sid": text, "from": text, "to": text, "status": text, "duration_seconds": text}
    told = {
        "duration_seconds": text, "provider_status": text, "answered_by": text, "forwarded_from": text,
        "caller_name": text, "legs": [leg, leg],
    }  # fmt: skip
    for kind in ("call", "voicemail"):
        for status in ("completed", "missed", "failed", "queued", text):
            assert_inert(page(call(kind, status=status, body=text, **told)))


def test_a_call_whose_facts_are_of_other_types_is_drawn() -> None:
    odd: dict[str, Any] = {
        "duration_seconds": -3, "legs": "none", "answered_by": ["x"], "forwarded_from": {}, "provider_status": 4,
    }  # fmt: skip
    assert isinstance(page(call(**odd)), Elements)
    assert "answered by" not in text_of(call(**odd))
