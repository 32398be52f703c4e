"""Addresses of a header field (RFC 5322 §3.4 and what real senders make of it), read the same by every Python.

The address in angle brackets is the address, whatever stands before it. One bad address in a list loses itself
alone. Time is linear: what is not closed is looked for once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

#: An encoded word is one piece: the commas and brackets in it belong to a name.
PIECES = re.compile(
    r"(?P<word>=\?[^?\s]{1,75}\?[bBqQ]\?[^?<>@]*\?=)|(?P<space>[\s\u00a0]+)|(?P<mark>[\"(<,;:])|(?P<text>[^\s\u00a0\"(<,;:=]+|=)"
)
ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
#: Around an address in text: brackets of other kinds, quotes, what ends a sentence.
AROUND = " \t'`\u2018\u2019\u201c\u201d{}>"
#: Stands for a blank that is part of an address.
SPACE = "\ue000"
UNSEEN = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad\x00-\x1f\x7f]")


@dataclass
class _Mailbox:
    """One mailbox while it is read."""

    words: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    angles: list[str] = field(default_factory=list)
    #: Words that may be an address although no brackets say so.
    plain: list[str] = field(default_factory=list)


def split_addresses(value: str) -> list[tuple[str, str]]:
    """(display name, address) of each mailbox, the name not yet decoded; what holds no address is not among them."""
    return [pair for box in _mailboxes(value) for pair in _pairs(box)]


def _mailboxes(value: str) -> list[_Mailbox]:
    found: list[_Mailbox] = []
    box = _Mailbox()
    # The last place of each closing mark: an opening one behind it is a character like any other.
    last = {mark: value.rfind(mark) for mark in '">'}
    comments = _comments(value)
    at = 0
    while at < len(value):
        match = PIECES.match(value, at)
        if match is None:
            at += 1
            continue
        at = match.end()
        piece, mark = match.group(), match["mark"]
        if mark is None:
            _take(box, piece, plain=match["text"] is not None or match["space"] is not None)
        elif mark in ",;":
            found.append(box)
            box = _Mailbox()
        elif mark == '"' and (end := _end_of_quoted(value, at, last['"'])) > 0:
            at = _take_quoted(box, value, at, end)
        elif mark == "(" and (end := comments.get(at, 0)) > 0:
            box.comments.append(value[at : end - 1])
            box.words.append(" ")
            box.plain.append(" ")
            at = end
        elif mark == "<" and (end := value.find(">", at, last[">"] + 1)) > 0:
            # `<<a@b>>`, and a bracket that was never closed before the next one.
            inner = value.rfind("<", at, end) + 1
            box.angles.append(value[inner or at : end])
            at = end + 1
            while value[at : at + 1] == ">":
                at += 1
        elif mark == "<":
            box.plain.append(" ")
        elif mark == ":" and _is_group("".join(box.plain)) and not box.angles:
            # The name of a group: its members follow.
            box = _Mailbox()
        else:
            _take(box, piece, plain=True)
    found.append(box)
    return _joined(found)


def _is_group(before: str) -> bool:
    """Whether what stands before a colon is the name of a group, and no `mailto`."""
    return "@" not in before and not before.lower().endswith("mailto")


def _take(box: _Mailbox, piece: str, *, plain: bool) -> None:
    box.words.append(piece)
    box.plain.append(piece if plain else " ")


def _take_quoted(box: _Mailbox, value: str, at: int, end: int) -> int:
    """A quoted string: a name, or the first half of an address such as `"sam citizen"@example.com`."""
    words = re.sub(r"\\(.)", r"\1", value[at : end - 1])
    if end < len(value) and value[end] == "@":
        box.plain.append(f'"{words}"'.replace(" ", SPACE) if " " in words else words)
    elif "@" in words:
        # Only a fallback: an address in quotes is a name where another address follows.
        box.plain.append(f" {words} ")
    box.words.append(words)
    return end


def _end_of_quoted(value: str, at: int, last: int) -> int:
    """Behind the closing quotation mark; 0 where there is none."""
    while at <= last:
        end = value.find('"', at)
        slash = value.find("\\", at, end)
        if slash < 0:
            return end + 1
        at = slash + 2
    return 0


def _comments(value: str) -> dict[int, int]:
    """Of each comment, from behind its opening bracket to behind its closing one; unclosed ones are not among them."""
    opened: list[int] = []
    found: dict[int, int] = {}
    for match in re.finditer(r"\\.|[()]", value):
        if match.group() == "(":
            opened.append(match.end())
        elif match.group() == ")" and opened:
            found[opened.pop()] = match.end()
    return found


def _joined(boxes: list[_Mailbox]) -> list[_Mailbox]:
    """A comma in a name that is not quoted: `Tran, Mai <mai@example.com>`."""
    found: list[_Mailbox] = []
    waiting: list[str] = []
    for box in boxes:
        has_address = bool(box.angles) or "@" in "".join(box.plain)
        words = "".join(box.words).strip()
        if not has_address:
            if words:
                waiting.append(words)
            continue
        if waiting and box.angles and words and len(waiting) < 3:
            box.words = [f"{', '.join(waiting)}, {words}"]
        waiting = []
        found.append(box)
    return found


def _pairs(box: _Mailbox) -> list[tuple[str, str]]:
    name = UNSEEN.sub("", "".join(box.words)).strip(" \t'")
    addresses = [found for angle in box.angles if (found := clean_address(angle))]
    if addresses:
        return [(name if not index else "", found) for index, found in enumerate(addresses)]
    # No brackets, or nothing readable in them.
    text = " ".join("".join(box.plain).split())
    if text.count("@") == 1:
        text = re.sub(r" ?@ ?", "@", text)
    plain = [found for word in text.split() if (found := clean_address(word))]
    if not plain:
        return []
    rest = " ".join(word for word in text.split() if not clean_address(word)).strip(" \t'-")
    said = " ".join(box.comments).strip() or rest
    return [(said if not index else "", found) for index, found in enumerate(plain)]


def _without_brackets(text: str) -> str:
    """`[sam@example.com]` without its brackets; those of `sam@[192.0.2.1]` belong to it."""
    text = text.lstrip("[")
    return text if "@[" in text else text.rstrip("]")


def clean_address(text: str) -> str | None:
    """An address without what may stand round it; None where it is none."""
    text = UNSEEN.sub("", text).replace(SPACE, " ")
    text = _without_brackets(" ".join(text.split()).strip(AROUND))
    if text[:7].lower() == "mailto:":
        text = text[7:].partition("?")[0]
    if text.startswith("@") and ":" in text:
        # A route (RFC 5322 §4.4): the address comes last.
        text = text.rpartition(":")[2]
    if "(" in text:
        text = re.sub(r"\([^()]*\)", "", text)
    text = re.sub(r" ?@ ?", "@", text.strip(AROUND)).rstrip(".,;:")
    if text.startswith('"'):
        local, _, domain = text.rpartition("@")
        return (
            text
            if local.endswith('"') and len(local) > 2 and domain and not re.search(r"\s", domain)
            else None
        )
    return text if ADDRESS.fullmatch(text) else None
