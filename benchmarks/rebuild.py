"""Rebuild: everything dbt owns, built again from raw beside what serves and swapped in; the hashes must be equal.

    ./crm bench rebuild --scale 1000000

The messages are the mixture of benchmarks.storing, over six channels and both doors. A reader
asks for a page of a timeline every 100 ms meanwhile, and counts what fails.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.figures import document, result
from benchmarks.machine import machine
from benchmarks.storing import BUSY, Store
from benchmarks.throwaway import throwaway
from transform.build import build
from transform.models import Models
from warehouse.filters import BEHIND_ALL, FIRST
from warehouse.queries import parse, queries
from warehouse.settings import Role, Settings

SQL = parse((Path(__file__).parent / "rebuild.sql").read_text())
DEFAULT_MESSAGES = 100_000
BUSY_MESSAGES = 10_000
PAGE = queries("timeline")["timeline_page"]
PAGE_SIZE = 50
READER_SECONDS = 0.1


class Unequal(Exception):
    """What raw gives is not what the tables held: the figures mean nothing."""


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """What `./crm bench --json` prints. `settings` is not used: the warehouse is a throw-away one.

    Raises:
        Unequal: the rebuilt table differs, or holds other messages than were stored.
    """
    messages = scale or DEFAULT_MESSAGES
    with throwaway() as on:
        store = Store(on.settings, messages, min(BUSY_MESSAGES, messages // 10))
        store.prepare()
        models = Models(on.settings, "next")
        store.fill(messages)
        store.analyze()
        first = build(on.settings, models, compare=False).seconds
        with Reader(on.settings) as reader:
            rebuilt = build(on.settings, models)
        if not rebuilt.is_equal or store.counted() != messages:
            raise Unequal(f"{rebuilt.before} became {rebuilt.after}, {store.counted()} messages")
        plain = _plain(on.settings)
        raw_rows, size_bytes = _raw(on.settings)
        results = [
            result(
                "messages a second from raw to marts (limit: a plain insert of the finished rows, same indexes)",
                messages / rebuilt.seconds,
                "messages/s",
                limit=messages / plain,
            ),
            result("raw rows a second", raw_rows / rebuilt.seconds, "rows/s"),
            result("seconds of the rebuild", rebuilt.seconds, "s", limit=plain),
            result("seconds of the first build, which takes in the same", first, "s"),
            result(
                f"questions of a reader that failed meanwhile, of {reader.asked} (goal none)",
                reader.failed,
                "questions",
            ),
            result("longest that a question took meanwhile", reader.longest_ms, "ms"),
            result("bytes of raw for a message", size_bytes / messages, "B"),
            result(
                "messages in the table of all stored", store.counted(), "messages", limit=messages
            ),
        ]
        return document("rebuild", messages, machine(on.settings.admin_url, on.folder), results)


class Reader:
    """Asks for the busy customer's newest page, as the app does, for the time of the block."""

    def __init__(self, settings: Settings) -> None:
        self.asked = self.failed = 0
        self.longest_ms = 0.0
        self._settings = settings
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _read(self) -> None:
        asked_for = {
            "customer_id": BUSY,
            "from_key": FIRST,
            "before_key": BEHIND_ALL,
            "most": PAGE_SIZE,
        }
        with psycopg.connect(self._settings.url_for(Role.APP), autocommit=True) as database:
            while not self._stop.wait(READER_SECONDS):
                self.asked += 1
                started = time.perf_counter()
                try:
                    # A page that is empty, or not full, is as bad as none.
                    rows = database.execute(PAGE, asked_for).fetchall()
                    self.failed += not rows
                except psycopg.Error:
                    self.failed += 1
                self.longest_ms = max(self.longest_ms, (time.perf_counter() - started) * 1000)


def _plain(settings: Settings) -> float:
    """Seconds to write the finished rows into a table with the same indexes."""
    with psycopg.connect(settings.url_for(Role.ADMIN), autocommit=True) as admin:
        admin.execute(SQL["make_plain"])
        row = admin.execute(SQL["now"]).fetchone()
        admin.execute(SQL["write_plain"])
        later = admin.execute(SQL["now"]).fetchone()
        admin.execute(SQL["drop"])
    assert row is not None
    assert later is not None
    return float((later[0] - row[0]).total_seconds())


def _raw(settings: Settings) -> tuple[int, int]:
    """Rows in raw, of both doors, and their bytes without indexes."""
    with psycopg.connect(settings.url_for(Role.ADMIN), autocommit=True) as admin:
        row = admin.execute(SQL["count_raw"]).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])
