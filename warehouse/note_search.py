"""Notes of ours that hold what was typed, newest first. Of what operators ask for they have days and a customer.

A word means here what it means in a message (`search.py`): the same functions of the warehouse read both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from warehouse import search, search_meaning
from warehouse.queries import queries
from warehouse.search_query import Query

SQL = queries("note_search")

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class FoundNotes:
    """A page of the notes that match, and how many do."""

    rows: list[Row]
    count: int


NO_NOTES = FoundNotes(rows=[], count=0)


def find(
    database: psycopg.Connection[Any],
    query: Query,
    *,
    customer_id: str | None = None,
    behind: Row | None = None,
    page_size: int = search.PAGE_SIZE,
) -> FoundNotes:
    """The newest notes that match, behind a row of the list; none where something is asked for that no note has.

    Args:
        database: in a transaction, whose other statements do without scans from here on.
        customer_id: only those on this customer and on their conversations.
    """
    if any(each.operator != "in" or each.excluded for each in query.conditions):
        return NO_NOTES
    with database.cursor(row_factory=dict_row) as db:
        db.execute(search.SQL["without_scans"])
        asked = search_meaning.mean_text(db, query.terms)
        if not any(not word.startswith("!") for word in asked.words):
            return NO_NOTES
        wanted = [customer_id] if customer_id else None
        if query.conditions:
            # Several of one operator: any of them.
            named = {
                one
                for each in query.conditions
                for one in search_meaning.customers_meant(db, each.value)
            }
            wanted = sorted(named.intersection(wanted or named))
        rows = db.execute(
            SQL["found"],
            {
                "words": " & ".join(asked.words),
                "phrases": asked.phrases,
                "without": asked.without,
                "since": query.since,
                "before": query.before,
                "customer_ids": wanted,
                "behind_at": behind["written_at"] if behind else None,
                "behind_id": behind["note_id"] if behind else None,
                "page_size": page_size,
            },
        ).fetchall()
    return FoundNotes(rows=rows, count=rows[0]["matched"] if rows else 0)


def customers_of(rows: Iterable[Row]) -> list[str]:
    """The customers whom these notes are about."""
    return sorted({row["customer_id"] for row in rows if row["customer_id"]})


def as_text(row: Row) -> Row:
    """A note as `search_snippet` reads a message."""
    return {"body": row["body"], "subject": None, "filenames": []}


def counted(count: int) -> str:
    """How many there are, in words."""
    return "1 note" if count == 1 else f"{count:,} notes"
