"""A list of customers as a file holds it: bytes in any encoding a spreadsheet writes, lines out.

    bytes ──> text (UTF-8, UTF-16, Windows-1252) ──> cells (, ; tab) ──> lines with their numbers

What a line means is said elsewhere (`warehouse/customer_lines.py`); here is only what can be read. Size, lines and
cells are bounded before any work.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from warehouse.refusals import Refused

COLUMNS = ("name", "phone", "email", "instagram", "facebook", "notes")
#: What spreadsheets call the same column.
ALSO_CALLED = {"e-mail": "email", "mobile": "phone", "telephone": "phone", "note": "notes"}
LARGEST_FILE_BYTES = 64 * 1024 * 1024
MOST_LINES = 200_000
LONGEST_CELL = 131_072
#: Where between two cells nobody says what stands, the one that the first line holds most of.
SEPARATORS = (",", ";", "\t")
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Of ASCII text in UTF-16 every other byte is zero; so much of the beginning is looked at.
LOOKED_AT_BYTES = 2_000


@dataclass(frozen=True, kw_only=True)
class Line:
    """One customer as the file tells it. `number` is the line of the file on which it starts."""

    number: int
    cells: dict[str, str]
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class CustomerFile:
    """A file that was read, and how: a person sees by the encoding why a name may look odd."""

    lines: list[Line]
    encoding: str
    separator: str


def read_file(content: bytes, *, called: str) -> CustomerFile:
    """The lines of a CSV file.

    Args:
        called: the name of the file, for refusals.

    Raises:
        Refused: it is too large, in no encoding that we read, empty, or its first line names no usable columns.
    """
    if len(content) > LARGEST_FILE_BYTES:
        raise Refused(
            f"{called} has {len(content) / 1024**2:,.0f} MB, and at most {LARGEST_FILE_BYTES // 1024**2} are read: "
            "cut it into several files"
        )
    text, encoding = _text(content, called)
    skipped = 0
    separator = ""
    first_line = text.partition("\n")[0].strip()
    if first_line.lower().startswith("sep=") and len(first_line) == 5:
        # Excel's own way to say what stands between cells.
        separator, skipped = first_line[4], 1
        text = text.partition("\n")[2]
        first_line = text.partition("\n")[0]
    separator = separator or max(SEPARATORS, key=first_line.count)
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        header = [_column(cell) for cell in next(reader)]
    except StopIteration:
        raise Refused(
            f"{called} is empty: its first line names the columns {', '.join(COLUMNS)}"
        ) from None
    except csv.Error as error:
        raise Refused(f"{called}: the first line is no CSV: {error}") from error
    _check_header(called, header)
    lines: list[Line] = []
    for line in _lines(reader, header, skipped):
        if len(lines) == MOST_LINES:
            raise Refused(f"{called} has more than {MOST_LINES:,} lines: cut it into several files")
        lines.append(line)
    return CustomerFile(lines=lines, encoding=encoding, separator=separator)


def _text(content: bytes, called: str) -> tuple[str, str]:
    """The text and the name of its encoding, for people."""
    for mark, codec in BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return _decoded(content, codec, called)
    beginning = content[:LOOKED_AT_BYTES]
    if len(beginning) >= 4 and len(content) % 2 == 0:
        even, odd = beginning[::2].count(0), beginning[1::2].count(0)
        if max(even, odd) > len(beginning) // 4 and min(even, odd) * 8 < max(even, odd):
            return _decoded(content, "utf-16-le" if odd > even else "utf-16-be", called)
    try:
        return content.decode(), "UTF-8"
    except UnicodeDecodeError:
        # What Excel writes as plain "CSV" on Windows.
        return _decoded(content, "cp1252", called)


def _decoded(content: bytes, codec: str, called: str) -> tuple[str, str]:
    name = {"utf-8-sig": "UTF-8", "cp1252": "Windows-1252"}.get(codec, "UTF-16")
    try:
        return content.decode(codec), name
    except UnicodeDecodeError as error:
        raise Refused(
            f"{called} is neither UTF-8 nor UTF-16 nor Windows-1252 (byte {error.start} of it as {name}): "
            "save it as CSV UTF-8 and import again"
        ) from error


def _column(cell: str) -> str:
    name = cell.replace("\0", "").strip().lower()
    return ALSO_CALLED.get(name, name)


def _check_header(called: str, header: list[str]) -> None:
    unknown = sorted({name for name in header if name not in COLUMNS})
    twice = sorted({name for name in header if header.count(name) > 1})
    if unknown or twice or "name" not in header:
        told = [name[:40] or "(empty)" for name in unknown[:10]]
        problems = [
            f"unknown: {', '.join(told)}" if unknown else "",
            f"twice: {', '.join(twice)}" if twice else "",
            "missing: name" if "name" not in header else "",
        ]
        raise Refused(
            f"{called}: columns {'; '.join(filter(None, problems))} (known: {', '.join(COLUMNS)})"
        )


def _lines(reader: Any, header: list[str], skipped: int) -> Iterator[Line]:
    before = reader.line_num
    while True:
        number = before + 1 + skipped
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # After broken quoting nobody can tell where the next line begins.
            yield Line(number=number, cells={}, problem=f"no CSV from here on: {error}")
            return
        before = reader.line_num
        if not any(cell.strip() for cell in cells):
            continue
        problem = None
        if len(cells) != len(header):
            problem = f"{len(cells)} cells where the header has {len(header)}"
        yield Line(
            number=number,
            cells={name: cell.strip() for name, cell in zip(header, cells, strict=False)},
            problem=problem,
        )
