"""Replies and reactions."""

from __future__ import annotations

from typing import Any

import pytest

from app.views import message_html
from app.views.thread_html import anchor
from tests.app.drawn import HOSTILE, Elements, assert_inert, page, row, sight


def answered_by(answered: dict[str, Any] | None, **more: Any) -> Elements:
    known = {answered["message_id"]: answered} if answered else {}
    reply = row(message_id="r", in_reply_to="whatsapp|wamid.A=", **more)
    return Elements(message_html.page([reply], sight(on_screen=known)))


def test_a_reply_quotes_what_is_on_the_screen_and_leads_to_it() -> None:
    found = answered_by(row(message_id="whatsapp|wamid.A=", body="Which colour? " * 40))
    assert "them Which colour?" in found.text
    assert "…" in found.text
    assert f"#{anchor('whatsapp|wamid.A=')}" in found.attributes["href"]
    ids = page(row(message_id="whatsapp|wamid.A=")).attributes["id"]
    assert ids == [anchor("whatsapp|wamid.A=")]


def test_a_reply_to_what_is_elsewhere_leads_to_its_page() -> None:
    found = answered_by(None)
    assert "In reply to an earlier message" in found.text
    assert "/message?message=whatsapp%7Cwamid.A%3D" in found.attributes["href"]


def test_a_reply_does_not_quote_what_was_unsent() -> None:
    unsent = row(message_id="whatsapp|wamid.A=", body="a secret", removal="unsent")
    found = answered_by(unsent)
    assert "a secret" not in found.text
    assert "an unsent message" in found.text


def test_a_reply_to_our_picture() -> None:
    ours = row(
        message_id="whatsapp|wamid.A=",
        body=None,
        direction="outbound",
        attachments=[{}],
        kind="media",
    )
    assert "us (attachment)" in answered_by(ours).text


def test_mail_says_what_it_answers_by_itself() -> None:
    assert "In reply to" not in answered_by(None, kind="email").text


def test_reactions_say_whose_they_are() -> None:
    found = page(
        row(
            reactions=[
                {
                    "emoji": "❤️",
                    "by": "phone:+61255501000",
                    "is_ours": True,
                    "at": "2026-11-22T00:05:00Z",
                },
                {"emoji": "👍", "by": "phone:+61491570006", "is_ours": False, "at": "not a time"},
            ]
        )
    )
    assert "❤️ us" in found.text
    assert "👍 them" in found.text
    assert "Reaction of us, Sunday 22 November 2026, 11:05:00 AEDT" in found.attributes["title"]
    assert "Reaction of +61491570006" in found.attributes["title"]


def test_many_reactions_are_counted() -> None:
    assert "and 76 more" in page(row(reactions=[{"emoji": "🎉"}] * 100)).text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_replies_and_reactions_are_inert(text: str) -> None:
    reactions = [{"emoji": text * 50, "by": text, "at": text, "is_ours": text}]
    answered = row(message_id="whatsapp|wamid.A=", body=text, from_name=text, kind=text)
    assert_inert(answered_by(answered, reactions=reactions))
    assert_inert(page(row(in_reply_to=text, reactions=reactions)))
