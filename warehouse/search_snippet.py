"""A piece of a message round the first match, and where in it the matches are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from warehouse.search_query import Term

#: Characters of a snippet, and of what stands before its first match.
LENGTH, LEAD = 180, 50
#: So much of a text is looked through for the first match: as much as can be found (dbt_project/macros/search.sql).
LOOKED_THROUGH = 100_000
LETTERS = {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"} | dict(
    zip("øłđðıħς", "olddihσ", strict=True)
)

#: Text, and whether it matched.
Part = tuple[str, bool]


def snippet(row: Mapping[str, Any], terms: Sequence[Term]) -> list[Part]:
    """Of a row of results: its text where that matches, else its subject or a name of an attachment, in one line."""
    texts = [row["body"], row["subject"], *row["filenames"]]
    written = [" ".join(text[:LOOKED_THROUGH].split()) for text in texts if text and text.strip()]
    for text in written:
        found = list(_matches(text, _patterns(terms)))
        if found:
            return _cut(text, found)
    return _cut(written[0], []) if written else []


def highlighted(text: str | None, terms: Sequence[Term]) -> list[Part]:
    """The beginning of a text, such as a subject, with its matches."""
    written = " ".join((text or "")[:LENGTH].split())
    return (
        _cut(written, list(_matches(written, _patterns(terms))), lead=len(written))
        if written
        else []
    )


def plain(parts: Sequence[Part]) -> str:
    """The snippet as text."""
    return "".join(text for text, _ in parts)


def _patterns(terms: Sequence[Term]) -> list[re.Pattern[str]]:
    return [pattern for term in terms if not term.excluded and (pattern := _pattern(term))]


def _pattern(term: Term) -> re.Pattern[str] | None:
    words = re.findall(r"\w+|[^\w\s]", _fold(term.text)[0])
    letters = [word for word in words if re.match(r"\w", word)] or words
    if not letters:
        return None
    inner = r"[^\w]{0,5}".join(re.escape(word) for word in letters)
    if term.phone:
        rest = r"[^\w]{0,3}".join(term.phone.lstrip("0"))
        inner = rf"(?:{inner}|(?:\+?61|0)[^\w]{{0,4}}{rest})"
        return re.compile(inner)
    spaced = all(ord(letter) < 0x0E00 for letter in inner)
    left, right = (r"(?<!\w)", "" if term.is_prefix else r"(?!\w)") if spaced else ("", "")
    if not re.match(r"\w", letters[0]):
        left = right = ""
    return re.compile(left + inner + right)


def _matches(text: str, patterns: Sequence[re.Pattern[str]]) -> Iterator[tuple[int, int]]:
    folded, origin = _fold(text)
    for pattern in patterns:
        for found in pattern.finditer(folded):
            if found.end() > found.start():
                yield origin[found.start()], origin[found.end() - 1] + 1


def _fold(text: str) -> tuple[str, Sequence[int]]:
    """Case and accents folded, and of each character the place that it had."""
    # A text has few different characters.
    letters = {character: _letters(character) for character in set(text)}
    if all(len(folded) == 1 for folded in letters.values()):
        return "".join(map(letters.__getitem__, text)), range(len(text))
    origin = [place for place, character in enumerate(text) for _ in letters[character]]
    return "".join(map(letters.__getitem__, text)), origin


def _letters(character: str) -> str:
    if character.isascii():
        return character.lower()
    lower = unicodedata.normalize("NFKD", character).lower()
    return "".join(LETTERS.get(each, each) for each in lower if not unicodedata.combining(each))


def _cut(text: str, found: list[tuple[int, int]], lead: int = LEAD) -> list[Part]:
    first = min((start for start, _ in found), default=0)
    begin = 0
    if first > lead:
        begin = first - lead
        blank = text.find(" ", begin, first)
        begin = blank + 1 if blank >= 0 else begin
    end = min(len(text), begin + LENGTH)
    parts: list[Part] = [("\u2026", False)] if begin else []
    at = begin
    for start, stop in sorted(found):
        start, stop = max(start, at), min(stop, end)
        if start >= stop:
            continue
        parts += [(text[at:start], False)] if start > at else []
        parts.append((text[start:stop], True))
        at = stop
    parts += [(text[at:end], False)] if at < end else []
    return [*parts, ("\u2026", False)] if end < len(text) else parts
