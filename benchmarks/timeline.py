"""Timeline: the first and the 200th page of a customer with 10,000 messages, as the app reads them.

    ./crm bench timeline --scale 1000000

`timeline_page` of warehouse/queries/timeline.sql as crm_app, once while nothing else happens and once while fifty
messages a second of other people arrive and are folded. Before anything is timed the whole timeline is walked
page by page: it must give every message of the customer once.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from benchmarks.figures import document, median, percentile, result
from benchmarks.kept import stored
from benchmarks.landing import Sender, Target, start_receiver
from benchmarks.machine import machine
from benchmarks.storing import BUSY, TRIAL_MESSAGES
from benchmarks.throwaway import Throwaway
from transform.resident import take_in
from warehouse.filters import BEHIND_ALL, FIRST
from warehouse.queries import parse, queries
from warehouse.settings import Role, Settings

SQL = parse((Path(__file__).parent / "timeline.sql").read_text())
PAGE = queries("timeline")["timeline_page"]
DEFAULT_MESSAGES = 100_000
BUSY_MESSAGES = 10_000
PAGE_SIZE = 50
LATE_PAGE = 200
ARRIVING_PER_SECOND = 50.0
ROUNDS = 200

Row = dict[str, Any]


class Incomplete(Exception):
    """Paging lost or repeated a message: the figures mean nothing."""


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """What `./crm bench --json` prints. `settings` is not used: the warehouse is a throw-away one.

    Raises:
        Incomplete: the pages do not give every message once.
    """
    messages = scale or DEFAULT_MESSAGES
    busy = min(BUSY_MESSAGES, messages // 2)
    rounds = ROUNDS if messages >= TRIAL_MESSAGES else ROUNDS // 10
    with stored(messages, busy) as (on, store):
        if store.counted() != messages:
            raise Incomplete(f"{store.counted()} of {messages} messages are in the table")
        with _connect(on.settings) as database:
            positions = _walk(database, busy)
            quiet = _measure(database, positions, rounds)
            with Arriving(on):
                busy_times = _measure(database, positions, rounds)
            results = [
                *_results(quiet, "nothing arriving"),
                *_results(busy_times, f"{ARRIVING_PER_SECOND:.0f} a second arriving"),
                *_compared(quiet, busy_times),
            ]
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
            "from_key": FIRST,
            "before_key": before["sort_key"] if before else BEHIND_ALL,
            "most": PAGE_SIZE,
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


class Arriving:
    """Messages of other people, posted and folded for the time of the block."""

    def __init__(self, on: Throwaway) -> None:
        on.start("transform")
        self._receiver: Target = start_receiver(on)
        self._sender = Sender(on, first=1_000_000_000_000)
        self._on = on
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send)

    def __enter__(self) -> Arriving:
        self._post()
        # Both programs are up, and their plans are made.
        take_in(self._on.settings)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _send(self) -> None:
        while not self._stop.is_set():
            self._post()

    def _post(self) -> None:
        self._sender.send(
            self._receiver, do="steady", posts=50, per_second=ARRIVING_PER_SECOND, over=2
        )


Times = dict[str, list[float]]


def _measure(database: psycopg.Connection[Row], positions: list[Row | None], rounds: int) -> Times:
    """Page 1 and the 200th (or the last) in turns, and the same rows fetched by their keys."""
    number = min(LATE_PAGE, len(positions))
    times: Times = {"page 1": [], f"page {number}": [], "by key": []}
    for _ in range(rounds):
        rows = _timed(times["page 1"], lambda: _page(database, None))
        _timed(times[f"page {number}"], lambda: _page(database, positions[number - 1]))
        keys = [row["message_id"] for row in rows]
        _timed(
            times["by key"],
            lambda keys=keys: database.execute(SQL["many_keys"], {"message_ids": keys}).fetchall(),
        )
    return times


def _results(times: Times, said: str) -> list[dict[str, Any]]:
    first, late, by_key = times
    return [
        *(
            result(
                f"{page} p{share * 100:.0f}, {said}",
                percentile(times[page], share),
                "ms",
                limit=percentile(times[by_key], share),
                goal=goal,
            )
            for page in (first, late)
            for share, goal in ((0.5, None), (0.95, "≤ 5 ms"))
        ),
        result(
            f"{late} against {first}, medians, {said}",
            median(times[late]),
            "ms",
            limit=median(times[first]),
            goal="ratio ≤ 1.5",
        ),
    ]


def _compared(quiet: Times, busy: Times) -> list[dict[str, Any]]:
    first, late, _ = quiet
    return [
        result(
            f"{page} p95, {ARRIVING_PER_SECOND:.0f} a second arriving against none",
            percentile(busy[page], 0.95),
            "ms",
            limit=percentile(quiet[page], 0.95),
            goal="ratio ≤ 1.3",
        )
        for page in (first, late)
    ]


def _timed(times: list[float], work: Any) -> Any:
    started = time.perf_counter()
    done = work()
    times.append((time.perf_counter() - started) * 1000)
    return done
