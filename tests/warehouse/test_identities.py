"""Every usual spelling of an address becomes one identity; what is none is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.identities import Identity, UnusableIdentity, email, parse, phone


@pytest.mark.parametrize(
    "typed",
    [
        "+61491570006",
        "0491 570 006",
        "0491-570-006",
        "(04) 9157 0006",
        "+61 491 570 006",
        "+61 (0)491 570 006",
        "+61 ( 0 ) 491 570 006",
        "+610491570006",
        "61 491 570 006",
        "61 0491 570 006",
        "61491570006",
        "0061 491 570 006",
        "0011 61 491 570 006",
        "  0491.570.006  ",
        "tel:+61491570006",
        "0491\u00a0570\u00a0006",
        "491570006",
        "٠٤٩١٥٧٠٠٠٦",
    ],
)
def test_a_mobile_in_any_spelling(typed: str) -> None:
    assert str(phone(typed)) == "phone:+61491570006"


@pytest.mark.parametrize(
    ("typed", "identity"),
    [
        ("(02) 5550 1234", "phone:+61255501234"),
        ("+61 2 5550 1234", "phone:+61255501234"),
        ("03 5550 1234", "phone:+61355501234"),
        ("+64 21 555 0123", "phone:+64215550123"),
        ("0011 64 21 555 0123", "phone:+64215550123"),
    ],
)
def test_landlines_and_other_countries(typed: str, identity: str) -> None:
    assert str(phone(typed)) == identity


@pytest.mark.parametrize(
    "typed",
    ["", "Sam", "1300 555 012", "131 555", "199 700", "0491 570", "+61 491 570 006 006", "0491570006 ext 4",
     "0491 570 006 / 0491 570 110", "+", "()", "4".zfill(200), "+800 1234 5678 90123"],
)  # fmt: skip
def test_what_is_no_phone_of_a_person(typed: str) -> None:
    with pytest.raises(UnusableIdentity):
        phone(typed)


@pytest.mark.parametrize(
    ("typed", "identity"),
    [
        ("Sam@Example.COM", "email:sam@example.com"),
        (" mailto:sam@example.com ", "email:sam@example.com"),
        ("sam+tag@example.com", "email:sam+tag@example.com"),
        ("o'brien@example.com", "email:o'brien@example.com"),
        ("sam@Bücher.example", "email:sam@xn--bcher-kva.example"),
        ("sam@xn--bcher-kva.example", "email:sam@xn--bcher-kva.example"),
        ("sam@example.com.", "email:sam@example.com"),
    ],
)
def test_a_mail_address_is_lower_case_and_idna(typed: str, identity: str) -> None:
    assert str(email(typed)) == identity


@pytest.mark.parametrize(
    "typed",
    ["", "sam", "@example.com", "sam@", "sam@localhost", "sam smith@example.com", "sam@exa mple.com",
     "Sam <sam@example.com>", "a@b@example.com", ".sam@example.com", "s..m@example.com", "sam@-.com",
     "sam@example..com", "s" * 65 + "@example.com", "sam@" + "a" * 64 + ".com", "sam\n@example.com",
     "sam@exa\0mple.com"],
)  # fmt: skip
def test_what_is_no_mail_address(typed: str) -> None:
    with pytest.raises(UnusableIdentity):
        email(typed)


@pytest.mark.parametrize(
    ("typed", "identity"),
    [
        ("phone:0491 570 006", "phone:+61491570006"),
        ("PHONE: +61 491 570 006", "phone:+61491570006"),
        ("email:Sam@Example.com", "email:sam@example.com"),
        ("short_code:AU:19970006", "short_code:AU:19970006"),
        ("alphanumeric:AU:EXAMPLECO", "alphanumeric:AU:EXAMPLECO"),
        ("psid:1029384756:7234567890123456", "psid:1029384756:7234567890123456"),
    ],
)
def test_an_identity_is_read_with_its_scheme(typed: str, identity: str) -> None:
    assert str(parse(typed)) == identity
    assert str(parse(str(parse(typed)))) == identity


@pytest.mark.parametrize(
    "typed",
    ["", "0491570006", "sam@example.com", "fax:0491570006", "psid:7234", "psid::7234", "phone:", ":x", "sip:x:"],
)  # fmt: skip
def test_what_is_no_identity(typed: str) -> None:
    with pytest.raises(UnusableIdentity):
        parse(typed)


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(typed: str) -> None:
    """Identity or refusal, never another error; and an identity reads back as itself."""
    for read in (phone, email, parse):
        try:
            found: Identity = read(typed)
        except UnusableIdentity:
            continue
        assert parse(str(found)) == found
