"""Events, read again: who saw this customer, what did this person look at. For the page, its file, `./crm events`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg
from psycopg.rows import dict_row

from warehouse.queries import queries
from warehouse.spreadsheet import as_text

SQL = queries("events")
Row = dict[str, Any]
#: As `specs/data-model.md` has them.
COLUMNS = (
    "event_id", "at", "actor", "role", "action", "object_type", "object_id", "customer_ids", "detail",
    "session_id", "ip",
)  # fmt: skip
#: So many rows are held at once of a log that is read to its end.
PIECE_ROWS = 2_000


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked of the log; an empty one asks for all of it."""

    person: str = ""
    customer_id: str = ""
    action: str = ""
    since: datetime | None = None
    #: The first moment that is not meant any more.
    until: datetime | None = None

    def detail(self) -> dict[str, str]:
        """As the event that says who read the log holds it."""
        said = {
            "person": self.person[:200],
            "action": self.action[:200],
            "since": self.since.isoformat() if self.since else "",
            "until": self.until.isoformat() if self.until else "",
        }
        return {name: value for name, value in said.items() if value}

    def customer_ids(self, database: psycopg.Connection[Any]) -> list[str]:
        """The customer who is asked for and those merged into them; nobody where none is asked for."""
        if not self.customer_id:
            return []
        with database.cursor(row_factory=dict_row) as cursor:
            asked = {"customer_ids": [self.customer_id]}
            rows = cursor.execute(SQL["customer_with_merged"], asked).fetchall()
        return [row["customer_id"] for row in rows]


def find(
    database: psycopg.Connection[Any],
    asked: Asked,
    customer_ids: list[str],
    *,
    before: tuple[datetime, str] | None = None,
    most: int,
) -> list[Row]:
    """Events that pass, the newest first, `before` a place in the list.

    Args:
        customer_ids: of `asked.customer_ids`.
    """
    with database.cursor(row_factory=dict_row) as cursor:
        cursor.execute(SQL["planned_for_what_is_asked"])
        values = _values(asked, customer_ids, before=before, most=most)
        return cursor.execute(SQL["found_events"], values).fetchall()


def stream(
    database: psycopg.Connection[Any],
    asked: Asked,
    customer_ids: list[str],
    *,
    most: int | None = None,
    but: str | None = None,
) -> Iterator[Row]:
    """All that passes, the newest first, read in pieces: a log is longer than any memory.

    Args:
        but: the id of an event that is left out, that of this very look.
    """
    with database.cursor("events", row_factory=dict_row) as cursor:
        cursor.itersize = PIECE_ROWS
        yield from cursor.execute(
            SQL["found_events"], _values(asked, customer_ids, most=most, but=but)
        )


def _values(
    asked: Asked,
    customer_ids: list[str],
    *,
    before: tuple[datetime, str] | None = None,
    most: int | None = None,
    but: str | None = None,
) -> dict[str, Any]:
    return {
        "person": asked.person or None,
        "customer_ids": customer_ids or None,
        "action": asked.action or None,
        "since": asked.since,
        "until": asked.until,
        "before_at": before[0] if before else None,
        "before_id": before[1] if before else None,
        "but": but,
        "most": most,
    }


def told(row: Row) -> Row:
    """An event as JSON holds it."""
    return {**row, "at": row["at"].astimezone(UTC).isoformat()}


def cells(row: Row) -> list[str]:
    """An event as a line of a file for spreadsheets; customers are separated by blanks."""
    said = told(row) | {
        "customer_ids": " ".join(row["customer_ids"]),
        "detail": orjson.dumps(row["detail"]).decode() if row["detail"] else "",
    }
    return [as_text(str(said[name] or "")) for name in COLUMNS]
