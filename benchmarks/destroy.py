"""Destroy: what is due of a retention class goes from everything, while webhooks arrive at fifty a second.

    ./crm bench destroy --scale 100000

Of so many stored messages of all six channels a tenth is due: a class keeps nine tenths of the year over which they are
spread. Receiver and fold run as they do in use; a second connection asks marts.timeline for what was just posted.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.figures import document, percentile, result
from benchmarks.landing import Sender, Target, start_receiver
from benchmarks.live import BUSY_PER_SECOND, PER_SECOND, until_row
from benchmarks.machine import machine
from benchmarks.storing import Store
from benchmarks.throwaway import Throwaway, throwaway
from privacy import retention
from privacy.destruction import destroying
from transform.resident import take_in
from warehouse import decisions
from warehouse.decisions.retaining import preview_retention
from warehouse.events import Actor
from warehouse.queries import parse
from warehouse.settings import Role, Settings

SQL = parse((Path(__file__).parent / "destroy.sql").read_text())
DEFAULT_MESSAGES = 100_000
#: Posts between two looks whether the destruction is done.
POSTS = 100
WRITER, APPROVER, APPLIER = (
    Actor(name=name, role="privacy_officer") for name in ("writer", "approver", "applier")
)


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """What `./crm bench --json` prints. `settings` is not used: the warehouse is a throw-away one."""
    messages = scale or DEFAULT_MESSAGES
    with throwaway() as on:
        store = Store(on.settings, messages, max(1, messages // 50))
        store.prepare()
        store.fill()
        on.start("transform")
        take_in(on.settings, timeout_seconds=120 + messages / 500)
        store.analyze()
        figures = measured(on)
        return document("destroy", messages, machine(on.settings.admin_url, on.folder), figures)


def measured(on: Throwaway) -> list[dict[str, Any]]:
    """The figures on a warehouse that holds and folds."""
    with psycopg.connect(on.settings.url_for(Role.APP), autocommit=True) as app:
        decisions.set_class(
            app, WRITER, "messages", covers="messages", keep="328 days", basis="a benchmark",
            reason="a tenth of what is stored is due",
        )  # fmt: skip
        decisions.approve_class(app, APPROVER, "messages")
    with destroying(on.settings) as database:
        (due,) = (each for each in preview_retention(database) if each.class_id == "messages")
    receiver = start_receiver(on)
    sender = Sender(on, first=1_000_000_000_000)
    sender.send(receiver, do="steady", posts=5, per_second=PER_SECOND, over=2)
    posting = Posting(on, sender, receiver)
    started = time.monotonic()
    certificates = retention.apply(on.settings, APPLIER, "messages")
    seconds = time.monotonic() - started
    posting.finish()
    with psycopg.connect(on.settings.admin_url) as owner:
        (fold,) = owner.execute(SQL["longest_fold"], {"seconds": seconds + 1}).fetchone() or (0,)
    gone = sum(each.counts["messages"] for each in certificates)
    return [
        result("due", due.due, "messages"),
        result("of so many people", due.people, "people"),
        result("destroyed", gone, "messages"),
        result("from everything, with certificates", seconds, "s", goal="≤ 120 s for 10,000"),
        result("destroyed a second", gone / seconds, "messages/s"),
        result("POST to row meanwhile, p95", percentile(posting.rows, 0.95), "ms"),
        result("POST to row meanwhile, the slowest", max(posting.rows), "ms", goal="≤ 2000 ms"),
        result("the longest fold meanwhile", float(fold) * 1000, "ms"),
        result(
            "POST to the durable answer meanwhile, p95", percentile(posting.answers, 0.95), "ms"
        ),
    ]


@dataclass
class Posting:
    """Posts at fifty a second until it is told to finish, and notes how long each takes to be seen."""

    on: Throwaway
    sender: Sender
    receiver: Target
    rows: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    failure: BaseException | None = None

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._post, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """
        Raises:
            NeverSeen: something that was answered 2xx did not become visible.
        """
        self._stop.set()
        self._thread.join()
        if self.failure is not None:
            raise self.failure

    def _post(self) -> None:
        try:
            while not self._stop.is_set() or not self.rows:
                rows, answers = until_row(
                    self.on, self.sender, self.receiver, BUSY_PER_SECOND, posts=POSTS
                )
                self.rows += rows
                self.answers += answers
        except BaseException as failure:
            self.failure = failure
