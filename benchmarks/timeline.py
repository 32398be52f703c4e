"""Timeline: the first and the 200th page of a customer with 10,000 messages, as the app reads them.

    ./crm bench timeline --scale 1000000

`timeline_page` of warehouse/queries/timeline.sql as crm_app, once with every delivery in the tables and once
with 1,000 of other customers waiting in the live tail. Before anything is timed the whole timeline is walked
page by page: it must give every message of the customer once.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from benchmarks.figures import document, median, percentile, result
from benchmarks.machine import machine
from benchmarks.storing import BUSY, TRIAL_MESSAGES, Store
from benchmarks.throwaway import throwaway
from pipelines import refresh
from warehouse.queries import parse, queries
from warehouse.settings import Role, Settings

SQL = parse((Path(__file__).parent / "timeline.sql").read_text())
PAGE = queries("timeline")["timeline_page"]
DEFAULT_MESSAGES = 100_000
BUSY_MESSAGES = 10_000
PAGE_SIZE = 50
TAIL = 1_000
ROUNDS = 200

Row = dict[str, Any]


class Incomplete(Exception):
    """Paging lost or repeated a message: the figures mean nothing."""


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """The document of interface.md. `settings` is not used: the warehouse is a throw-away one.

    Raises:
        Incomplete: the pages do not give every message once.
    """
    messages = scale or DEFAULT_MESSAGES
    busy = min(BUSY_MESSAGES, messages // 2)
    rounds, tail = (ROUNDS, TAIL) if messages >= TRIAL_MESSAGES else (ROUNDS // 10, TAIL // 10)
    with throwaway() as on:
        store = Store(on.settings, messages, busy)
        store.prepare()
        store.fill()
        models = refresh.Models(on.settings)
        with refresh.connect(on.settings) as database:
            refresh.refresh(models, database)
        if store.counted() != messages:
            raise Incomplete(f"{store.counted()} of {messages} messages are in the table")
        store.analyze()
        results = []
        with _connect(on.settings) as database:
            positions = _walk(database, busy)
            results += _measure(database, positions, rounds, tail=0)
            store.add(tail)
            results += _measure(database, positions, rounds, tail=_tail(database))
        return document("timeline", messages, machine(on.settings.admin_url, on.folder), results)


def _connect(settings: Settings) -> psycopg.Connection[Row]:
    return psycopg.Connection[Row].connect(
        settings.url_for(Role.APP), autocommit=True, row_factory=dict_row
    )


def _page(database: psycopg.Connection[Row], before: Row | None) -> list[Row]:
    return database.execute(
        PAGE,
        {
            "customer_id": BUSY,
            "page_size": PAGE_SIZE,
            "before_sent_at": before["sent_at"] if before else None,
            "before_message_id": before["message_id"] if before else None,
        },
    ).fetchall()


def _walk(database: psycopg.Connection[Row], expected: int) -> list[Row | None]:
    """The position before each page, from the newest page to the first message."""
    positions: list[Row | None] = [None]
    seen: set[str] = set()
    while rows := _page(database, positions[-1]):
        seen |= {row["message_id"] for row in rows}
        positions.append(rows[-1])
    if len(seen) != expected or len(positions) - 1 != -(-expected // PAGE_SIZE):
        raise Incomplete(f"{len(positions) - 1} pages gave {len(seen)} of {expected} messages")
    # The last position has nothing behind it.
    return positions[:-1]


def _tail(database: psycopg.Connection[Row]) -> int:
    # The app may not look into the tail by itself; the view that it may read shows it whole.
    row = database.execute(SQL["count_tail"]).fetchone()
    assert row is not None
    return int(row["count"])


def _measure(
    database: psycopg.Connection[Row], positions: list[Row | None], rounds: int, *, tail: int
) -> list[dict[str, Any]]:
    """Page 1 and the 200th (or the last) in turns, and the same rows fetched by their keys."""
    number = min(200, len(positions))
    times: dict[str, list[float]] = {"first": [], "late": [], "by key": []}
    for _ in range(rounds):
        rows = _timed(times["first"], lambda: _page(database, None))
        _timed(times["late"], lambda: _page(database, positions[number - 1]))
        keys = [row["message_id"] for row in rows]
        _timed(
            times["by key"],
            lambda keys=keys: database.execute(SQL["many_keys"], {"message_ids": keys}).fetchall(),
        )
    said = f"{tail} messages in the tail"
    limit = {share: percentile(times["by key"], share) for share in (0.5, 0.95)}
    return [
        *(
            result(
                f"page {page} p{share * 100:.0f}, {said}",
                percentile(times[name], share),
                "ms",
                limit=limit[share],
                goal=goal,
            )
            for page, name in ((1, "first"), (number, "late"))
            for share, goal in ((0.5, None), (0.95, "≤ 20 ms"))
        ),
        result(
            f"page {number} against page 1, medians, {said}",
            median(times["late"]),
            "ms",
            limit=median(times["first"]),
            goal="ratio ≤ 1.5",
        ),
    ]


def _timed(times: list[float], work: Any) -> Any:
    started = time.perf_counter()
    done = work()
    times.append((time.perf_counter() - started) * 1000)
    return done
