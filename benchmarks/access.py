"""Access: everything of a customer with 10,000 messages written for them, and whom an account saw, from the log.

    ./crm bench access --scale 20000

`--scale` is the number of stored messages, up to 10,000 of them the customer's; the log holds fifty events for
each. What the export holds is counted against marts.timeline, and the answer about the account against a scan of all
events.
"""

from __future__ import annotations

import time
import zipfile
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.audit import SQL as EVENTS
from benchmarks.figures import document, result
from benchmarks.kept import stored
from benchmarks.machine import machine
from benchmarks.storing import BUSY
from benchmarks.throwaway import Throwaway
from privacy import access_export, breach
from warehouse.events import Actor
from warehouse.queries import parse
from warehouse.settings import Role, Settings

SQL = parse((Path(__file__).parent / "access.sql").read_text())
DEFAULT_MESSAGES = 20_000
BUSY_MESSAGES = 10_000
EVENTS_PER_MESSAGE = 50
WRITER = Actor(name="writer", role="privacy_officer")
#: One of the forty people whom the events are of, and the days for which is asked.
ACCOUNT = "person7"
DAYS = 5

Seen = dict[tuple[str | None, str | None, str | None], int]


class Wrong(Exception):
    """The export lacks something, or the answer is not what a scan says: the figures mean nothing."""


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """What `./crm bench --json` prints. `settings` is not used: the warehouse is a throw-away one.

    Raises:
        Wrong: the export is not complete, or the answer about the account is another than a scan's.
    """
    messages = scale or DEFAULT_MESSAGES
    with stored(messages, min(BUSY_MESSAGES, messages // 2)) as (on, _):
        with psycopg.connect(on.settings.admin_url, autocommit=True) as owner:
            owner.execute(EVENTS["make_events"], {"events": messages * EVENTS_PER_MESSAGE})
            owner.execute(EVENTS["gather_statistics"])
        figures = [*_export(on), *_seen(on)]
        return document("access", messages, machine(on.settings.admin_url, on.folder), figures)


def _export(on: Throwaway) -> list[dict[str, Any]]:
    out = on.folder / "access.zip"
    started = time.perf_counter()
    done = access_export.export(on.settings, WRITER, BUSY, out)
    seconds = time.perf_counter() - started
    with zipfile.ZipFile(out) as archive:
        written = archive.read("messages.json").count(b"\n")
        size = out.stat().st_size
    with psycopg.connect(on.settings.admin_url) as owner:
        row = owner.execute(SQL["held"], {"customer_id": BUSY}).fetchone()
    if row is None or not written == done.messages == row[0]:
        raise Wrong(f"{written} messages were written, and {row} are held")
    return [
        result("messages in the export, counted against marts", written, "messages", limit=row[0]),
        result("everything of one customer, as a ZIP", seconds, "s", goal="≤ 300 s for 10,000"),
        result("size of it", size / 1e6, "MB"),
    ]


def _seen(on: Throwaway) -> list[dict[str, Any]]:
    with psycopg.connect(on.settings.admin_url) as owner:
        events, middle = owner.execute(SQL["span"]).fetchone() or (0, datetime.min)
        since, until = middle - timedelta(days=DAYS / 2), middle + timedelta(days=DAYS / 2)
        with psycopg.connect(on.settings.url_for(Role.APP)) as app:
            started = time.perf_counter()
            found = breach.seen_by(app, ACCOUNT, since, until)
            seconds = time.perf_counter() - started
        started = time.perf_counter()
        with owner.cursor(name="every") as cursor:
            scanned = scan(cursor.execute(SQL["every"]), ACCOUNT, since, until)
        scanning = time.perf_counter() - started
    told: Seen = {
        (each["customer_id"], each["object_type"], each["object_id"]): each["times"]
        for each in found
    }
    if told != scanned or not told:
        raise Wrong(f"{len(told)} people were found, and a scan finds {len(scanned)}")
    return [
        result("events in the log", events, "events"),
        result("people whom the account saw, as a scan finds them", len(told), "people", limit=len(scanned)),
        result("whom the account saw", seconds, "s", limit=scanning, goal="≤ 5 s"),
    ]  # fmt: skip


def scan(events: Iterable[tuple[Any, ...]], account: str, since: datetime, until: datetime) -> Seen:
    """The same answer without an index and without SQL: every event looked at."""
    seen: Counter[tuple[str | None, str | None, str | None]] = Counter()
    for actor, at, object_type, object_id, customers in events:
        if actor != account or not since <= at < until:
            continue
        if customers:
            seen.update((each, None, None) for each in customers)
        elif object_type in ("identity", "message", "conversation", "attachment", "mail"):
            seen[None, object_type, object_id] += 1
    return dict(seen)
