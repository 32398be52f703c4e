"""Linking: from the decision to the open timeline of a customer with 100,000 messages, with no message written.

    ./crm bench linking --scale 100000

Fold and app run as they do in use, and a browser stands on the busy customer's timeline. Strangers who wrote once are
linked to the customer one by one; then the identity that has most of the messages is taken away and given back. Of the
tables that hold correspondence PostgreSQL's own counters must not have moved meanwhile.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.figures import document, percentile, result
from benchmarks.live import SQL as LIVE_SQL
from benchmarks.machine import machine
from benchmarks.open_page import OpenPage
from benchmarks.storing import (
    ACCOUNT_SID,
    BUSY,
    OUR_NUMBER,
    SMS_CONNECTION,
    TRIAL_MESSAGES,
    Store,
)
from benchmarks.throwaway import throwaway
from operations.runtime.ports import free_port
from transform.resident import take_in
from warehouse import decisions
from warehouse.events import Actor
from warehouse.queries import parse
from warehouse.settings import Role, Settings

SQL = parse((Path(__file__).parent / "linking.sql").read_text())
DEFAULT_MESSAGES = 100_000
STRANGERS, TURNS = 40, 10
PATIENCE_SECONDS = 30.0
#: Each decision is looked at for itself: the page has come to rest before the next one.
PAUSE_SECONDS = 0.5
#: A session tells its counters at most so long after its last statement.
STATISTICS_SECONDS = 12.0
ACTOR = Actor(name="benchmark", role="admin")


class NeverSeen(Exception):
    """A decision did not come to the page."""


class Rewritten(Exception):
    """A decision wrote rows of messages: the figures mean nothing."""


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """What `./crm bench --json` prints. `settings` is not used: the warehouse is a throw-away one.

    Raises:
        NeverSeen: a decision did not come to the page.
        Rewritten: canonical rows were written.
    """
    messages = scale or DEFAULT_MESSAGES
    share = 1.0 if messages >= TRIAL_MESSAGES else 0.1
    strangers, turns = int(STRANGERS * share), max(int(TURNS * share), 1)
    with throwaway() as on:
        store = Store(on.settings, messages, messages)
        store.prepare()
        store.fill()
        # The program that folds makes the models first, from all that it finds stored.
        on.start("transform")
        take_in(on.settings, timeout_seconds=120 + messages / 500)
        store.analyze()
        with psycopg.connect(on.settings.admin_url, autocommit=True) as admin:
            admin.execute(LIVE_SQL["add_user"], {"user_name": "benchmark"})
            admin.execute(
                SQL["add_strangers"],
                {
                    "connection": SMS_CONNECTION, "account_sid": ACCOUNT_SID, "our_number": OUR_NUMBER,
                    "strangers": strangers,
                },
            )  # fmt: skip
        take_in(on.settings)
        port = free_port()
        on.start("app", "--port", str(port), ready_url=f"http://127.0.0.1:{port}/_stcore/health")
        with psycopg.connect(on.settings.admin_url, autocommit=True) as admin:
            written = _written(admin)
            with OpenPage(on.settings, port, "benchmark") as page:
                links = _links(on.settings, admin, page)
                moves = _moves(on.settings, admin, page, turns)
            rows = _written(admin) - written
            ((size,),) = admin.execute(
                "select count(*) from marts.timeline where customer_id = %s", [BUSY]
            ).fetchall()
        if rows:
            raise Rewritten(f"{rows} rows of correspondence were written by decisions")
        results = [
            result("messages on the open timeline", size, "messages"),
            *_results("one more identity", links),
            *_results("the identity with most of the messages, given back", moves),
            result("rows of correspondence that the decisions wrote", rows, "rows", goal="0"),
        ]
        return document("linking", messages, machine(on.settings.admin_url, on.folder), results)


def _links(settings: Settings, admin: psycopg.Connection[Any], page: OpenPage) -> list[float]:
    """Milliseconds from each decision to the message of the stranger on the page."""
    found = admin.execute(SQL["strangers"]).fetchall()
    times = []
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as database:
        for identity, message_id in found:
            began = time.time()
            decisions.link(database, ACTOR, identity, BUSY, reason="told us")
            times.append(_seen(page, message_id, began))
    return times


def _moves(
    settings: Settings, admin: psycopg.Connection[Any], page: OpenPage, turns: int
) -> list[float]:
    ((identity, _, newest),) = admin.execute(
        SQL["largest_identity"], {"customer_id": BUSY}
    ).fetchall()
    times = []
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as database:
        for _ in range(turns):
            decisions.unlink(database, ACTOR, identity, reason="somebody else's")
            page.wait_until_gone(newest, PATIENCE_SECONDS)
            page.forget()
            began = time.time()
            decisions.link(database, ACTOR, identity, BUSY, reason="theirs after all")
            times.append(_seen(page, newest, began))
    return times


def _seen(page: OpenPage, message_id: str, began: float) -> float:
    painted = page.wait_for([message_id], PATIENCE_SECONDS)
    if message_id not in painted:
        raise NeverSeen(f"{message_id} did not come to the page")
    time.sleep(PAUSE_SECONDS)
    return (painted[message_id] - began) * 1000


def _written(admin: psycopg.Connection[Any]) -> int:
    admin.execute(SQL["told_statistics"])
    time.sleep(STATISTICS_SECONDS)
    ((rows,),) = admin.execute(SQL["written"]).fetchall()
    return int(rows)


def _results(what: str, times: list[float]) -> list[dict[str, Any]]:
    return [
        result(
            f"decision to painted, {what}, p{share * 100:.0f} of {len(times)}",
            percentile(times, share),
            "ms",
            goal="≤ 1,000" if share == 0.95 else None,
        )
        for share in (0.5, 0.95)
    ]
