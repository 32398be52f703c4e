"""A list of customers as CSV: what the page shows, for spreadsheets, and nothing in it that one would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from app import read
from app.access.roles import Permission
from app.access.sessions import Viewer
from app.database import Row
from warehouse.spreadsheet import as_text

ROUTE = "/customers.csv"
COLUMNS = ("customer_id", "name", "identities", "first_contact", "last_contact", "messages")
#: What stands in one file; the page counts as far.
MOST_LINES = read.MOST


def link(typed: str, sort: read.Sort) -> str:
    """Where the list is to be had."""
    return f"{ROUTE}?{urlencode({'q': typed, 'sort': sort.value}, errors='replace')}"


def sort_of(text: str) -> read.Sort:
    """An order by its word in an address; the latest contacts first where it is none."""
    return read.Sort(text) if text in set(read.Sort) else read.Sort.LATEST


def answer(viewer: Viewer, request: Request) -> Response:
    """The file, once it is written down who took it.

    Raises:
        Forbidden: the role may not.
    """
    asked = request.query_params
    found = read.customers(
        viewer, asked.get("q", ""), sort=sort_of(asked.get("sort", "")),
        page_size=MOST_LINES, permission=Permission.EXPORT, action="customer.export",
    )  # fmt: skip
    return Response(
        written(found.rows).encode("utf-8-sig"),
        media_type="text/csv; charset=utf-8",
        headers={
            "content-disposition": 'attachment; filename="customers.csv"',
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        },
    )


def written(rows: Iterable[Row]) -> str:
    """The lines, with the names of the columns above; identities are separated by blanks."""
    into = io.StringIO(newline="")
    lines = csv.writer(into)
    lines.writerow(COLUMNS)
    for row in rows:
        lines.writerow(
            [
                as_text(row["customer_id"]),
                as_text(row["name"]),
                as_text(" ".join(row["identities"])),
                row["first_at"].isoformat() if row["first_at"] else "",
                row["last_at"].isoformat() if row["last_at"] else "",
                row["message_count"],
            ]
        )
    return into.getvalue()
