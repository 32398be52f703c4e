"""Identities: the addresses under which a person is known, always written in one way.

`scheme:value` or `scheme:scope:value`; the schemes stand in one list (`warehouse/schemes.py`), which the models
read too. What a person types in any usual spelling is read here, or refused in a sentence (`Written`). Its one form is
the warehouse's to say (`normal`): the models ask the same functions for what providers send
(migration 0061), so nobody is two people because two programs spell differently.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import idna
import phonenumbers
import psycopg
from psycopg.rows import tuple_row

from warehouse.queries import queries
from warehouse.schemes import schemes

SQL = queries("identities")
#: Where a number without a country code is dialled from.
HOME_REGION = "AU"
PHONE, EMAIL = "phone", "email"
#: RFC 5321 section 4.5.3.1: octets before the @, and of the whole address.
LONGEST_LOCAL_PART, LONGEST_ADDRESS = 64, 254

TRUNK_ZERO = re.compile(r"\(\s*0\s*\)")
PHONE_CHARACTERS = re.compile(r"[+0-9()\s./\u2010-\u2015-]+")
#: 13, 1300 and 1800 numbers, without the country code: businesses write and call under them.
BUSINESS_NUMBER = re.compile(r"13[1-9]\d{3}|1[38]00\d{6}")
LOCAL_PART = re.compile(r"[^\s\x00-\x1f\x7f@<>()\[\],;:\\\"]+")
QUOTED_LOCAL_PART = re.compile(r'"(?:[^\x00-\x1f\x7f"\\]|\\[ -~])+"')


class UnusableIdentity(ValueError):
    """The text is no identity; the message says why without repeating what may be private."""


@dataclass(frozen=True, kw_only=True)
class _Address:
    scheme: str
    value: str
    scope: str = ""

    def __str__(self) -> str:
        return ":".join(part for part in (self.scheme, self.scope, self.value) if part)


class Written(_Address):
    """An address as somebody wrote it: usable, and not yet in its one form."""


class Identity(_Address):
    """An address in its one form. `scope` is empty for phones and mail addresses."""


def normal(database: psycopg.Connection[Any], written: Sequence[Written]) -> list[Identity]:
    """The one form of each, in their order."""
    if not written:
        return []
    # Whatever the caller's rows are made of.
    with database.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(SQL["normal"], {"identities": [str(each) for each in written]})
        rows = cursor.fetchall()
    return [
        Identity(
            scheme=each.scheme,
            scope=each.scope,
            value=text.removeprefix(f"{each.scheme}:").removeprefix(
                f"{each.scope}:" if each.scope else ""
            ),
        )
        for each, (text,) in zip(written, rows, strict=True)
    ]


def parse(text: str) -> Written:
    """`scheme:value` or `scheme:scope:value`.

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
        raise UnusableIdentity(
            f"unknown scheme {scheme[:20]!r} (known: {', '.join(sorted(schemes()))})"
        )
    if not known.scope:
        return Written(scheme=scheme, value=rest.strip())
    scope, separator, value = rest.partition(":")
    if not separator or not scope.strip() or not value.strip():
        raise UnusableIdentity(f"an identity of {scheme} is written {scheme}:{known.scope}:value")
    return Written(scheme=scheme, scope=scope.strip(), value=value.strip())


def phone(text: str) -> Written:
    """A phone number in any Australian or international spelling, with its country code.

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
    elif digits.startswith("521") and len(digits) == 13:
        # The 1 that Mexican mobile numbers once had.
        written = f"+52{digits[3:]}"
    try:
        number = phonenumbers.parse(written, HOME_REGION)
    except phonenumbers.NumberParseException as error:
        raise UnusableIdentity("no phone number: it cannot be dialled from Australia") from error
    if not phonenumbers.is_possible_number(number):
        raise UnusableIdentity("no phone number: too short or too long for its country")
    national = str(number.national_number)
    is_a_persons = len(national) == 9 and not national.startswith("1")
    if number.country_code == 61 and not is_a_persons and not BUSINESS_NUMBER.fullmatch(national):
        raise UnusableIdentity(
            "no phone number: nine digits follow +61, or it is a 13, 1300 or 1800 number"
        )
    return Written(
        scheme=PHONE, value=phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    )


def _plain_digits(text: str) -> str:
    """Digits of every script as 0 to 9."""
    return "".join(
        str(unicodedata.decimal(character)) if character.isdecimal() else character
        for character in unicodedata.normalize("NFKC", text)
    )


def email(text: str) -> Written:
    """A mail address with a domain that can exist (RFC 5891).

    Raises:
        UnusableIdentity: it is no single bare address.
    """
    written = text.strip().removeprefix("mailto:")
    local, separator, domain = written.rpartition("@")
    if not separator or not local or not domain:
        raise UnusableIdentity("no mail address: name@domain is expected")
    if not QUOTED_LOCAL_PART.fullmatch(local) and (
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
    if (
        len(local.encode()) > LONGEST_LOCAL_PART
        or len(local.encode()) + 1 + len(encoded) > LONGEST_ADDRESS
    ):
        raise UnusableIdentity("no mail address: too long")
    return Written(scheme=EMAIL, value=written)
