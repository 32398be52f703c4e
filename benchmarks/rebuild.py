"""Rebuild: everything dbt owns, dropped and built again from raw, and the hashes before and after, which must be equal.

    ./crm bench rebuild --scale 1000000

The messages are the mixture of benchmarks.storing, over six channels and both doors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

from benchmarks.figures import document, result
from benchmarks.machine import machine
from benchmarks.storing import Store
from benchmarks.throwaway import throwaway
from pipelines import refresh
from pipelines.rebuild import rebuild
from warehouse.queries import parse
from warehouse.settings import Role, Settings

SQL = parse((Path(__file__).parent / "rebuild.sql").read_text())
DEFAULT_MESSAGES = 100_000
BUSY_MESSAGES = 10_000


class Unequal(Exception):
    """What raw gives is not what the tables held: the figures mean nothing."""


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """The document of interface.md. `settings` is not used: the warehouse is a throw-away one.

    Raises:
        Unequal: the rebuilt table differs, or holds other messages than were stored.
    """
    messages = scale or DEFAULT_MESSAGES
    with throwaway() as on:
        store = Store(on.settings, messages, min(BUSY_MESSAGES, messages // 10))
        store.prepare()
        models = refresh.Models(on.settings)
        store.fill(messages)
        store.analyze()
        with refresh.connect(on.settings) as database:
            first = refresh.refresh(models, database)
            rebuilt = rebuild(models, database)
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
            result("seconds of the first refresh, which takes in the same", first, "s"),
            result("bytes of raw for a message", size_bytes / messages, "B"),
            result(
                "messages in the table of all stored", store.counted(), "messages", limit=messages
            ),
        ]
        return document("rebuild", messages, machine(on.settings.admin_url, on.folder), results)


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
