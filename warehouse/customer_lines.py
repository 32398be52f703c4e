"""What a line of a list says: whose it is, and by which numbers and addresses they are known.

    cells ──> name, notes, what is written ──> identities in their one form | why it cannot be used

Of a line one address may be unusable: what is good of it is taken, and the rest is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg

from warehouse import identities
from warehouse.customer_file import Line
from warehouse.decisions.customers import customer_name
from warehouse.identities import UnusableIdentity, Written
from warehouse.refusals import Refused
from warehouse.spreadsheet import is_formula

#: Pages that messages come from name accounts by numbers; a name in a list is only a hint for people.
HINTS = ("instagram", "facebook")
#: One cell of a spreadsheet may hold several numbers or addresses.
SEPARATORS = re.compile(r"[;\n|]")
#: How Excel keeps the zero of a number: ="0491570006" or '0491570006.
KEPT_AS_TEXT = re.compile(r"""^(?:="(?P<quoted>[^"]*)"|'(?P<marked>.*))$""", re.DOTALL)
#: A number of which Excel kept only the beginning.
SCIENTIFIC = re.compile(r"\d[.,]?\d*E\+?\d+", re.IGNORECASE)
LONGEST_NOTES = 10_000
ROWS_AT_ONCE = 5_000

T = TypeVar("T")
#: Told what is under way, how many lines of it are done, and how many there are.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Told:
    """Something to say about a line of the file."""

    line: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class UsableLine:
    """A line that names a customer and at least one address."""

    number: int
    name: str
    notes: str
    identities: list[str]


@dataclass(kw_only=True)
class Read:
    """What was read of a list. `left_out` are unusable addresses of lines that are usable."""

    usable: list[UsableLine] = field(default_factory=list)
    refused: list[Told] = field(default_factory=list)
    left_out: list[Told] = field(default_factory=list)


def quiet(words: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


def read_lines(
    database: psycopg.Connection[Any], lines: Sequence[Line], progress: Progress = quiet
) -> Read:
    """What these lines say; `database` knows the one form of a number and of an address."""
    read = Read()
    done = 0
    for some in some_at_once(lines):
        told: list[tuple[Line, str, list[Written]]] = []
        for line in some:
            try:
                name = _name(line)
                written, problems = identities_of(line.cells)
                if not written:
                    raise Refused(
                        "; ".join(problems)
                        or "neither phone nor email: nothing would ever be matched to this customer"
                    )
            except Refused as refused:
                read.refused.append(Told(line=line.number, reason=str(refused)))
                continue
            read.left_out += [Told(line=line.number, reason=problem) for problem in problems]
            told.append((line, name, written))
        formed = map(str, identities.normal(database, [one for each in told for one in each[2]]))
        for line, name, written in told:
            theirs = list(dict.fromkeys(next(formed) for _ in written))
            read.usable.append(
                UsableLine(
                    number=line.number, name=name, notes=notes_of(line.cells), identities=theirs
                )
            )
        done += len(some)
        progress("read", done, len(lines))
    return read


def _name(line: Line) -> str:
    if line.problem:
        raise Refused(line.problem)
    if any("\0" in cell for cell in line.cells.values()):
        raise Refused("a cell contains a NUL character")
    name = customer_name(line.cells.get("name", ""))
    if is_formula(name):
        raise Refused(
            f"name begins with {name[0]}, as a formula of a spreadsheet does: write the name itself"
        )
    if len(line.cells.get("notes", "")) > LONGEST_NOTES:
        raise Refused(f"notes are longer than {LONGEST_NOTES:,} characters")
    return name


def identities_of(cells: dict[str, str]) -> tuple[list[Written], list[str]]:
    """Phones and mail addresses of a line, and in words what is neither."""
    found: list[Written] = []
    problems: list[str] = []
    for column, read in (("phone", identities.phone), ("email", identities.email)):
        for part in SEPARATORS.split(cells.get(column, "")):
            text = part.strip()
            if kept := KEPT_AS_TEXT.match(text):
                text = (kept["quoted"] or kept["marked"] or "").strip()
            if not text:
                continue
            if column == "phone" and SCIENTIFIC.fullmatch(text):
                problems.append(
                    "phone: the spreadsheet cut the number short (it shows an E): format the column as text"
                )
                continue
            try:
                found.append(read(text[:LONGEST_NOTES]))
            except UnusableIdentity as error:
                problems.append(f"{column}: {error}")
    return found, problems


def notes_of(cells: dict[str, str]) -> str:
    """The notes, and below them the names on platforms that messages do not carry."""
    hints = [f"{column}: {cells[column][:200]}" for column in HINTS if cells.get(column)]
    return "\n".join(filter(None, [cells.get("notes", ""), *hints]))


def some_at_once(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(rows), ROWS_AT_ONCE):
        yield rows[start : start + ROWS_AT_ONCE]
