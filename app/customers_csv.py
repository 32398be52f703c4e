"""A list of customers as CSV: what the page shows, for spreadsheets, and nothing in it that one would run."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from app import csv_file, read
from app.access.sessions import Viewer
from app.database import Row
from warehouse.spreadsheet import as_text

ROUTE = "/customers.csv"
COLUMNS = ("customer_id", "name", "identities", "first_contact", "last_contact", "messages")
#: What stands in one file; where there are more its last line says so, and the page before.
MOST_LINES = 50_000


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

    def fill(lines: Any) -> None:
        done = read.export(
            viewer, asked.get("q", ""), sort_of(asked.get("sort", "")), MOST_LINES,
            lambda row: lines.writerow(cells(row)),
        )  # fmt: skip
        if done.is_cut:
            lines.writerow(["", cut(done.count)])

    return csv_file.answer("customers.csv", COLUMNS, fill)


#: Beside a list that may be longer than a file of it.
BOUND = f"The export holds the first {MOST_LINES:,} of them"


def may_be_cut(found: read.Found) -> bool:
    """Whether a list may be longer than a file of it; how long it is nobody counts to its end."""
    return found.is_cut or found.matched > MOST_LINES


def cut(count: int) -> str:
    """What a file says that does not hold everybody."""
    return f"The list goes on: this file holds the first {count:,} customers"


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
