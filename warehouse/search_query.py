"""The language of the search box, read in one place for pages and commands.

    refund order            both words, anywhere in a message      "late refund"   one behind the other
    -refund  -"late refund" messages without it                    refund*         words that begin so
    channel: direction: from: to: in: tag: assigned: has:     each with - before it, too
    before: after: on:                                        days of CRM_TIMEZONE; `after` begins when that day is over

Nothing that is typed is an error: what cannot be meant is left out, and `notes` say so in words. Reading is linear in
the text, which is cut to LONGEST first.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from warehouse.channels import registry
from warehouse.filters import start_of_day

LONGEST = 1_000
MOST_TERMS = 50
#: A beginning of fewer letters than this begins too many words.
SHORTEST_PREFIX = 2
#: Fewer digits than this are no telephone number.
LEAST_DIGITS = 6
MOST_DIGITS = 15
#: A national number is whole with so many.
FULL_DIGITS = 10
PIECE = re.compile(
    r'(?P<without>-?)(?:(?P<operator>[A-Za-z]{1,20}):)?(?:"(?P<quoted>[^"]*)"?|(?P<bare>[^\s"]+))'
)
QUOTES = str.maketrans({"\0": " ", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'})
UNSEEN = re.compile(r"(?<=[-:])\0+")
DAY = re.compile(r"[0-9]{1,4}([-/.][0-9]{1,4}){0,2}")
DIGITS = re.compile(r"\+?[\d().\-/]+")
NEW_NUMBER = re.compile(r"\(0|\+")
OPERATORS = (
    "channel",
    "direction",
    "from",
    "to",
    "in",
    "tag",
    "assigned",
    "has",
    "before",
    "after",
    "on",
)
DIRECTIONS = {
    "in": "inbound",
    "inbound": "inbound",
    "received": "inbound",
    "out": "outbound",
    "outbound": "outbound",
    "sent": "outbound",
}
HAS = {"attachment": "attachment", "attachments": "attachment", "file": "attachment"}


@dataclass(frozen=True, kw_only=True)
class Term:
    """What the text of a message must hold, or must not."""

    text: str
    is_phrase: bool = False
    is_prefix: bool = False
    excluded: bool = False
    #: The beginning of a telephone number in Australia's national form, where the text can be one.
    phone: str = ""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """An operator with a value that it knows: a channel's slug, `inbound`, or what people, tags and names must hold."""

    operator: str
    value: str
    excluded: bool = False


@dataclass(frozen=True, kw_only=True)
class Query:
    """What was asked for. `since` and `before` bound the time of a message, the second excluded."""

    terms: tuple[Term, ...] = ()
    conditions: tuple[Condition, ...] = ()
    since: datetime | None = None
    before: datetime | None = None
    #: Sentences about what was typed and could not be meant.
    notes: tuple[str, ...] = ()


@dataclass
class _Read:
    terms: list[Term] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    since: datetime | None = None
    before: datetime | None = None
    notes: list[str] = field(default_factory=list)


def parse(typed: str, zone: ZoneInfo, today: date | None = None) -> Query:
    """Read what was typed. Days are those of `zone` (CRM_TIMEZONE); `today` is for `on:today`."""
    read = _Read()
    # A NUL, which nobody sees, parts words; it does not part a minus or an operator from its word.
    text = UNSEEN.sub("", _first_of(typed)).translate(QUOTES).encode("utf-8", "ignore").decode()
    if len(typed) > LONGEST:
        read.notes.append(f"Only the first {LONGEST:,} characters are looked for.")
    for count, piece in enumerate(PIECE.finditer(text)):
        if count == MOST_TERMS:
            read.notes.append(f"Only the first {MOST_TERMS} words are looked for.")
            break
        _take(read, piece, zone, today or datetime.now(zone).date())
    return Query(
        terms=tuple(_with_phones(read.terms)),
        conditions=tuple(dict.fromkeys(read.conditions)),
        since=read.since,
        before=read.before,
        notes=tuple(dict.fromkeys(read.notes)),
    )


def _first_of(typed: str) -> str:
    """No more than LONGEST of it, without a word that this would cut: half a word is in no message."""
    first = typed[:LONGEST]
    if len(typed) <= LONGEST or typed[LONGEST].isspace():
        return first
    end = max((place for place, sign in enumerate(first) if sign.isspace()), default=0)
    return first[:end] if first[:end].strip() else first


def _take(read: _Read, piece: re.Match[str], zone: ZoneInfo, today: date) -> None:
    excluded = bool(piece["without"])
    operator = (piece["operator"] or "").lower()
    is_phrase = piece["quoted"] is not None
    value = piece["quoted"] if is_phrase else piece["bare"]
    if operator in OPERATORS:
        if not value.strip() or value == "*":
            read.notes.append(f"{operator}: needs something behind the colon, so it is left out.")
        elif operator in ("before", "after", "on"):
            _take_day(read, operator, value, excluded, zone, today)
        else:
            _take_condition(read, operator, value.strip(), excluded)
        return
    if value.endswith(":") and value[:-1].lower() in OPERATORS:
        read.notes.append(f"{value.lower()} needs something behind the colon, so it is left out.")
        return
    if operator:
        if not value.startswith("//"):
            read.notes.append(
                f"{operator}: is no operator, so it is looked for as text. There are {_listed(OPERATORS, colon=True)}."
            )
        value = f"{piece['operator']}:{value}"
    is_prefix = not is_phrase and value.endswith("*")
    value = value.rstrip("*") if is_prefix else value
    if not any(_is_written(character) for character in value):
        return
    if is_prefix and len(value) < SHORTEST_PREFIX:
        read.notes.append(
            f"{value}* begins too many words, so it is left out: give {SHORTEST_PREFIX} letters."
        )
        return
    read.terms.append(Term(text=value, is_phrase=is_phrase, is_prefix=is_prefix, excluded=excluded))


