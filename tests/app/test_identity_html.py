"""Identities in words, and what to weigh before one becomes a customer's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.views import card_html, identity_html, list_html, search_html, work_html
from tests.app.drawn import HOSTILE, Elements, assert_inert
from warehouse.decisions import Size
from warehouse.schemes import schemes
from warehouse.search_query import parse

EVERY = [
    ("phone:+61491570006", "+61491570006", "Phone"),
    ("email:sam@example.com", "sam@example.com", "E-mail"),
    ("short_code:AU:19970006", "19970006", "Short code, in AU"),
    ("alphanumeric:AU:EXAMPLECO", "EXAMPLECO", "Alphanumeric sender, in AU"),
    ("psid:1234:777", "777", "Messenger person, as our page 1234 knows them"),
    ("igsid:1784:888", "888", "Instagram person, as our account 1784 knows them"),
    ("bsuid:9001:AU.134", "AU.134", "WhatsApp person, as our business 9001 knows them"),
    (
        "bsuid_parent:9:AU.ENT.1",
        "AU.ENT.1",
        "WhatsApp person, as the linked businesses 9 know them",
    ),
    ("sip:AC1:sip:desk1@example.com", "sip:desk1@example.com", "SIP address, of account AC1"),
    ("client:AC1:kim", "kim", "Softphone, of account AC1"),
    ("sim:DE1", "DE1", "Device"),
    ("rcs:example_agent", "example_agent", "RCS sender"),
    (
        "unknown:gmail|m|1",
        "Nobody who can be told, one message",
        "Nobody who can be told, one message (gmail|m|1)",
    ),
    ("anonymous:CA123", "Withheld number, one call", "Withheld number, one call (CA123)"),
]


@pytest.mark.parametrize(("identity", "words", "described"), EVERY)
def test_an_identity_is_its_value_and_its_scope_a_title(
    identity: str, words: str, described: str
) -> None:
    found = Elements(identity_html.identity(identity))
    assert words in found.text
    assert described in found.attributes["title"]
    assert identity_html.words(identity) == words


def test_no_scheme_is_left_out() -> None:
    assert {identity.partition(":")[0] for identity, _, _ in EVERY} == set(schemes())


@pytest.mark.parametrize("identity", ["", "odd", "new_scheme:a:b", "psid:only-a-value", "phone:"])
def test_an_odd_identity_is_shown_as_it_is(identity: str) -> None:
    assert_inert(Elements(identity_html.identity(identity)))
    assert identity_html.cautions(identity) == [] or identity.startswith("psid")


def test_who_is_known_everywhere_needs_no_caution() -> None:
    calm = {i for i, _, _ in EVERY if not identity_html.cautions(i)}
    assert calm == {"phone:+61491570006", "email:sam@example.com"}
    (said,) = identity_html.cautions("anonymous:CA123")
    assert "no other call" in said


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("scheme", ["phone", "psid:{}", "sip:{0}", "{}"])
def test_hostile_identities_are_inert(text: str, scheme: str) -> None:
    assert_inert(Elements(identity_html.identity(f"{scheme}:{text}")))
    assert_inert(Elements(identity_html.identities([text, f"psid:{text}:{text}"], 1)))


# -- namesakes -----------------------------------------------------------------------------------

SYDNEY, NOW = ZoneInfo("Australia/Sydney"), datetime(2026, 11, 20, 1, tzinfo=UTC)


def found(customer_id: str | None, name: str | None, identity: str) -> dict[str, Any]:
    return {
        "customer_id": customer_id, "customer_name": name, "name": name, "display_name": "Mai", "identity": identity,
        "counterpart_identity": identity, "sent_at": NOW, "last_at": NOW, "direction": "inbound", "channel": "gmail",
        "subject": "Order", "body": "Hello", "kind": "email", "attachments": [], "tags": [], "state": "open",
        "assignee": None, "due_at": None, "last_direction": "inbound", "filenames": [], "status": "received",
        "removal": None,
    }  # fmt: skip


def test_who_has_a_namesake_in_a_list_is_told_apart() -> None:
    rows = [
        found("a" * 32, "Mai Tran", "email:one@example.com"), found("a" * 32, "Mai Tran", "email:one@example.com"),
        found("b" * 32, "mai  tran", "email:two@example.com"), found("c" * 32, "Sam Citizen", "email:sam@example.com"),
        found(None, None, "email:who@example.com"),
    ]  # fmt: skip
    for name in ("name", "customer_name"):
        assert list_html.namesakes(rows, name) == {"a" * 32, "b" * 32}
    assert list_html.namesakes(rows[:2]) == set()
    query = parse("hello", SYDNEY)
    for row in rows[:4]:
        apart = row["customer_id"] in list_html.namesakes(rows)
        shown = row["identity"].partition(":")[2]
        for html in (
            search_html.result(row, query, SYDNEY, NOW, tells_apart=apart),
            work_html.row(row, SYDNEY, NOW, "me", tells_apart=apart),
        ):
            assert (shown in html) is apart
    noted = {
        **rows[0], "object_type": "customer", "written_at": NOW, "written_by": HOSTILE[0], "identity": None,
        "text": "hello", "body": "hello",
    }  # fmt: skip
    assert "aaaaaaaa" in search_html.note(noted, query, SYDNEY, NOW, tells_apart=True)


def test_a_card_of_which_a_part_is_seen_says_so() -> None:
    whole = Elements(card_html.identities([], [], SYDNEY, NOW, is_part=False)).text
    part = Elements(card_html.identities([], [], SYDNEY, NOW, is_part=True)).text
    assert "no identity linked" in whole
    assert card_html.PART not in whole
    assert "no identity linked" not in part
    assert card_html.PART in part
    size = Size(identities=1, messages=1)
    for is_part in (False, True):
        html = card_html.together("Mai", size, "Sam", size, SYDNEY, NOW, is_part=is_part)
        assert (card_html.PART_OF_BOTH in html) is is_part


def test_a_merge_of_two_of_one_name_says_which_is_which() -> None:
    html = card_html.together(
        "Mai Tran", Size(identities=2, messages=3, last_at=NOW), "Mai Tran", Size(identities=1, messages=1),
        SYDNEY, NOW, known=["email:one@example.com", HOSTILE[0]], other_known=["phone:+61491570156"],
    )  # fmt: skip
    assert "<img" not in html
    assert "<script" not in html
    words = Elements(html).text
    assert "one@example.com" in words
    assert "+61491570156" in words
    assert words.count("last contact") == 1
    grown = Elements(card_html.grows("Mai Tran", 1, 1_203)).text
    assert "before1 message" in grown
    assert "after1,204 messages" in grown
    # What is accepted together names the customers so, too.
    pairs = card_html.pairs(
        [("phone:+61491570006", "Mai Tran", ["email:one@example.com"], "signed")]
    )
    assert "one@example.com" in Elements(pairs).text
