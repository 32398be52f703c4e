"""What is left of a delivery once one person's part is gone.

A provider puts the messages of several people into one POST. Where only one of them is destroyed, their entries are
cut out of the exact bytes, and what stays of them is a word in their place: so every other entry keeps its bytes and
its number, and what was made of it stays the same under a rebuild. The row says that it is no longer what was received.

This is about lists of JSON and nothing else: which entries are whose is told by ids that the models found, so no
provider's format is interpreted here a second time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

#: Lists that hold other lists, with the entries in those.
HOLDING = frozenset({"entry", "changes", "history", "threads"})
#: Lists that only say who the people of the other lists are.
ABOUT_PEOPLE = frozenset({"contacts"})
#: What stands in the place of an entry, and of a change with its field (dbt_project/macros/tombstones.sql knows it).
CUT_OUT = '{"destroyed":true}'
CUT_CHANGE = '{"field":"destroyed","value":{"destroyed":true}}'
CUT = ({"destroyed": True}, {"field": "destroyed", "value": {"destroyed": True}})
CUT_VALUE = '"destroyed"'
WHITESPACE = re.compile(r"[ \t\n\r]*")


class NotJson(ValueError):
    """The text is no JSON, or is nested deeper than any provider nests."""


@dataclass(frozen=True, slots=True)
class Part:
    """A value within a JSON text: where it begins and ends, and its parts with their names."""

    start: int
    end: int
    #: A text, a number or a word; None where it has parts.
    scalar: str | None = None
    parts: tuple[tuple[str, Part], ...] = ()
    is_list: bool = False

    def scalars(self) -> Iterator[Part]:
        """Every value within it that has no parts."""
        waiting = [self]
        while waiting:
            part = waiting.pop()
            if part.scalar is not None:
                yield part
            waiting.extend(inner for _, inner in part.parts)


@dataclass
class Entry:
    """One thing that a delivery tells."""

    part: Part
    #: The name of the list that it stands in; empty for a delivery that is one thing itself.
    of_list: str
    texts: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.texts = frozenset(part.scalar or "" for part in self.part.scalars())


def parse(text: str) -> Part:
    """The values of a JSON text with their places.

    Raises:
        NotJson: it is none, or too deep.
    """
    try:
        part, end = _value(text, _skip(text, 0))
    except (json.JSONDecodeError, IndexError, RecursionError) as error:
        raise NotJson(type(error).__name__) from None
    if _skip(text, end) != len(text):
        raise NotJson("something stands behind the value")
    return part


_decoder = json.JSONDecoder()


def _skip(text: str, at: int) -> int:
    found = WHITESPACE.match(text, at)
    assert found is not None
    return found.end()


def _value(text: str, at: int) -> tuple[Part, int]:
    if text[at] == "{":
        return _members(text, at, "}", is_list=False)
    if text[at] == "[":
        return _members(text, at, "]", is_list=True)
    value, end = _decoder.raw_decode(text, at)
    # A number as it is written: a long one is an id.
    scalar = value if isinstance(value, str) else text[at:end]
    return Part(at, end, scalar), end


def _members(text: str, start: int, closing: str, *, is_list: bool) -> tuple[Part, int]:
    parts: list[tuple[str, Part]] = []
    at = _skip(text, start + 1)
    while text[at] != closing:
        name = ""
        if not is_list:
            name, at = _decoder.raw_decode(text, at)
            if not isinstance(name, str) or text[at := _skip(text, at)] != ":":
                raise json.JSONDecodeError("no name", text, at)
            at = _skip(text, at + 1)
        part, at = _value(text, at)
        parts.append((name, part))
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)
        elif text[at] != closing:
            raise json.JSONDecodeError("no comma", text, at)
    return Part(start, at + 1, None, tuple(parts), is_list), at + 1


def entries(whole: Part) -> list[Entry]:
    """What a delivery tells, one thing each: the entries of its lists; itself, where it has no list."""
    found = list(_entries(whole, ""))
    return found or [Entry(whole, "")]


def _entries(part: Part, name: str) -> Iterator[Entry]:
    if not part.is_list:
        for inner_name, inner in part.parts:
            yield from _entries(inner, inner_name)
        return
    for _, element in part.parts:
        if element.scalar is not None:
            # A list of plain values, such as a parameter of a form that repeats, is a part of what it stands in.
            continue
        if name not in HOLDING:
            yield Entry(element, name)
            continue
        inside = list(_entries(element, ""))
        yield from inside or [Entry(element, name)]


@dataclass(frozen=True)
class Remainder:
    """What becomes of a delivery."""

    #: Without the entries that were cut out; None where nothing else is in it.
    text: str | None
    #: Every text that stood in what goes.
    gone: frozenset[str]

    @property
    def is_changed(self) -> bool:
        return bool(self.gone)


def concerned(text: str, theirs: Collection[str]) -> list[Entry]:
    """The entries in which a person's addresses or ids stand as values of their own, not merely in somebody's words.

    Raises:
        NotJson
    """
    return [entry for entry in entries(parse(text)) if _is_of(entry, theirs)]


def remainder(text: str, theirs: Collection[str], is_kept: Callable[[Entry], bool]) -> Remainder:
    """The text without what is theirs.

    theirs: addresses and ids, in lower case.
    is_kept: whether an entry that names them is a message of somebody else's all the same.

    Raises:
        NotJson
    """
    whole = parse(text)
    every = entries(whole)
    cut = [entry for entry in every if _is_of(entry, theirs) and not is_kept(entry)]
    if not cut:
        return Remainder(text, frozenset())
    gone = frozenset().union(*(entry.texts for entry in cut))
    places = {(entry.part.start, entry.part.end) for entry in cut}
    staying = [
        entry
        for entry in every
        if (entry.part.start, entry.part.end) not in places
        and json.loads(text[entry.part.start : entry.part.end]) not in CUT
    ]
    if not any(entry.of_list not in ABOUT_PEOPLE for entry in staying):
        return Remainder(None, gone.union(*(entry.texts for entry in staying)))
    replaced = [
        (entry.part.start, entry.part.end, CUT_CHANGE if entry.of_list == "changes" else CUT_OUT)
        for entry in cut
    ]
    # Outside of all entries: the person's id beside the list of their messages, for instance.
    inside = [(entry.part.start, entry.part.end) for entry in every]
    replaced += [
        (part.start, part.end, CUT_VALUE)
        for part in whole.scalars()
        if (part.scalar or "").casefold() in theirs
        and not any(start <= part.start < end for start, end in inside)
    ]
    for start, end, word in sorted(replaced, reverse=True):
        text = text[:start] + word + text[end:]
    return Remainder(text, gone)


def _is_of(entry: Entry, theirs: Collection[str]) -> bool:
    return any(text.casefold() in theirs for text in entry.texts)