def _take_condition(read: _Read, operator: str, value: str, excluded: bool) -> None:
    known: str | None = value
    if operator == "channel":
        known = _channel(value)
        told = _listed(registry())
    elif operator == "direction":
        known = DIRECTIONS.get(value.lower())
        told = "inbound and outbound"
    elif operator == "has":
        known = HAS.get(value.lower())
        told = "attachment"
    if known is None:
        read.notes.append(
            f"{operator}: does not know {_short(value)}, so it is left out. It knows {told}."
        )
        return
    read.conditions.append(Condition(operator=operator, value=known, excluded=excluded))


def _channel(value: str) -> str | None:
    """A channel by its slug, its name, or the only one whose slug holds the word."""
    lower = value.lower().replace(" ", "_")
    if lower in registry():
        return lower
    named = [slug for slug, each in registry().items() if each.name.lower() == value.lower()]
    holding = named or [slug for slug in registry() if lower in slug.split("_")]
    return holding[0] if len(holding) == 1 else None


def _take_day(
    read: _Read, operator: str, value: str, excluded: bool, zone: ZoneInfo, today: date
) -> None:
    days = _days(value.strip().lower(), today)
    if days is None:
        read.notes.append(
            f"{operator}: does not know the day {_short(value)}, so it is left out. Write it as 2026-11-30 or "
            "30/11/2026, a month as 2026-11, a year as 2026, or today, yesterday."
        )
        return
    if excluded:
        read.notes.append(f"-{operator}: cannot be taken away from the rest, so it is left out.")
        return
    try:
        first, behind = (start_of_day(day, zone) for day in days)
    except OverflowError:
        read.notes.append(f"{operator}: {_short(value)} is beyond all messages, so it is left out.")
        return
    if operator in ("on", "after"):
        since = first if operator == "on" else behind
        read.since = max(read.since, since) if read.since else since
    if operator in ("on", "before"):
        before = behind if operator == "on" else first
        read.before = min(read.before, before) if read.before else before


def _days(value: str, today: date) -> tuple[date, date] | None:
    """The first day that is meant, and the first behind those that are."""
    try:
        if value in ("today", "yesterday"):
            day = today - timedelta(days=value == "yesterday")
            return day, day + timedelta(days=1)
        if not DAY.fullmatch(value):
            return None
        numbers = [int(part) for part in re.split(r"[-/.]", value)]
        if len(numbers) == 3:
            # Year first, or as Australians write it: day, month, year.
            year, month, day_of_month = numbers if numbers[0] > 31 else numbers[::-1]
            day = date(year, month, day_of_month)
            return day, day + timedelta(days=1)
        if len(numbers) == 2:
            year, month = numbers if numbers[0] > 31 else numbers[::-1]
            first = date(year, month, 1)
            return first, (first + timedelta(days=32)).replace(day=1)
        return date(numbers[0], 1, 1), date(numbers[0] + 1, 1, 1)
    except (ValueError, OverflowError):
        return None


def _with_phones(terms: list[Term]) -> list[Term]:
    """Digits that stand beside each other may be one number, however it was spelled: `(02) 5550`, `+61 491 570`."""
    made: list[Term] = []
    while terms:
        length = _length_of_number(terms)
        if length:
            text = " ".join(term.text for term in terms[:length])
            made.append(replace(terms[0], text=text, phone=national(text)))
        else:
            made.append(terms[0])
        terms = terms[length or 1 :]
    return made


def _length_of_number(terms: list[Term]) -> int:
    """How many of the first terms are one telephone number: as many as it can be made of, 0 where the first is none."""
    length, text = 0, ""
    for count, term in enumerate(terms, start=1):
        text = f"{text} {term.text}".strip()
        is_alone = term.excluded or term.is_phrase or term.is_prefix
        if count > 1 and (
            is_alone or not DIGITS.fullmatch(term.text) or NEW_NUMBER.match(term.text)
        ):
            break
        found = national(text) if not term.is_prefix else ""
        if count > 1 and len(found) > FULL_DIGITS:
            break
        length = count if found else length
        if is_alone or len(found) >= FULL_DIGITS:
            break
    return length


def national(text: str) -> str:
    """The beginning of an Australian number as `0491570`, of any spelling; empty where the text is none."""
    if not re.fullmatch(r"[\s\d+().\-/]+", text):
        return ""
    digits = "".join(
        str(unicodedata.digit(each)) for each in text if unicodedata.category(each) == "Nd"
    )
    digits = re.sub(r"^(0011)?61(0?)", "0", digits) if re.match(r"(0011)?61", digits) else digits
    if LEAST_DIGITS <= len(digits) <= MOST_DIGITS and re.match(r"0[23478]", digits):
        return digits
    return ""


def _is_written(character: str) -> bool:
    """Letters, digits and signs that can be found; not what only separates."""
    return unicodedata.category(character)[0] in "LNMS"


def _listed(words: object, *, colon: bool = False) -> str:
    *others, last = [f"{word}:" if colon else str(word) for word in words]  # type: ignore[attr-defined]
    return f"{', '.join(others)} and {last}"


def _short(value: str) -> str:
    return value if len(value) <= 40 else f"{value[:40]}…"
