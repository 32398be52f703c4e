"""Places, cards, stories, ads, labels, and what a service does not pass on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.app.drawn import HOSTILE, assert_inert, page, row


def text_of(channel: str = "whatsapp", **more: Any) -> str:
    return page(row(channel=channel, **more)).text


def test_a_place_says_its_coordinates_and_leads_nowhere() -> None:
    place = {
        "latitude": -37.8136,
        "longitude": 144.9631,
        "name": "Our shop",
        "address": "1 Example St",
    }
    found = page(row(kind="location", body=None, provider_metadata={"location": place}))
    assert "Location: -37.8136, 144.9631 · Our shop, 1 Example St" in found.text
    assert all(address.startswith("/message") for address in found.attributes["href"])
    text = text_of(kind="location", body="Our shop", provider_metadata={"location": place})
    assert text.count("Our shop") == 1


@pytest.mark.parametrize("latitude", [None, "north", "1e9", [], True, "-37.8<b>"])
def test_coordinates_that_are_none_are_left_out(latitude: object) -> None:
    told = {"location": {"latitude": latitude, "longitude": 1}}
    assert "without coordinates" in text_of(kind="location", body=None, provider_metadata=told)


@pytest.mark.parametrize(
    ("told", "direction", "words"),
    [
        ({"kind": "mention", "id": "1"}, "inbound", "Mentioned us in a story"),
        ({"kind": "reply", "id": "1"}, "inbound", "Reply to our story"),
        ({"kind": "reply"}, "outbound", "Our reply to their story"),
        ({}, "inbound", "A story"),
    ],
)
def test_a_story_is_said_and_not_kept(told: dict[str, Any], direction: str, words: str) -> None:
    text = text_of(
        "instagram", kind="story", direction=direction, provider_metadata={"story": told}
    )
    assert f"{words}. The story itself is not kept" in text


@pytest.mark.parametrize(
    ("referral", "words"),
    [
        ({"source": "ADS", "ads_context_data": {"ad_title": "Spring sale"}}, "Came from an ad: Spring sale"),
        ({"source_type": "ad", "headline": "New shoes", "body": "Buy"}, "Came from an ad: New shoes"),
        ({"source_type": "post", "source_url": "https://example.com/p"}, "Came from a post: https://example.com/p"),
        ({"source": "SHORTLINK", "ref": "poster-7"}, "Came from a link: poster-7"),
        ({"product": {"id": "p7"}, "ref": "p7"}, "Asks about a product: p7"),
    ],
)  # fmt: skip
def test_where_somebody_came_from(referral: dict[str, Any], words: str) -> None:
    found = page(row(channel="messenger", provider_metadata={"referral": referral}))
    assert words in found.text
    assert not any("example.com" in address for address in found.attributes["href"])


@pytest.mark.parametrize(
    ("word", "more", "words"),
    [
        ("poll_creation", {}, "A message of a kind that WhatsApp does not pass on (poll)"),
        ("some_new_kind", {}, "does not pass on (some new kind)"),
        (None, {}, "A message of a kind that WhatsApp does not pass on"),
        ("131060", {}, "This message exists, but WhatsApp does not give its content"),
        (None, {"direction": "outbound"}, "Sent by another program: WhatsApp tells us its status"),
    ],
)
def test_what_is_not_passed_on_is_said(word: str | None, more: dict[str, Any], words: str) -> None:
    told = {"unsupported": word} if word else {}
    assert words in text_of(kind="unsupported", body=None, provider_metadata=told, **more)


def test_answers_and_cards_are_not_taken_for_somebodys_words() -> None:
    assert "Answer to a menu" in text_of(kind="interactive", body="Confirm")
    assert "Contacts" in text_of(kind="contacts", body="Alex: +61491570110")
    assert "Answer to a menu" in text_of(kind="interactive", body=None)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"transport": "whatsapp"}, "WhatsApp through Twilio"),
        ({"forwarded": True}, "forwarded"),
        ({"forwarded": True, "frequently_forwarded": True}, "forwarded many times"),
        ({"is_automatic": True}, "automatic reply"),
        ({"is_bounce": True, "is_automatic": True}, "bounced"),
        ({"is_bulk": True, "list_id": "news.example.com"}, "mailing list"),
    ],
)
def test_labels(told: dict[str, Any], words: str) -> None:
    assert words in text_of(provider_metadata=told)


def test_mail_to_a_list_is_folded() -> None:
    body = "Dear reader, " * 200
    found = page(
        row(
            channel="gmail",
            kind="email",
            subject="News",
            body=body,
            provider_metadata={"is_bulk": True},
        )
    )
    assert "details" in found.tags
    assert found.text.count("Dear reader") > 200


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_facts_are_inert(text: str) -> None:
    told = {
        "location": {"latitude": text, "longitude": text, "name": text, "address": text},
        "story": {"kind": text, "id": text},
        "referral": {
            "headline": text, "source": text, "source_type": text, "ref": text, "ads_context_data": {"ad_title": text},
        },
        "unsupported": text, "transport": text, "list_id": text, "is_bulk": True, "is_automatic": True,
        "system": {"type": text}, "contacts": [text, {"name": text}],
    }  # fmt: skip
    for kind in (
        "text",
        "location",
        "contacts",
        "interactive",
        "story",
        "system",
        "unsupported",
        text,
    ):
        for body in (text, None):
            assert_inert(
                page(row(channel="whatsapp", kind=kind, body=body, provider_metadata=told))
            )
