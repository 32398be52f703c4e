"""Identities: the addresses under which a person is known, always written in one way.

`scheme:value` or `scheme:scope:value` (design.md §7). A phone is E.164, a mail address lower case
with its domain in IDNA form; what a person types in any usual spelling becomes that, or is
refused in a sentence. Short codes and alphanumeric senders name a company's sender, never a
person.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import idna
import phonenumbers

from warehouse.schemes import schemes

#: Where a number without a country code is dialled from.
HOME_REGION = "AU"
PHONE, EMAIL = "phone", "email"
#: RFC 5321 section 4.5.3.1: octets before the @, and of the whole address.
LONGEST_LOCAL_PART, LONGEST_ADDRESS = 64, 254

TRUNK_ZERO = re.compile(r"\(\s*0\s*\)")
PHONE_CHARACTERS = re.compile(r"[+0-9()\s./\u2010-\u2015-]+")
LOCAL_PART = re.compile(r"[^\s\x00-\x1f\x7f@<>()\[\],;:\\\"]+")


class UnusableIdentity(ValueError):
    """The text is no identity; the message says why without repeating what may be private."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """One address. `scope` is empty for phones and mail addresses."""

    scheme: str
    value: str
    scope: str = ""

    def __str__(self) -> str:
        return ":".join(part for part in (self.scheme, self.scope, self.value) if part)


def parse(text: str) -> Identity:
    """`scheme:value` or `scheme:scope:value`, normalised.

    Raises:
        UnusableIdentity: the scheme is unknown, a scope is missing, or the value is no such
        address.
    """
    scheme, separator, rest = text.strip().partition(":")
    scheme = scheme.strip().lower()
    if not separator or not rest.strip():
        raise UnusableIdentity(
            "an identity is written scheme:value, for example phone:+61491570006"
        )
    if scheme == PHONE:
        return phone(rest)
    if scheme == EMAIL:
        return email(rest)
    known = schemes().get(scheme)
    if known is None:
        raise UnusableIdentity(f"unknown scheme {scheme[:20]!r} (known: {', '.join(schemes())})")
    if not known.scope:
        return Identity(scheme=scheme, value=rest.strip())
    scope, separator, value = rest.partition(":")
    if not separator or not scope.strip() or not value.strip():
        raise UnusableIdentity(f"an identity of {scheme} is written {scheme}:scope:value")
    return Identity(scheme=scheme, scope=scope.strip(), value=value.strip())


def phone(text: str) -> Identity:
    """A phone number in any Australian or international spelling, as E.164.

    `0491 570 006`, `(02) 5550 1234`, `61 491 570 006`, `+61 (0)491 570 006` and `0061…`, `0011
    61…` are all understood.

    Raises:
        UnusableIdentity: it is no number that can exist.
    """
    written = _plain_digits(text).strip().removeprefix("tel:")
    if "+" in written:
        # (0) is the trunk zero of people who write for both sides of a border.
        written = TRUNK_ZERO.sub("", written)
    if not PHONE_CHARACTERS.fullmatch(written):
        raise UnusableIdentity(
            "no phone number: it has other characters than digits and + ( ) - . /"
        )
    digits = re.sub(r"\D", "", written)
    if not written.startswith("+"):
        if digits.startswith("0061"):
            written = f"+{digits[2:]}"
        elif digits.startswith("61") and len(digits) in (11, 12):
            # 61 4… and 61 (0)4…: the country code without its plus.
            written = f"+61{digits[2:].removeprefix('0')}"
    elif digits.startswith("610"):
        written = f"+61{digits[3:]}"
    try:
        number = phonenumbers.parse(written, HOME_REGION)
    except phonenumbers.NumberParseException as error:
        raise UnusableIdentity("no phone number: it cannot be dialled from Australia") from error
    if not phonenumbers.is_possible_number(number):
        raise UnusableIdentity("no phone number: too short or too long for its country")
    if number.country_code == 61 and len(str(number.national_number)) != 9:
        # 13 and 1300 numbers answer calls, nobody writes from them, and six digits are a short
        # code.
        raise UnusableIdentity("no phone number of a person: nine digits follow +61")
    return Identity(
        scheme=PHONE, value=phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    )


def _plain_digits(text: str) -> str:
    """Digits of every script as 0 to 9."""
    return "".join(
        str(unicodedata.decimal(character)) if character.isdecimal() else character
        for character in unicodedata.normalize("NFKC", text)
    )


def email(text: str) -> Identity:
    """A mail address: lower case, the domain in IDNA 2008 form (RFC 5891).

    Raises:
        UnusableIdentity: it is no single bare address.
    """
    written = text.strip().removeprefix("mailto:")
    local, separator, domain = written.rpartition("@")
    if not separator or not local or not domain:
        raise UnusableIdentity("no mail address: name@domain is expected")
    if (
        not LOCAL_PART.fullmatch(local)
        or local.startswith(".")
        or local.endswith(".")
        or ".." in local
    ):
        raise UnusableIdentity("no mail address: the part before @ is not usable")
    try:
        encoded = idna.encode(domain.rstrip("."), uts46=True).decode()
    except idna.IDNAError as error:
        raise UnusableIdentity("no mail address: the domain is not usable") from error
    if "." not in encoded:
        raise UnusableIdentity("no mail address: the domain has no dot")
    address = f"{local.lower()}@{encoded.lower()}"
    if len(local.encode()) > LONGEST_LOCAL_PART or len(address.encode()) > LONGEST_ADDRESS:
        raise UnusableIdentity("no mail address: too long")
    return Identity(scheme=EMAIL, value=address)
