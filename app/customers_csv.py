"""A list of customers as CSV: what the page shows, for spreadsheets, and nothing in it that one would run."""

from __future__ import annotations

import csv
import io
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app import read
from app.access.sessions import Viewer
from app.database import Row
from warehouse.spreadsheet import as_text

ROUTE = "/customers.csv"
COLUMNS = ("customer_id", "name", "identities", "first_contact", "last_contact", "messages")
#: What stands in one file; where there are more its last line says so, and the page before.
MOST_LINES = 50_000
#: A file is written beside the pages that others wait for.
AT_ONCE = threading.BoundedSemaphore(2)
#: More stands on the disk until it was sent.
MEMORY_BYTES, PIECE_BYTES = 2_000_000, 64_000


class Busy(Exception):
    """Others take lists just now."""


def link(typed: str, sort: read.Sort) -> str:
    """Where the list is to be had."""
    return f"{ROUTE}?{urlencode({'q': typed, 'sort': sort.value}, errors='replace')}"


def sort_of(text: str) -> read.Sort:
    """An order by its word in an address; the latest contacts first where it is none."""
    return read.Sort(text) if text in set(read.Sort) else read.Sort.LATEST


def answer(viewer: Viewer, request: Request) -> Response:
    """The file, once it is written down who took it, and of whom.

    Raises:
        Forbidden: the role may not.
        Busy: two others are written just now.
    """
    asked = request.query_params
    if not AT_ONCE.acquire(blocking=False):
        raise Busy
    try:
        file = tempfile.SpooledTemporaryFile(MEMORY_BYTES)  # noqa: SIM115  closed when it was sent
        with lines_into(file) as lines:
            done = read.export(
                viewer, asked.get("q", ""), sort_of(asked.get("sort", "")), MOST_LINES,
                lambda row: lines.writerow(cells(row)),
            )  # fmt: skip
            if done.is_cut:
                lines.writerow(["", cut(done.count)])
    finally:
        AT_ONCE.release()
    return StreamingResponse(
        _pieces(file),
        media_type="text/csv; charset=utf-8",
        headers={
            "content-disposition": 'attachment; filename="customers.csv"',
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        },
    )


#: Beside a list that may be longer than a file of it.
BOUND = f"The export holds the first {MOST_LINES:,} of them"


def may_be_cut(found: read.Found) -> bool:
    """Whether a list may be longer than a file of it; how long it is nobody counts to its end."""
    return found.is_cut or found.matched > MOST_LINES


def cut(count: int) -> str:
    """What a file says that does not hold everybody."""
    return f"The list goes on: this file holds the first {count:,} customers"


@contextmanager
def lines_into(file: IO[bytes]) -> Iterator[Any]:
    """Something that writes lines into the file, below the names of the columns; it is at its beginning again after."""
    # The mark at the beginning tells a spreadsheet that it is UTF-8.
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    lines = csv.writer(text)
    lines.writerow(COLUMNS)
    yield lines
    text.detach()
    file.seek(0)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def cells(row: Row) -> list[Any]:
    """A customer as a line; identities are separated by blanks."""
    return [
        as_text(row["customer_id"]),
        as_text(row["name"]),
        as_text(" ".join(row["identities"])),
        row["first_at"].isoformat() if row["first_at"] else "",
        row["last_at"].isoformat() if row["last_at"] else "",
        row["message_count"],
    ]
