"""Hours: a working day of fifty people, pressed together: what the app holds in memory over it, and behind it.

    ./crm bench hours --scale 20000                  eight hours of fifty people
    ./crm bench hours --people 50 --hours 2

What fills memory is what people do, not the time between: they do as much as in so many hours at one action
each 8 s (benchmarks/staff.py, the same mix), without the pauses, a few of them at once. Whoever has worked for half
an hour leaves and comes with a new page. 5 messages a second arrive meanwhile. Memory is looked at each quarter of
an hour of theirs; what counts is how far it goes above that of the first hour, in which caches fill. At the end
all leave, and five minutes later it is looked at once more.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

from benchmarks.figures import document, result
from benchmarks.kept import stored
from benchmarks.machine import machine
from benchmarks.processor import resident_mb
from benchmarks.staff import BUSY_MESSAGES, DEFAULT_PEOPLE, THINK_SECONDS, Stage
from benchmarks.storing import TRIAL_MESSAGES
from warehouse.settings import Settings

DEFAULT_MESSAGES = 20_000
HOURS = 8.0
#: In a run that only tries it out.
TRIAL_HOURS = 0.04
#: Actions at a time: on two cores more would only wait.
AT_ONCE = 4
STAY_HOURS = 0.5
ARRIVING_PER_SECOND = 5.0
ARRIVING_AT_A_TIME_SECONDS = 4
#: Until a page that was left is gone.
GONE_SECONDS = 300.0


def run(
    settings: Settings | None,
    scale: int | None,
    people: int | None = None,
    app_processes: int | None = None,
    hours: float | None = None,
) -> dict[str, Any]:
    """What `./crm bench --json` prints. `settings` is not used: the warehouse is a throw-away one."""
    messages, crowd = scale or DEFAULT_MESSAGES, people or DEFAULT_PEOPLE
    is_trial = messages < TRIAL_MESSAGES
    long = hours or (TRIAL_HOURS if is_trial else HOURS)
    with stored(messages, min(BUSY_MESSAGES, messages // 2)) as (on, _):
        on.start("transform")
        stage = Stage(on, crowd, app_processes)
        fresh = resident_mb(stage.app.pid)
        began = time.monotonic()
        held, notes = _day(stage, crowd, long)
        took = time.monotonic() - began
        time.sleep(1.0 if is_trial else GONE_SECONDS)
        behind = resident_mb(stage.app.pid)
        results = [
            result("before anybody came", fresh, "MB"),
            *_memory(held, _part(long)),
            result(f"{GONE_SECONDS / 60:.0f} minutes after the last left", behind, "MB"),
            result("done", float(sum(len(each) for each in notes["actions"].values())), "actions"),
            result("took", took, "s"),
            result("lost sessions", float(sum(notes["lost"].values())), "sessions", goal="0"),
        ]
        return document("hours", messages, machine(on.settings.admin_url, on.folder), results)


def _part(hours: float) -> float:
    """Memory is looked at each quarter of an hour; of less than an hour, four times."""
    return 0.25 if hours > 1 else hours / 4


def _memory(held: list[float], part: float) -> list[dict[str, Any]]:
    """MB hour by hour, and how far it went above the first hour's.

    Args:
        held: MB at the end of each part of the day, of so many hours.
    """
    rows = [
        result(f"after {number * part:.3g} hours", mb, "MB")
        for number, mb in enumerate(held, 1)
        if number % 4 == 0
    ]
    first, later = max(held[:4]), held[4:]
    if later:
        above = (max(later) / first - 1) * 100
        what = "the most later, above the most of the first hour"
        rows.append(result(what, above, "%", goal="≤ 10 %"))
    return rows


def _day(stage: Stage, people: int, hours: float) -> tuple[list[float], dict[str, Any]]:
    """Memory at the end of each part of it (`_part`), and the people's notes."""
    an_hour = people * 3600 / THINK_SECONDS
    each = max(1, round(an_hour * _part(hours)))
    crowd = stage.on.converse("benchmarks.staff_people")
    assert crowd.stdin is not None
    assert crowd.stdout is not None
    order = {
        "port": stage.port,
        "cookies": stage.cookies,
        "idle_cookies": [],
        "customers": list(stage.phones)[:40],
        "open_customers": list(stage.phones)[:40],
        "seed": people,
        "pressed": {
            "actions": each * round(hours / _part(hours)),
            "at_once": AT_ONCE,
            "stay": max(1, round(STAY_HOURS * 3600 / THINK_SECONDS)),
            "say_each": each,
        },
    }
    crowd.stdin.write(json.dumps(order) + "\n")
    crowd.stdin.flush()
    over = threading.Event()
    arriving = threading.Thread(target=_arrive, args=(stage, over))
    arriving.start()
    held, notes = [], None
    for line in crowd.stdout:
        said = json.loads(line)
        if "done" in said:
            held.append(resident_mb(stage.app.pid))
            # Who waits for hours sees how it goes.
            print(f"{said['done']:,} actions: {held[-1]:.0f} MB", file=sys.stderr, flush=True)
        elif "actions" in said:
            notes = said
            break
    over.set()
    arriving.join()
    assert notes is not None, "the people's process ended"
    stage.on.stop(crowd)
    return held, notes


def _arrive(stage: Stage, over: threading.Event) -> None:
    """Messages for whoever has their customers open, until it is over."""
    posts = round(ARRIVING_PER_SECOND * ARRIVING_AT_A_TIME_SECONDS)
    numbers = list(stage.phones.values())
    while not over.is_set():
        stage.senders[0].send(
            stage.receiver,
            do="steady",
            posts=posts,
            per_second=ARRIVING_PER_SECOND,
            sender=numbers,
            over=2,
        )
