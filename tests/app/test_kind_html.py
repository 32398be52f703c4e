"""Places, cards, stories, ads, labels, and what a service does not pass on."""

from __future__ import annotations

from typing import Any

import pytest

from app.views import kind_html
from tests.app.drawn import HOSTILE, assert_inert, page, row


def text_of(channel: str = "whatsapp", **more: Any) -> str:
    return page(row(channel=channel, **more)).text


def test_a_place_says_its_coordinates_and_leads_to_a_map_when_asked() -> None:
    place = {
        "latitude": -37.8136,
        "longitude": 144.9631,
        "name": "Our shop",
        "address": "1 Example St",
    }
    found = page(row(kind="location", body=None, provider_metadata={"location": place}))
    assert "Location: -37.8136, 144.9631 · Our shop, 1 Example St" in found.text
    (leads,) = [each for each in found.attributes["href"] if not each.startswith("/message")]
    assert (
        leads
        == "https://www.openstreetmap.org/?mlat=-37.8136&mlon=144.9631#map=16/-37.8136/144.9631"
    )
    assert found.attributes["rel"] == ["noopener noreferrer"]
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
        ({"source": "ADS", "title": "Spring sale", "ref": "r"}, "Came from an ad: Spring sale"),
        ({"source": "ad", "title": "New shoes", "body": "Buy"}, "Came from an ad: New shoes"),
        ({"ad_id": "7", "body": "Buy shoes"}, "Came from an ad: Buy shoes"),
        ({"source": "post"}, "Came from a post"),
        ({"source": "SHORTLINK", "ref": "poster-7"}, "Came from a link: poster-7"),
        ({"product_id": "p7", "ref": "r7"}, "Asks about a product: p7"),
    ],
)  # fmt: skip
def test_where_somebody_came_from(referral: dict[str, Any], words: str) -> None:
    assert words in text_of("messenger", provider_metadata={"referral": referral})


def test_the_address_of_an_ad_is_text() -> None:
    told = {"referral_source_url": "https://example.com/ad"}
    found = page(row(channel="twilio_sms", provider_metadata=told))
    assert "Came from a link: https://example.com/ad" in found.text
    assert not any("example.com" in address for address in found.attributes["href"])


@pytest.mark.parametrize(
    ("word", "more", "words"),
    [
        ("poll_creation", {}, "A message of a kind that WhatsApp does not pass on (poll)"),
        ("some_new_kind", {}, "does not pass on (some new kind)"),
        (None, {}, "A message of a kind that WhatsApp does not pass on"),
        ("not shown any more", {}, "This message exists, but WhatsApp does not give its content"),
        ("unknown", {}, "A message of a kind that WhatsApp does not pass on"),
        (None, {"direction": "outbound"}, "Sent by another program: WhatsApp tells us its status"),
    ],
)
def test_what_is_not_passed_on_is_said(word: str | None, more: dict[str, Any], words: str) -> None:
    told = {"unsupported": word} if word else {}
    assert words in text_of(kind="unsupported", body=None, provider_metadata=told, **more)


def test_a_first_message_that_is_not_available_is_said_to_exist() -> None:
    told = {"unsupported": "Message is not available", "error_code": "131060"}
    assert "This message exists" in text_of(kind="unsupported", body=None, provider_metadata=told)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"shared": [{"type": "ig_reel", "title": "Our new shop"}]}, "Shared a reel: Our new shop"),
        ({"shared": [{"type": "share"}]}, "Shared a post"),
        ({"referred_product_id": "sku-7"}, "About the product sku-7"),
        ({"missing": "the file of a message from the history"}, "Missing: the file of a message"),
    ],
)
def test_what_stands_beside_the_text(told: dict[str, Any], words: str) -> None:
    assert words in text_of(kind="media", body="", provider_metadata=told)


def test_an_order_and_our_own_buttons() -> None:
    assert "Order" in text_of(
        kind="interactive", body="2 × x", provider_metadata={"order": {"a": 1}}
    )
    assert "Message with buttons" in text_of(kind="interactive", body="Hi", direction="outbound")


def test_a_place_that_twilio_tells_beside_the_message() -> None:
    told = {
        "latitude": "-37.8136",
        "longitude": "144.9631",
        "label": "Our shop",
        "transport": "whatsapp",
    }
    text = text_of("twilio_sms", kind="location", body="", provider_metadata=told)
    assert "Location: -37.8136, 144.9631 · Our shop" in text


def test_answers_and_cards_are_not_taken_for_somebodys_words() -> None:
    assert "Answer to a menu" in text_of(kind="interactive", body="Confirm")
    assert "Contacts" in text_of(kind="contacts", body="Alex: +61491570110")
    assert "Answer to a menu" in text_of(kind="interactive", body=None)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"transport": "rcs"}, "RCS"),
        ({"forwarded": True}, "forwarded"),
        ({"forwarded": True, "frequently_forwarded": True}, "forwarded many times"),
        ({"is_automatic": True}, "automatic"),
        ({"is_automatic": True, "is_auto_reply": True}, "automatic reply"),
        ({"is_bounce": True, "is_automatic": True}, "bounced"),
        ({"is_bulk": True, "list_id": "news.example.com"}, "mailing list"),
        ({"standby": True}, "handled by another program"),
        ({"opt_out_type": "STOP"}, "opted out"),
    ],
)
def test_labels(told: dict[str, Any], words: str) -> None:
    assert words in text_of(provider_metadata=told)


def test_a_service_that_another_account_carries() -> None:
    assert "WhatsApp through Twilio" in text_of(
        "twilio_sms", provider_metadata={"transport": "whatsapp"}
    )
    assert "Messenger through Twilio" in text_of(
        "twilio_sms", provider_metadata={"transport": "messenger"}
    )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"kind": "call", "status": "missed"}, "Missed call"),
        ({"kind": "call", "status": "completed"}, "Call"),
        ({"kind": "voicemail"}, "Voicemail"),
        ({"kind": "media", "attachments": [{}]}, "Attachment"),
        ({"kind": "location"}, "Location"),
        ({"kind": "unsupported"}, "Not passed on"),
        ({"kind": "text", "removal": "unsent"}, "Unsent"),
        ({"kind": "text"}, "No text"),
    ],
)
def test_a_message_without_text_in_a_word(more: dict[str, Any], words: str) -> None:
    assert kind_html.in_words(row(body=None, **more)) == words


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
            "title": text, "source": text, "body": text, "ref": text, "ad_id": text,
        },
        "unsupported": text, "transport": text, "list_id": text, "is_bulk": True, "is_automatic": True,
        "system": text, "contacts": [text, {"name": text}], "shared": [{"type": text, "title": text}], "missing": text,
        "referred_product_id": text, "referral_source_url": text, "error_code": text, "label": text, "order": text,
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
