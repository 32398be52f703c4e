"""Attachments: what is drawn, what is played, what is a link, and what is said where there is nothing."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.views import message_html
from tests.app.drawn import HOSTILE, Elements, assert_inert, page, row, sight

STATES = ["waiting", "stored", "expired", "refused", "failed", "unavailable"]


def attachment(**more: Any) -> dict[str, Any]:
    return {
        "attachment_id": "ME1",
        "content_type": "image/jpeg",
        "filename": "photo.jpg",
        "size_bytes": 48_213,
        "state": "stored",
        "reason": None,
        "sniffed_type": "image/jpeg",
        "shows_inline": True,
        **more,
    }


def drawn(*attachments: dict[str, Any], **more: Any) -> Elements:
    return page(row(**{"kind": "media", "body": None, "attachments": list(attachments), **more}))


@pytest.mark.parametrize("content_type", ["image/png", "image/jpeg", "image/gif", "image/webp"])
def test_a_picture_is_drawn_when_it_comes_into_sight(content_type: str) -> None:
    found = drawn(attachment(sniffed_type=content_type, content_type=content_type))
    assert found.tags.count("img") == 1
    assert found.attributes["loading"] == ["lazy"]
    assert found.attributes["alt"] == ["photo.jpg"]
    (address,) = found.attributes["src"]
    assert urlsplit(address).path == "/attachment"
    assert parse_qs(urlsplit(address).query) == {
        "message": ["twilio_sms|SM1"],
        "attachment": ["ME1"],
    }


@pytest.mark.parametrize(
    "more",
    [
        {"sniffed_type": "image/svg+xml"},
        {"sniffed_type": "text/html"},
        {"sniffed_type": None},
        {"shows_inline": False},
        {"shows_inline": None},
        {"size_bytes": 80_000_000},
        *({"state": state} for state in STATES if state != "stored"),
    ],
)
def test_what_was_not_seen_to_be_a_harmless_picture_is_not_drawn(more: dict[str, Any]) -> None:
    assert "img" not in drawn(attachment(**more)).tags


def test_sound_and_film_are_played_and_nothing_is_loaded_before() -> None:
    found = drawn(
        attachment(content_type="audio/ogg; codecs=opus", sniffed_type="audio/ogg", filename=None),
        attachment(content_type="video/mp4", sniffed_type="video/mp4", filename="clip.mp4"),
    )
    assert (found.tags.count("audio"), found.tags.count("video")) == (1, 1)
    assert found.attributes["preload"] == ["none", "none"]
    assert len(found.attributes["controls"]) == 2
    assert "Sound" in found.text
    assert "clip.mp4" in found.text


def test_any_other_file_is_a_link_with_name_type_and_size() -> None:
    found = drawn(
        attachment(content_type="application/pdf", sniffed_type="application/pdf", filename="r.pdf")
    )
    assert "r.pdf" in found.text
    assert "application/pdf · 48 kB" in found.text
    (address,) = [each for each in found.attributes["href"] if "download" in each]
    assert parse_qs(urlsplit(address).query)["download"] == ["1"]


@pytest.mark.parametrize(
    ("claimed", "sniffed", "differs"),
    [
        ("application/pdf", "application/x-msdownload", True),
        ("image/jpeg", "text/html", True),
        ("image/jpg", "image/jpeg", False),
        ("IMAGE/JPEG", "image/jpeg", False),
        ("audio/ogg; codecs=opus", "audio/ogg", False),
        ("audio/mp4", "video/mp4", False),
        (
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/zip",
            False,
        ),
        ("application/msword", "application/x-ole-storage", False),
        ("application/pdf", "application/zip", True),
        ("text/csv", "text/plain", False),
        ("application/pdf", "application/octet-stream", False),
        (None, "image/png", False),
        ("image/*", "image/png", False),
        ("image/*", "text/html", True),
    ],
)
def test_a_claim_that_the_bytes_contradict_is_said(
    claimed: str | None, sniffed: str, differs: bool
) -> None:
    found = drawn(attachment(content_type=claimed, sniffed_type=sniffed, shows_inline=False))
    assert (f"is really {sniffed}" in found.text) == differs


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        ("waiting", None, "is being fetched"),
        ("expired", None, "is gone at the provider"),
        ("refused", "larger than 100 MB", "was refused: larger than 100 MB"),
        ("failed", "HTTP 500", "could not be fetched: HTTP 500"),
        ("unavailable", "encrypted", "cannot be had: encrypted"),
    ],
)
def test_what_is_not_there_says_why(state: str, reason: str | None, words: str) -> None:
    found = drawn(attachment(state=state, reason=reason, sniffed_type=None))
    assert words in found.text
    assert not any("/attachment" in each for each in found.attributes["href"])


def test_a_stored_picture_that_is_too_large_to_show_says_so() -> None:
    text = drawn(
        attachment(shows_inline=False, reason="20000 × 20000 pixels are too many to show")
    ).text
    assert "too many to show" in text


@pytest.mark.parametrize(
    ("kind", "connections", "plays"),
    [("call", {"c1"}, True), ("call", set(), False), ("voicemail", set(), True)],
)
def test_a_recorded_call_is_played_only_where_callers_are_told(
    kind: str, connections: set[str], plays: bool
) -> None:
    recording = attachment(content_type="audio/mpeg", sniffed_type="audio/mpeg", filename=None)
    call = row(
        channel="twilio_voice", kind=kind, status="completed", body="", attachments=[recording]
    )
    found = page(call, playable_connections=frozenset(connections))
    assert ("audio" in found.tags) == plays
    assert ("cannot be played" in found.text) != plays
    assert any("/attachment" in each for each in found.attributes["href"]) == plays


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("state", STATES)
def test_hostile_attachments_are_inert(text: str, state: str) -> None:
    assert_inert(
        drawn(
            *(
                attachment(
                    state=state, filename=text, reason=text, attachment_id=text, content_type=text,
                    sniffed_type=sniffed,
                )
                for sniffed in (text, "image/png", "audio/mpeg", "video/mp4", "application/pdf")
            ),
            message_id=text,
        )
    )  # fmt: skip


def test_a_picture_in_a_mail_is_drawn_and_the_route_looks_into_it() -> None:
    part = attachment(sniffed_type=None, shows_inline=None, content_type="image/png")
    assert "img" in drawn(part, channel="gmail", kind="email").tags
    assert (
        "img"
        not in drawn({**part, "content_type": "image/svg+xml"}, channel="gmail", kind="email").tags
    )
    assert "img" not in drawn(part, channel="messenger").tags


def test_the_size_of_a_picture_keeps_its_place() -> None:
    found = drawn(attachment(width=640, height=480))
    assert (found.attributes["width"], found.attributes["height"]) == (["640"], ["480"])
    assert "width" not in drawn(attachment(width='x" onload=1', height=2)).attributes


def test_a_voice_message_and_how_long_it_is() -> None:
    voice = attachment(
        content_type="audio/*", sniffed_type="audio/ogg", filename=None, duration_seconds=34
    )
    text = drawn(voice, provider_metadata={"voice_note": True}).text
    assert "Voice message" in text
    assert "audio/ogg · 48 kB · 34 s" in text


def test_a_story_that_is_not_kept_is_no_file() -> None:
    assert (
        "li" not in drawn(attachment(state="refused", reason="Meta forbids it"), kind="story").tags
    )


def test_a_file_name_cannot_turn_its_ending_round() -> None:
    found = drawn(attachment(filename="invoice\u202egpj.exe"))
    assert all("\u202e" not in value for values in found.attributes.values() for value in values)
    html = message_html.page(
        [row(attachments=[attachment(filename="a\u202eb", shows_inline=False)])], sight()
    )
    assert "\u202e" not in html
