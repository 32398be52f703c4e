"""The log of who saw what: checking it against its seals, sealing it, and what an event costs who looks.

    ./crm bench audit --scale 1000000

`--scale` is the number of events. They are sealed, and then checked as `./crm audit verify` does. Then twenty people
look at something at once, as pages do, half of the looks with their event and half without: what an event adds is the
difference at the end of a look, where it is sent along with the commit. Once each looks twice a second, which is more
than anybody at work does, and once as fast as the machine can, where what is measured is the queue for its cores.
"""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.figures import document, percentile, result
from benchmarks.machine import machine
from benchmarks.storing import TRIAL_MESSAGES
from benchmarks.throwaway import throwaway
from warehouse import audit
from warehouse.events import Event, record
from warehouse.queries import parse
from warehouse.settings import Role, Settings

SQL = parse((Path(__file__).parent / "audit.sql").read_text())
DEFAULT_EVENTS = 1_000_000
PEOPLE = 20
LOOKS, TRIAL_LOOKS = 200, 10
#: How people look: the longest pause between two looks, in seconds.
PACES = {"twice a second each": 1.0, "without a pause to speak of": 0.05}


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """What `./crm bench --json` prints. `settings` is not used: the warehouse is a throw-away one."""
    events = scale or DEFAULT_EVENTS
    with throwaway() as on:
        with psycopg.connect(on.settings.admin_url, autocommit=True) as owner:
            owner.execute(SQL["make_events"], {"events": events})
            owner.execute(SQL["gather_statistics"])
        looks = LOOKS if events >= TRIAL_MESSAGES else TRIAL_LOOKS
        results = [
            *_proof(on.settings),
            *(row for pace in PACES for row in _looks(on.settings, pace, looks)),
        ]
        return document("audit", events, machine(on.settings.admin_url, on.folder), results)


def _proof(settings: Settings) -> list[dict[str, Any]]:
    """Sealing all of them, as a warehouse does once that never sealed, and checking them."""
    with psycopg.connect(settings.url_for(Role.LOADER)) as loader:
        started = time.perf_counter()
        sealed = audit.seal(loader, settings)
        sealing = time.perf_counter() - started
    with psycopg.connect(settings.url_for(Role.APP)) as app:
        started = time.perf_counter()
        found = audit.verify(app, audit.heads_file(settings))
        checking = time.perf_counter() - started
    if found.fault is not None:
        raise RuntimeError(f"a log that nobody changed: {found.fault.sentence}")
    return [
        result("events that were checked", found.events, "events", limit=sealed),
        result("checking them against seals and heads", checking, "s", goal="60 s"),
        result("sealing all of them at once", sealing, "s"),
    ]


def _looks(settings: Settings, pace: str, looks: int) -> list[dict[str, Any]]:
    times: dict[bool, list[float]] = {True: [], False: []}
    looking = [
        threading.Thread(target=_person, args=(settings, number, looks, PACES[pace], times))
        for number in range(PEOPLE)
    ]
    for each in looking:
        each.start()
    for each in looking:
        each.join()
    noted, plain = (percentile(times[kind], 0.95) for kind in (True, False))
    added = max(0.0, noted - plain)
    return [
        result(f"an event, p95 of {PEOPLE} people at once, {pace}", added, "ms", goal="5 ms"),
        result(f"the end of a look with its event, p95, {pace}", noted, "ms", limit=plain or None),
        result(f"the same, median, {pace}", percentile(times[True], 0.5), "ms",
               limit=percentile(times[False], 0.5) or None),
    ]  # fmt: skip


def _person(
    settings: Settings, number: int, looks: int, longest: float, times: dict[bool, list[float]]
) -> None:
    """Looks at something again and again; each look ends as `app.reading` ends it."""
    chance = random.Random(number)
    told = Event(
        actor=f"person{number}", role="agent", action="timeline.view", object_type="customer",
        object_id="c", customer_ids=["c"], session_id=f"s{number}", ip="203.0.113.7",
    )  # fmt: skip
    with psycopg.connect(settings.url_for(Role.APP), autocommit=False) as app:
        for _ in range(looks):
            app.execute(SQL["look"]).fetchall()
            is_noted = chance.random() < 0.5
            started = time.perf_counter()
            with app.pipeline():
                if is_noted:
                    record(app, told)
                app.execute("commit", prepare=False)
            times[is_noted].append((time.perf_counter() - started) * 1000)
            time.sleep(chance.uniform(0.0, longest))
