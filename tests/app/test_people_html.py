"""Who wrote to whom, on every channel."""

from __future__ import annotations

from typing import Any

import pytest

from tests.app.drawn import HOSTILE, Elements, assert_inert, page, row


def message(identity: str, writer: str | None, to: list[str], **more: Any) -> Elements:
    return page(row(counterpart_identity=identity, from_address=writer, to_addresses=to, **more))


PSID = "psid:100200:7234567890123456"
PEOPLE: list[tuple[Elements, str]] = [
    (message("phone:+61491570006", "+61491570006", ["+61255501000"]), "+61491570006to +61255501000"),
    (message("phone:+61491570006", "61491570006", ["61491570156"]), "+61491570006to +61491570156"),
    (message("phone:+61491570006", "whatsapp:+61491570006", ["whatsapp:+61255501000"]), "+61491570006to +61255501000"),
    (message("short_code:AU:19970006", "19970006", ["+61255501000"]), "19970006to +61255501000"),
    (message("bsuid:9:AU.134", "AU.134", ["61491570156"], from_name="Riley"), "Rileyto +61491570156"),
    (message("sip:AC1:desk1@example.com", "sip:desk1@example.com", ["sip:a@b"]), "sip:desk1@example.comto sip:a@b"),
    (message("", None, []), "unknown sender"),
]  # fmt: skip


@pytest.mark.parametrize(("found", "words"), PEOPLE)
def test_addresses_are_written_as_people_write_them(found: Elements, words: str) -> None:
    assert words in found.text


def test_numbers_of_a_service_are_not_shown_as_names() -> None:
    inbound = message(PSID, "7234567890123456", ["100200"])
    assert "Messenger person" in inbound.text
    assert "100200" not in inbound.text
    assert "7234567890123456" in inbound.attributes["title"]
    ours = message(PSID, "100200", ["7234567890123456"], direction="outbound")
    assert "Us" in ours.text
    assert "7234567890123456" not in ours.text
    assert "Sam" in message(PSID, "7234567890123456", ["100200"], from_name="Sam").text
    assert "Sam" in message(PSID, "7234567890123456", ["100200"], known_name="Sam").text


def test_many_receivers_are_counted() -> None:
    found = message("email:a@example.com", "a@example.com", [f"r{n}@example.com" for n in range(9)])
    assert "r2@example.com and 6 more" in found.text
    assert any("r8@example.com" in title for title in found.attributes["title"])


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("scheme", ["phone", "psid", "email", ""])
def test_hostile_people_are_inert(text: str, scheme: str) -> None:
    for direction in ("inbound", "outbound"):
        assert_inert(message(f"{scheme}:{text}:{text}", text, [text, text], direction=direction))
        assert_inert(message(f"{scheme}:{text}:{text}", text, [text], from_name=text))
        assert_inert(message(f"{scheme}:{text}:{text}", text, [text], known_name=text))
