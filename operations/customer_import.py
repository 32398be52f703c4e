"""A list of customers in CSV: read it, and make or match one customer per line.

line -> identities (warehouse/identities.py) -> open links -> made | matched | refused with a reason

Of a line one address may be unusable: what is good of it is taken, and the rest is reported.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from operations.invocation import actor
from warehouse import decisions, identities
from warehouse.identities import UnusableIdentity, Written
from warehouse.refusals import Refused

COLUMNS = ("name", "phone", "email", "instagram", "facebook", "notes")
#: Pages that messages come from name accounts by numbers; a name in a list is only a hint for
#: people.
HINTS = ("instagram", "facebook")
#: One cell of a spreadsheet may hold several numbers or addresses.
SEPARATORS = re.compile(r"[;\n|]")
PROGRESS_EVERY = 500


@dataclass(frozen=True, kw_only=True)
class Line:
    """One customer as the file tells it. `number` is the line of the file on which it starts."""

    number: int
    cells: dict[str, str]
    problem: str | None = None


@dataclass
class Outcome:
    """What became of the lines. `refused` and `left_out`, of lines that were taken, hold {"line", "reason"}."""

    made: int = 0
    matched: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)


def read_lines(file: Path) -> list[Line]:
    """The lines of a CSV file in UTF-8, with or without a byte order mark; `,` or `;` between cells.

    Raises:
        Refused: the file cannot be read, is no UTF-8, or its header is unusable.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Refused(
            f"{file} is not UTF-8 (byte {error.start}): save it as CSV UTF-8 and import again"
        ) from error
    header_end = text.find("\n")
    header_text = text if header_end < 0 else text[:header_end]
    delimiter = ";" if header_text.count(";") > header_text.count(",") else ","
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [cell.strip().lower() for cell in next(reader)]
    except StopIteration:
        raise Refused(
            f"{file} is empty: its first line names the columns {', '.join(COLUMNS)}"
        ) from None
    except csv.Error as error:
        raise Refused(f"{file}: the first line is no CSV: {error}") from error
    _check_header(file, header)
    return _rows(reader, header)


def _check_header(file: Path, header: list[str]) -> None:
    unknown = sorted({name for name in header if name not in COLUMNS})
    twice = sorted({name for name in header if header.count(name) > 1})
    if unknown or twice or "name" not in header:
        problems = [
            f"unknown: {', '.join(name or '(empty)' for name in unknown)}" if unknown else "",
            f"twice: {', '.join(twice)}" if twice else "",
            "missing: name" if "name" not in header else "",
        ]
        raise Refused(
            f"{file}: columns {'; '.join(filter(None, problems))} (known: {', '.join(COLUMNS)})"
        )


def _rows(reader: Any, header: list[str]) -> list[Line]:
    lines: list[Line] = []
    before = reader.line_num
    while True:
        number = before + 1
        try:
            cells = next(reader)
        except StopIteration:
            return lines
        except csv.Error as error:
            # After broken quoting nobody can tell where the next line begins.
            lines.append(Line(number=number, cells={}, problem=f"no CSV from here on: {error}"))
            return lines
        before = reader.line_num
        if not any(cell.strip() for cell in cells):
            continue
        problem = None
        if len(cells) != len(header):
            problem = f"{len(cells)} cells where the header has {len(header)}"
        lines.append(
            Line(
                number=number,
                cells={name: cell.strip() for name, cell in zip(header, cells, strict=False)},
                problem=problem,
            )
        )


def import_lines(database: psycopg.Connection[Any], lines: list[Line], *, source: str) -> Outcome:
    """Import line by line, each in a transaction of its own. `database` is in autocommit."""
    outcome = Outcome()
    decision_id = decisions.new_decision_id()
    for count, line in enumerate(lines, start=1):
        try:
            with database.transaction():
                made, left_out = _import_line(
                    database, line, source=source, decision_id=decision_id
                )
        except Refused as refused:
            outcome.refused.append({"line": line.number, "reason": str(refused)})
        else:
            outcome.made += made
            outcome.matched += not made
            outcome.left_out += [{"line": line.number, "reason": reason} for reason in left_out]
        if count % PROGRESS_EVERY == 0:
            print(f"{count} of {len(lines)} lines", file=sys.stderr, flush=True)
    return outcome


def _import_line(
    database: psycopg.Connection[Any], line: Line, *, source: str, decision_id: str
) -> tuple[bool, list[str]]:
    """Whether a customer was made, and not found among those we have; and what of the line could not be taken."""
    if line.problem:
        raise Refused(line.problem)
    if any("\0" in cell for cell in line.cells.values()):
        raise Refused("a cell contains a NUL character")
    name = decisions.customer_name(line.cells.get("name", ""))
    written, problems = identities_of(line.cells)
    if problems and not written:
        raise Refused("; ".join(problems))
    found = list({str(each): each for each in identities.normal(database, written)}.values())
    if not found:
        raise Refused("neither phone nor email: nothing would ever be matched to this customer")
    owners = decisions.owners(database, found)
    customers = sorted({owner.customer_id for owner in owners.values()})
    if len(customers) > 1:
        said = ", ".join(f"{text} to {owner.customer_id}" for text, owner in owners.items())
        raise Refused(f"belongs to {len(customers)} customers: {said}")
    made = not customers
    where = {"file": source, "line": line.number}
    customer_id = (
        decisions.create_customer(
            database, actor(), name, notes=notes_of(line.cells), decision_id=decision_id,
            source={"source": source, "line": line.number},
        )
        if made
        else customers[0]
    )  # fmt: skip
    for identity in found:
        if str(identity) not in owners:
            decisions.link(
                database, actor(), identity, customer_id,
                reason=f"imported from {source}", evidence=where, decision_id=decision_id,
            )  # fmt: skip
    return made, problems


def identities_of(cells: dict[str, str]) -> tuple[list[Written], list[str]]:
    """Phones and mail addresses of a line, and in words what is neither."""
    found: list[Written] = []
    problems: list[str] = []
    for column, read in (("phone", identities.phone), ("email", identities.email)):
        for part in SEPARATORS.split(cells.get(column, "")):
            if not part.strip():
                continue
            try:
                found.append(read(part))
            except UnusableIdentity as error:
                problems.append(f"{column}: {error}")
    return found, problems


def notes_of(cells: dict[str, str]) -> str:
    """The notes, and below them the names on platforms that messages do not carry."""
    hints = [f"{column}: {cells[column]}" for column in HINTS if cells.get(column)]
    return "\n".join(filter(None, [cells.get("notes", ""), *hints]))
