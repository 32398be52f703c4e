"""Messages that hold what was typed, newest first: the query in the words of the index, and the way to the newest.

    parse (search_query) ──> meant: words of the index, phrases, bounds ──> estimate ──> collect, or walk back in time

Every part of a query becomes words of one `tsquery`: what a text holds, and what an operator asks for (`channel:gmail`,
`from:email:…`, dbt_project/macros/search.sql). Phrases are looked for in what the words leave.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from warehouse.events import Actor, Event
from warehouse.queries import queries
from warehouse.refusals import Refused
from warehouse.search_meaning import Meant, mean, parameters
from warehouse.search_query import Query
from warehouse.search_snippet import LOOKED_THROUGH

SQL = queries("search")
PAGE_SIZE = 50
#: Matches are counted up to here; beyond it there are "more than".
MOST = 10_000
#: What one row costs, in the same unit, as measured (docs/decisions.md): found in the index, fetched for it, walked by.
POSTED, FETCHED, WALKED = 0.05, 1.5, 1.0
#: A walk that fills no page by so many times the steps expected was wrong about the words: they are collected.
PATIENCE = 4
#: Steps that are always worth walking.
LEAST_STEPS = 5_000
Row = dict[str, Any]
Database = psycopg.Connection[Any]


@dataclass(frozen=True, kw_only=True)
class Found:
    """A page of what matches; `count` is exact, or what was counted to."""

    rows: list[Row]
    count: int
    is_exact: bool
    meant: Meant


def find(
    database: Database,
    query: Query,
    *,
    customer_id: str | None = None,
    behind: str | None = None,
    page_size: int = PAGE_SIZE,
) -> Found:
    """The newest messages that match, strictly behind a position; each with what a list of results shows.

    Args:
        database: in a transaction, whose other statements do without scans from here on.
        customer_id: only those on this customer's timeline.

    Raises:
        Refused: there is no such customer.
    """
    with database.cursor(row_factory=dict_row) as db:
        if customer_id is not None:
            known = db.execute(SQL["customer_exists"], {"customer_id": customer_id}).fetchone()
            if not known or not known["is_known"]:
                raise Refused(f"there is no customer {customer_id}")
        db.execute(SQL["without_scans"])
        meant = mean(db, query, customer_id)
        if meant.is_empty:
            return Found(rows=[], count=0, is_exact=True, meant=meant)
        places, count = _newest(db, meant, behind or meant.before, page_size)
        rows = []
        if places:
            ids = [place["message_id"] for place in places]
            values = {"message_ids": ids, "looked_through": LOOKED_THROUGH}
            rows = db.execute(SQL["results"], values).fetchall()
        return Found(rows=rows, count=min(count, MOST), is_exact=count <= MOST, meant=meant)


@dataclass(frozen=True, kw_only=True)
class Beside:
    """Where a message stands among those of one timeline that match: `place` of `count`, the newest being the first."""

    older: str | None
    newer: str | None
    place: int
    count: int


def beside(database: Database, query: Query, customer_id: str, position: str) -> Beside | None:
    """The next matches of a customer's timeline on either side of a position; None where nothing is asked for."""
    with database.cursor(row_factory=dict_row) as db:
        db.execute(SQL["without_scans"])
        meant = mean(db, query, customer_id)
        if meant.is_empty:
            return None
        row = db.execute(SQL["beside"], parameters(meant) | {"position": position}).fetchone()
        assert row is not None
        return Beside(
            older=row["older"], newer=row["newer"], place=row["place"], count=row["matched"]
        )


def counted(count: int, *, is_exact: bool) -> str:
    """How many there are, in words."""
    if is_exact:
        return "1 message" if count == 1 else f"{count:,} messages"
    return f"more than {count:,} messages"


def event(
    actor: Actor,
    typed: str,
    found: Found,
    customer_id: str | None = None,
    noted: Collection[str] = (),
    **more: Any,
) -> Event:
    """What a search leaves behind: who asked for what, and whose messages were shown.

    Args:
        noted: the customers whom notes that were found are about.
    """
    return actor.event(
        "message.search",
        "message",
        "*",
        customer_ids=sorted({*customers_of(found, customer_id), *noted}),
        detail={
            "query": shown_query(typed),
            "count": found.count,
            "is_exact": found.is_exact,
            **more,
        },
    )


def customers_of(found: Found, customer_id: str | None = None) -> list[str]:
    """The customers whose messages a page of results shows."""
    whose = {row["customer_id"] for row in found.rows} | {customer_id}
    return sorted(each for each in whose if each is not None)


def shown_query(typed: str) -> str:
    """What was typed as an event keeps it."""
    return typed[:200].replace("\0", "").encode("utf-8", "ignore").decode()


# -- the newest that match -------------------------------------------------------------------------


def _newest(
    db: psycopg.Cursor[Row], meant: Meant, behind: str, page_size: int
) -> tuple[list[Row], int]:
    values = parameters(meant) | {
        "behind": min(behind, meant.before),
        "page_size": page_size,
        "most": MOST,
    }
    expected = db.execute(SQL["estimate"], values).fetchone()
    assert expected is not None
    matching, within, altogether = (max(int(number), 1) for number in expected.values())
    matching += len(meant.named)
    share = min(matching / max(altogether, matching), 1.0)
    steps = min(within, page_size / share)
    if matching * FETCHED > steps * WALKED:
        limit = max(LEAST_STEPS, int(steps * PATIENCE))
        rows = db.execute(SQL["walked"], values | {"steps": limit}).fetchall()
        if len(rows) == page_size or not _lies_behind(db, values, limit):
            return rows, _count(db, values, matching, within, share)
    rows = db.execute(SQL["collected"], values).fetchall()
    if rows:
        return rows, int(rows[0]["matched"])
    return [], _count(db, values, matching, within, share) if behind < meant.before else 0


def _lies_behind(db: psycopg.Cursor[Row], values: dict[str, Any], steps: int) -> bool:
    row = db.execute(SQL["lies_behind"], values | {"steps": steps}).fetchone()
    return row is not None and bool(row["lies_behind"])


def _count(
    db: psycopg.Cursor[Row], values: dict[str, Any], matching: int, within: int, share: float
) -> int:
    walking = min(within, MOST / share) * WALKED
    collecting = matching * POSTED + min(matching, MOST) * FETCHED
    if walking < collecting:
        steps = max(LEAST_STEPS, int(walking / WALKED * PATIENCE))
        counted = _matched(db, "counted_by_time", values | {"steps": steps})
        if counted > MOST or not _lies_behind(db, values | {"behind": values["before"]}, steps):
            return counted
    return _matched(db, "counted_by_words", values)


def _matched(db: psycopg.Cursor[Row], query: str, values: dict[str, Any]) -> int:
    row = db.execute(SQL[query], values).fetchone()
    assert row is not None
    return int(row["matched"])
