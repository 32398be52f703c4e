"""What people type, and the identities and names it must find."""

from __future__ import annotations

import re

import pytest

from warehouse.customer_search import name_patterns, patterns, word_patterns

MOBILE, LANDLINE = "phone:+61491570006", "phone:+61255501234"


def found(typed: str, identity: str) -> bool:
    wanted = patterns(typed)
    if wanted is None:
        return False
    is_found = any(like(pattern, identity) for pattern in wanted.identity)
    # What the index is asked for leaves out nobody who is meant.
    assert not is_found or any(like(part.lower(), identity.lower()) for part in wanted.parts)
    return is_found


def like(pattern: str, text: str) -> bool:
    """SQL `like` with backslash as its escape."""
    parts = re.split(r"(\\.|%|_)", pattern)
    made = "".join(
        ".*" if part == "%" else "." if part == "_" else re.escape(part[1:] if part[:1] == "\\" else part)
        for part in parts
    )  # fmt: skip
    return re.fullmatch(made, text, re.DOTALL) is not None


@pytest.mark.parametrize(
    "typed",
    [
        "0491 570 006", "0491570006", "+61 491 570 006", "+61491570006", "61491570006", "0011 61 491 570 006",
        "+61 (0) 491 570 006", "(0491) 570-006", "0491\u00a0570\u2011006", "０４９１５７０００６", "0491 570",
        "491570", "570 006", "006", "0491-570.006", "phone:+61491570006", "٠٤٩١٥٧٠٠٠٦",
    ],
)  # fmt: skip
def test_a_mobile_in_any_spelling_and_by_fragment(typed: str) -> None:
    assert found(typed, MOBILE)


@pytest.mark.parametrize(
    "typed", ["02 5550 1234", "(02) 5550 1234", "5550 1234", "+61 2 5550 1234"]
)
def test_a_landline(typed: str) -> None:
    assert found(typed, LANDLINE)
    assert not found(typed, MOBILE)


@pytest.mark.parametrize("typed", ["sam@example.com", "SAM@Example", "@example.com", "sam"])
def test_a_mail_address_by_fragment(typed: str) -> None:
    assert found(typed, "email:sam@example.com")


@pytest.mark.parametrize(
    ("typed", "identity"),
    [
        ("7234567", "psid:1234:7234567890123456"),
        ("7890123456", "igsid:1784:7234567890123456"),
        ("AU.1349", "bsuid:9001:AU.13491208655302741918"),
        ("au.1349", "bsuid:9001:AU.13491208655302741918"),
        ("1349120865", "bsuid:9001:AU.13491208655302741918"),
        ("AU.ENT.118", "bsuid_parent:9:AU.ENT.11815799212886844830"),
        ("desk1", "sip:AC1:desk1@example.com"),
        ("kim", "client:AC1:kim"),
        ("psid:1234:7234567890123456", "psid:1234:7234567890123456"),
        ("anonymous:CA12", "anonymous:CA12"),
    ],
)
def test_an_id_of_a_service_by_fragment(typed: str, identity: str) -> None:
    assert found(typed, identity)
    assert not found(typed, MOBILE)


def test_words_must_all_be_in_the_name() -> None:
    wanted = patterns("  Sam   EXAMPLE ")
    assert wanted is not None
    assert wanted.identity == []
    # The longest is what the index is asked for.
    asked = {"name_patterns": ["%sam%", "%example%"], "name_pattern": "%example%"}
    assert name_patterns(["sam", "example"]) == asked


@pytest.mark.parametrize("typed", ["", "   ", "\0"])
def test_nothing_asks_for_nothing(typed: str) -> None:
    assert patterns(typed) is None


@pytest.mark.parametrize("typed", ["100%", "a_b", "back\\slash"])
def test_signs_of_like_are_letters(typed: str) -> None:
    wanted = name_patterns([typed])["name_pattern"]
    assert like(wanted, f"x{typed}x")
    assert not like(wanted, "something else")


@pytest.mark.parametrize(
    ("typed", "parts"),
    [
        ("5550 1234", ["%55501234%"]),
        ("0491 570", ["%+61491570%", "%0491570%"]),
        ("+61 491 570 006", ["%61491570006%"]),
        ("Sam@Example.com", ["%Sam@Example.com%"]),
        ("straße@example.com", ["%STRASSE@EXAMPLE.COM%", "%straße@example.com%"]),
        ("a_b", ["%a\\_b%"]),
        ("email:50%@example.com", ["email:50\\%@example.com"]),
    ],
)
def test_the_index_is_asked_few_questions(typed: str, parts: list[str]) -> None:
    wanted = patterns(typed)
    assert wanted is not None
    assert wanted.parts == parts


def test_two_digits_are_no_number() -> None:
    assert patterns("42") == word_patterns("42")
