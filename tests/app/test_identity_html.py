"""Identities in words, and what to weigh before one becomes a customer's."""

from __future__ import annotations

import pytest

from app.views import identity_html
from tests.app.drawn import HOSTILE, Elements, assert_inert
from warehouse.schemes import schemes

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
