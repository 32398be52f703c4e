"""Fold: what landed brought into the tables, 1,000 messages at 100,000 stored ones and at `scale`, 100, and one.

    ./crm bench fold --scale 1000000

A session that folds as the resident process has one (transform.fold), its statements prepared. The new messages are
the mixture of benchmarks.storing, one of a hundred the busy customer's.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.figures import document, median, result
from benchmarks.machine import machine
from benchmarks.processor import cpu_seconds
from benchmarks.storing import TRIAL_MESSAGES, Store
from benchmarks.throwaway import throwaway
from transform import fold
from transform.build import build
from transform.models import Models
from warehouse.queries import parse
from warehouse.settings import Role, Settings

SQL = parse((Path(__file__).parent / "fold.sql").read_text())
DEFAULT_MESSAGES = 300_000
COMPARED_MESSAGES = 100_000
BUSY_MESSAGES = 10_000
#: Many at once, some, and one: so many messages in a fold, and so many folds.
MANY, SOME, ONE = 1_000, 100, 1
FOLDS = {MANY: 7, SOME: 11, ONE: 100}
#: One of so many new messages is the busy customer's.
BUSY_EVERY = 100
WARM_UP_FOLDS = 2


class Miscounted(Exception):
    """A fold took in other messages than were new: the figures mean nothing."""


@dataclass
class Measured:
    """Folds of so many new messages each."""

    new: int
    #: Of each: seconds, and those of a plain insert of the same rows.
    seconds: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    #: Seconds of processor of all together, of the session's server process and of the one that folds.
    cpu: float = 0.0


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """What `./crm bench --json` prints. `settings` is not used: the warehouse is a throw-away one.

    Raises:
        Miscounted: a fold took in too few or too many.
    """
    messages = scale or DEFAULT_MESSAGES
    # A run for 100,000 or fewer compares with a third of itself.
    smaller = COMPARED_MESSAGES if messages > COMPARED_MESSAGES else max(1, messages // 3)
    is_trial = messages < TRIAL_MESSAGES
    with throwaway() as on:
        store = Store(on.settings, smaller, min(BUSY_MESSAGES, smaller // 10))
        store.prepare()
        models = Models(on.settings, "next")
        measured = []
        for size in (smaller, messages):
            # The busy customer has the same messages at both sizes.
            store.fill(size)
            with psycopg.connect(on.settings.url_for(Role.ADMIN), autocommit=True) as admin:
                admin.execute(SQL["forget_what_stands"])
            build(on.settings, models, compare=False)
            store.analyze()
            measured.append(_folds(on.settings, store, size, is_trial=is_trial))
        results = [*_results(smaller, messages, *measured), _all_counted(store)]
        return document("fold", messages, machine(on.settings.admin_url, on.folder), results)


def _folds(settings: Settings, store: Store, size: int, *, is_trial: bool) -> dict[int, Measured]:
    """Folds of each kind, by how many messages they take in at most."""
    found = {}
    with (
        fold.connect(settings) as database,
        psycopg.connect(settings.url_for(Role.ADMIN), autocommit=True) as admin,
    ):
        standing = fold.standing(database)
        assert standing is not None
        folding = fold.Fold(database, standing[1])
        admin.execute(SQL["make_plain"])
        admin.execute(SQL["make_fresh"])
        for most, folds in FOLDS.items():
            new = min(most, max(1, size // 10))
            for _ in range(WARM_UP_FOLDS):
                store.add(new, busy_every=BUSY_EVERY)
                folding.until_done()
            found[most] = Measured(new)
            for _ in range(2 if is_trial else folds):
                store.add(new, busy_every=BUSY_EVERY)
                _measure(found[most], folding, admin)
        admin.execute(SQL["drop"])
    return found


def _measure(measured: Measured, folding: fold.Fold, admin: psycopg.Connection[Any]) -> None:
    server = folding.database.info.backend_pid
    before = cpu_seconds(server), time.process_time()
    started = time.perf_counter()
    done = folding.once()
    measured.seconds.append(time.perf_counter() - started)
    measured.cpu += cpu_seconds(server) - before[0] + time.process_time() - before[1]
    admin.execute(SQL["choose_fresh"], {"fold": done.fold if done else None})
    row = admin.execute(SQL["count_fresh"]).fetchone()
    if row is None or row[0] != measured.new:
        raise Miscounted(f"a fold took in {row and row[0]} of {measured.new} new messages")
    started = time.perf_counter()
    admin.execute(SQL["write_plain"])
    measured.plain.append(time.perf_counter() - started)
    admin.execute(SQL["empty"])


def _results(
    smaller: int, larger: int, few: dict[int, Measured], full: dict[int, Measured]
) -> list[dict[str, Any]]:
    one = full[ONE]
    return [
        *(
            result(
                f"{measured.new} new at {size} stored, median of {len(measured.seconds)} folds"
                " (limit: a plain insert of the same rows)",
                median(measured.seconds),
                "s",
                limit=median(measured.plain),
            )
            for size, found in ((smaller, few), (larger, full))
            for measured in found.values()
        ),
        result(
            f"a fold of {full[MANY].new} at {larger} against one at {smaller}",
            median(full[MANY].seconds),
            "s",
            limit=median(few[MANY].seconds),
            goal="ratio ≤ 1.3",
        ),
        result(
            # A clock that ticks a hundred times a second measures many together.
            f"processor for one new message at {larger}, {len(one.seconds)} folds together, each",
            one.cpu / len(one.seconds) * 1000,
            "ms",
            goal="≤ 60 ms",
        ),
    ]


def _all_counted(store: Store) -> dict[str, Any]:
    """Every message that was stored is in the table."""
    counted = store.counted()
    if counted != store.last:
        raise Miscounted(f"the table holds {counted} of {store.last} messages")
    return result("messages in the table of all stored", counted, "messages", limit=store.last)
