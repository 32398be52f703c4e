"""The log of events as CSV: what the Audit page asks for, for spreadsheets, and nothing in it that one would run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from app import csv_file, database, read_events
from app.access.sessions import Viewer
from warehouse import event_log
from warehouse.event_log import Asked
from warehouse.filters import Filter

ROUTE = "/events.csv"
#: What stands in one file; where there are more its last line says so. All of them: `./crm events`.
MOST_LINES = 200_000


def asked(given: Mapping[str, str]) -> Asked:
    """What the parameters of an address ask of the log. Days are those of `CRM_TIMEZONE`, both ends included."""
    settings = database.settings()
    days = Filter.read({name: [given[name]] for name in ("from", "to") if name in given})
    ends = days.parameters(settings.zone, datetime.now(UTC))
    return Asked(
        person=given.get("person", "")[:300],
        customer_id=given.get("customer", "")[:300],
        action=given.get("action", "")[:300],
        since=ends["since"],
        until=ends["until"],
    )


def link(given: Mapping[str, str]) -> str:
    """Where the file of this is to be had."""
    return f"{ROUTE}?{urlencode(given, errors='replace')}"


def answer(viewer: Viewer, request: Request) -> Response:
    """The file, once it is written down who took it.

    Raises:
        Forbidden: the role may not.
        Busy: two others are written just now.
    """

    def fill(lines: Any) -> None:
        done = read_events.export(
            viewer, asked(request.query_params), MOST_LINES,
            lambda row: lines.writerow(event_log.cells(row)),
        )  # fmt: skip
        if done.is_cut:
            lines.writerow(
                ["", f"The log goes on: this file holds the newest {done.count:,} events"]
            )

    return csv_file.answer("events.csv", event_log.COLUMNS, fill)
