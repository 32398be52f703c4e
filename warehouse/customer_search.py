"""What a person typed into the search, as patterns for SQL `like`.

A phone is found in any Australian spelling (`0491 570 006`, `+61 491 570 006`, `(02) 5550 1234`)
and by a fragment; a mail address, an id of a chat service and a name by a fragment.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import phonenumbers

from warehouse.schemes import schemes

REGION = "AU"
#: Fewer digits than this match too many numbers to mean one.
LEAST_DIGITS = 3
LONGEST = 200
SEPARATORS = re.compile(r"[\s().\-/\u2010-\u2015+]")
#: A whole identity, as pages and the command line write it.
IDENTITY = re.compile(rf"^({'|'.join(schemes())}):", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Patterns:
    """Any of `identity` must match an open link; what names hold is asked by `name_patterns`."""

    identity: list[str] = field(default_factory=list)
    #: A whole identity was typed, and no name.
    is_identity: bool = False


def patterns(typed: str) -> Patterns | None:
    """The patterns of what was typed, or None where that asks for nothing."""
    text = unicodedata.normalize("NFKC", typed).replace("\0", "").strip()[:LONGEST]
    if not text:
        return None
    lower = text.lower()
    if IDENTITY.match(text):
        return Patterns(identity=[_literal(text)], is_identity=True)
    digits = SEPARATORS.sub("", lower)
    if digits.isdigit() and len(digits) >= LEAST_DIGITS:
        return Patterns(identity=phone_patterns(text, digits))
    # No identity holds a blank.
    return Patterns(identity=word_patterns(text) if len(lower.split()) == 1 else [])


def name_patterns(words: Sequence[str]) -> dict[str, Any]:
    """What SQL asks of a folded name that holds all of these folded words; of no words, what no name answers."""
    every = [_within(word) for word in words]
    return {"name_patterns": every, "name_pattern": max(every, key=len, default=None)}


def word_patterns(text: str) -> list[str]:
    """Every way in which one word can be part of an identity; each scheme writes letters in its own way."""
    # WhatsApp's ids begin with a country: `AU.1349…`.
    business = text[:2].upper() + text[2:] if text[2:3] == "." else text
    written = {
        "lower": text.lower(),
        "upper": text.upper(),
        "region": business,
        "exact": text,
    }
    return [
        f"{scheme.scheme}:{_within(written[how])}"
        for scheme in schemes().values()
        for how in scheme.searched_as & written.keys()
    ]


def phone_patterns(text: str, digits: str) -> list[str]:
    """Every way in which these digits can be (part of) a number, as identities are written."""
    plain = _ascii(digits)
    # Few patterns: each is tried on every link.
    found = [
        f"{each.scheme}:%{plain}%" for each in schemes().values() if "digits" in each.searched_as
    ]
    if plain.startswith("0011"):
        found.append(f"phone:+{plain[4:]}%")
    elif plain.startswith("610"):
        # `+61 (0) 491 …` is how many write it.
        found.append(f"phone:+61{plain[3:]}%")
    elif plain.startswith("0"):
        found.append(f"phone:+61{plain[1:]}%")
    try:
        number = phonenumbers.parse(text, REGION)
    except phonenumbers.NumberParseException:
        return found
    if phonenumbers.is_possible_number(number):
        e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        found.append(f"phone:{e164}")
    return found


def _ascii(digits: str) -> str:
    """Digits of any script as 0 to 9."""
    return "".join(str(unicodedata.digit(character)) for character in digits)


def _literal(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)


def _within(text: str) -> str:
    return f"%{_literal(text)}%"
