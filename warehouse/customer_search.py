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
    #: What the index is asked for, whatever the case: who matches any of `identity` holds one of these. They are
    #: few, because each is a question.
    parts: list[str] = field(default_factory=list)
    #: A whole identity was typed, and no name.
    is_identity: bool = False


def patterns(typed: str) -> Patterns | None:
    """The patterns of what was typed, or None where that asks for nothing."""
    text = unicodedata.normalize("NFKC", typed).replace("\0", "").strip()[:LONGEST]
    if not text:
        return None
    lower = text.lower()
    if IDENTITY.match(text):
        return Patterns(identity=[_literal(text)], parts=[_literal(text)], is_identity=True)
    digits = SEPARATORS.sub("", lower)
    if digits.isdigit() and len(digits) >= LEAST_DIGITS:
        return phone_patterns(text, digits)
    # No identity holds a blank.
    return word_patterns(text) if len(lower.split()) == 1 else Patterns()


def name_patterns(words: Sequence[str]) -> dict[str, Any]:
    """What SQL asks of a folded name that holds all of these folded words; of no words, what no name answers."""
    every = [_within(word) for word in words]
    return {"name_patterns": every, "name_pattern": max(every, key=len, default=None)}


def identity_patterns(wanted: Patterns | None) -> dict[str, Any]:
    """What SQL asks of an identity; of nothing, what none answers."""
    known = wanted or Patterns()
    return {"identity_patterns": known.identity, "identity_parts": known.parts}


def word_patterns(text: str) -> Patterns:
    """Every way in which one word can be part of an identity; each scheme writes letters in its own way."""
    # WhatsApp's ids begin with a country: `AU.1349…`.
    business = text[:2].upper() + text[2:] if text[2:3] == "." else text
    written = {
        "lower": text.lower(),
        "upper": text.upper(),
        "region": business,
        "exact": text,
    }
    # Beyond ASCII a letter's other case may be other letters.
    spellings = [text] if text.isascii() else sorted(set(written.values()))
    return Patterns(
        identity=[
            f"{scheme.scheme}:{_within(written[how])}"
            for scheme in schemes().values()
            for how in scheme.searched_as & written.keys()
        ],
        parts=[_within(each) for each in spellings],
    )


def phone_patterns(text: str, digits: str) -> Patterns:
    """Every way in which these digits can be (part of) a number, as identities are written."""
    plain = _ascii(digits)
    begins = ""
    if plain.startswith("0011"):
        begins = f"+{plain[4:]}"
    elif plain.startswith("610"):
        # `+61 (0) 491 …` is how many write it.
        begins = f"+61{plain[3:]}"
    elif plain.startswith("0"):
        begins = f"+61{plain[1:]}"
    whole = _e164(text)
    identity = [
        f"{each.scheme}:%{plain}%" for each in schemes().values() if "digits" in each.searched_as
    ]
    if begins:
        identity.append(f"phone:{begins}%")
    if whole:
        identity.append(f"phone:{whole}")
    held = {each for each in (plain, begins, whole) if each}
    # Who holds the longer of two holds the shorter, too.
    least = [each for each in sorted(held) if not any(one in each for one in held - {each})]
    return Patterns(identity=identity, parts=[_within(each) for each in least])


def _e164(text: str) -> str:
    """The number that was typed whole, as identities are written; empty where it is none."""
    try:
        number = phonenumbers.parse(text, REGION)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _ascii(digits: str) -> str:
    """Digits of any script as 0 to 9."""
    return "".join(str(unicodedata.digit(character)) for character in digits)


def _literal(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)


def _within(text: str) -> str:
    return f"%{_literal(text)}%"
