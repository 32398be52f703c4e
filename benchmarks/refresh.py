"""Refresh: a warm dbt cycle that takes in 1,000 new messages, at 100,000 stored ones and at `scale`.

    ./crm bench refresh --scale 1000000

The resident process's own cycle (pipelines.refresh), with dbt's manifest parsed. The new messages are the
mixture of benchmarks.storing, one of a hundred the busy customer's, so that a long timeline is recounted in each cycle.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.figures import document, median, result
from benchmarks.machine import machine
from benchmarks.storing import TRIAL_MESSAGES, Store
from benchmarks.throwaway import throwaway
from pipelines import refresh
from warehouse.queries import parse
from warehouse.settings import Role, Settings

SQL = parse((Path(__file__).parent / "refresh.sql").read_text())
DEFAULT_MESSAGES = 300_000
COMPARED_MESSAGES = 100_000
BUSY_MESSAGES = 10_000
NEW = 1_000
#: One of so many new messages is the busy customer's, so that a long timeline is recounted.
BUSY_EVERY = 100
CYCLES = 7
WARM_UP_CYCLES = 2


class Miscounted(Exception):
    """A cycle took in other messages than were new: the figures mean nothing."""


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """The document of interface.md. `settings` is not used: the warehouse is a throw-away one.

    Raises:
        Miscounted: a cycle took in too few or too many.
    """
    messages = scale or DEFAULT_MESSAGES
    # A run for 100,000 or fewer compares with a third of itself.
    smaller = COMPARED_MESSAGES if messages > COMPARED_MESSAGES else max(1, messages // 3)
    new = min(NEW, max(1, smaller // 10))
    repeated = CYCLES if messages >= TRIAL_MESSAGES else 2
    cycles: dict[int, list[float]] = {}
    plain: dict[int, list[float]] = {}
    with throwaway() as on:
        store = Store(on.settings, smaller, min(BUSY_MESSAGES, smaller // 10))
        store.prepare()
        models = refresh.Models(on.settings)
        for size in (smaller, messages):
            # The busy customer has the same messages at both sizes.
            store.fill(size)
            with refresh.connect(on.settings) as database:
                refresh.refresh(models, database)
            store.analyze()
            cycles[size], plain[size] = _cycles(on.settings, models, store, new, repeated)
        results = [*_results(cycles, plain, new), _all_counted(store)]
        return document("refresh", messages, machine(on.settings.admin_url, on.folder), results)


def _cycles(
    settings: Settings, models: refresh.Models, store: Store, new: int, repeated: int
) -> tuple[list[float], list[float]]:
    """Seconds of each cycle, and of a plain insert of the same rows."""
    cycles, plain = [], []
    with (
        refresh.connect(settings) as database,
        psycopg.connect(settings.url_for(Role.ADMIN), autocommit=True) as admin,
    ):
        admin.execute(SQL["make_plain"])
        admin.execute(SQL["make_fresh"])
        for cycle in range(WARM_UP_CYCLES + repeated):
            store.add(new, busy_every=BUSY_EVERY)
            started = time.perf_counter()
            refresh.refresh(models, database)
            seconds = time.perf_counter() - started
            admin.execute(SQL["choose_fresh"])
            row = admin.execute(SQL["count_fresh"]).fetchone()
            if row is None or row[0] != new:
                raise Miscounted(f"a cycle took in {row and row[0]} of {new} new messages")
            started = time.perf_counter()
            admin.execute(SQL["write_plain"])
            if cycle >= WARM_UP_CYCLES:
                cycles.append(seconds)
                plain.append(time.perf_counter() - started)
            admin.execute(SQL["empty"])
        admin.execute(SQL["drop"])
    return cycles, plain


def _results(
    cycles: dict[int, list[float]], plain: dict[int, list[float]], new: int
) -> list[dict[str, Any]]:
    smaller, larger = min(cycles), max(cycles)
    return [
        *(
            result(
                f"{new} new messages at {size} stored, median of {len(seconds)} cycles"
                " (limit: a plain insert of the same rows)",
                median(seconds),
                "s",
                limit=median(plain[size]),
            )
            for size, seconds in cycles.items()
        ),
        result(
            f"a cycle at {larger} against one at {smaller}",
            median(cycles[larger]),
            "s",
            limit=median(cycles[smaller]),
            goal="ratio ≤ 1.5",
        ),
    ]


def _all_counted(store: Store) -> dict[str, Any]:
    """Every message that was stored is in the table."""
    counted = store.counted()
    if counted != store.last:
        raise Miscounted(f"the table holds {counted} of {store.last} messages")
    return result("messages in the table of all stored", counted, "messages", limit=store.last)
