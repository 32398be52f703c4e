"""Live: from the POST of a message to its row in marts.timeline, and to an open browser page.

    ./crm bench live --scale 1000000

Receiver, fold and app run as they do in use, on so many stored messages. Ten signed posts a
second, then fifty; a second connection asks marts.timeline for the messages that it has not seen yet, over and over.
Then a browser stands on the busy customer's timeline, and the page itself notes when each message is painted.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.figures import document, percentile, result
from benchmarks.kept import stored
from benchmarks.landing import Sender, Target, start_receiver
from benchmarks.machine import machine
from benchmarks.open_page import OpenPage
from benchmarks.sender import message_id
from benchmarks.storing import TRIAL_MESSAGES, Store
from benchmarks.throwaway import Throwaway
from operations.runtime.ports import free_port
from transform.resident import take_in
from warehouse.queries import parse
from warehouse.settings import Role, Settings

SQL = parse((Path(__file__).parent / "live.sql").read_text())
DEFAULT_MESSAGES = 100_000
BUSY_MESSAGES = 10_000
BUSY_NUMBER = "+61491570006"
PER_SECOND = 10.0
BUSY_PER_SECOND = 50.0
POSTS = 300
#: The server closes one that idles for five seconds.
CONNECTIONS = 2
#: A page shows the newest messages only, so there are fewer and slower ones than a page holds.
PAGE_PER_SECOND = 1.0
PAGE_POSTS = 30
PATIENCE_SECONDS = 30.0
POLL_PAUSE_SECONDS = 0.002


class NeverSeen(Exception):
    """A message that was answered 2xx did not become visible."""


@dataclass
class Watcher:
    """Notes when each message is first seen in marts.timeline, on a connection of its own."""

    settings: Settings
    awaited: list[str]
    seen: dict[str, float] = field(default_factory=dict)
    failure: BaseException | None = None

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def finish(self) -> dict[str, float]:
        """When each was seen, by time.perf_counter.

        Raises:
            NeverSeen: one was not within PATIENCE_SECONDS.
        """
        self._thread.join(PATIENCE_SECONDS)
        self._stop.set()
        self._thread.join()
        if self.failure is not None:
            raise self.failure
        if len(self.seen) < len(self.awaited):
            raise NeverSeen(f"{len(self.seen)} of {len(self.awaited)} messages became visible")
        return self.seen

    def _watch(self) -> None:
        waiting = list(self.awaited)
        try:
            with psycopg.connect(self.settings.url_for(Role.ANALYST), autocommit=True) as database:
                while waiting and not self._stop.is_set():
                    # They come in order: the first few that are missing are the ones to look for.
                    found = database.execute(
                        SQL["visible"], {"message_ids": waiting[:50]}
                    ).fetchall()
                    now = time.perf_counter()
                    self.seen.update({row[0]: now for row in found})
                    waiting = [one for one in waiting if one not in self.seen]
                    time.sleep(POLL_PAUSE_SECONDS)
        except psycopg.Error as fault:
            self.failure = fault


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """What `./crm bench --json` prints. `settings` is not used: the warehouse is a throw-away one.

    Raises:
        NeverSeen: a message was answered 2xx and did not become visible.
    """
    messages = scale or DEFAULT_MESSAGES
    share = 1.0 if messages >= TRIAL_MESSAGES else 0.1
    with stored(messages, min(BUSY_MESSAGES, messages // 2)) as (on, store):
        on.start("transform")
        _wait_for_models(on, messages, store)
        receiver = start_receiver(on)
        sender = Sender(on, first=1_000_000_000_000)
        sender.send(receiver, do="steady", posts=5, per_second=PER_SECOND, over=CONNECTIONS)
        rows, answers = until_row(on, sender, receiver, PER_SECOND, posts=int(POSTS * share))
        many, many_answers = until_row(
            on, sender, receiver, BUSY_PER_SECOND, posts=int(POSTS * 5 * share)
        )
        pages = _until_page(on, sender, receiver, posts=int(PAGE_POSTS * share))
        results = [
            *_results("row in marts.timeline, 10/s", rows, answers, goal="≤ 150 ms"),
            *_results("row in marts.timeline, 50/s", many, many_answers, goal="≤ 400 ms"),
            *_results("painted in an open page", pages, answers, goal="≤ 1000 ms"),
        ]
        return document("live", messages, machine(on.settings.admin_url, on.folder), results)


def until_row(
    on: Throwaway, sender: Sender, receiver: Target, per_second: float, *, posts: int
) -> tuple[list[float], list[float]]:
    """Milliseconds until the row, and until the answer that says it is durable."""
    first = sender.next_number
    watcher = Watcher(on.settings, [message_id(first + index) for index in range(posts)])
    answer = sender.send(
        receiver,
        do="steady",
        posts=posts,
        per_second=per_second,
        sender=BUSY_NUMBER,
        over=CONNECTIONS,
    )
    seen = watcher.finish()
    due = {
        message_id(first + index): answer["started"] + index / per_second for index in range(posts)
    }
    return [(seen[one] - due[one]) * 1000 for one in due], answer["latencies_ms"]


def _until_page(on: Throwaway, sender: Sender, receiver: Target, *, posts: int) -> list[float]:
    """Milliseconds until each message is painted on a page that was open before it came."""
    with psycopg.connect(on.settings.admin_url, autocommit=True) as admin:
        admin.execute(SQL["add_user"], {"user_name": "benchmark"})
    port = free_port()
    on.start("app", "--port", str(port), ready_url=f"http://127.0.0.1:{port}/_stcore/health")
    with OpenPage(on.settings, port, "benchmark") as page:
        first = sender.next_number
        answer = sender.send(
            receiver,
            do="steady",
            posts=posts,
            per_second=PAGE_PER_SECOND,
            sender=BUSY_NUMBER,
            over=CONNECTIONS,
        )
        awaited = [message_id(first + index) for index in range(posts)]
        painted = page.wait_for(awaited, PATIENCE_SECONDS)
    if len(painted) < posts:
        raise NeverSeen(f"{len(painted)} of {posts} messages came to the page")
    began = answer["started_at"]
    return [
        (painted[one] - began - index / PAGE_PER_SECOND) * 1000 for index, one in enumerate(awaited)
    ]


def _results(
    what: str, times: list[float], answers: list[float], *, goal: str
) -> list[dict[str, Any]]:
    """The limit is the answer to the POST: what is not durable yet may not be shown."""
    return [
        result(
            f"POST to {what}, p{share * 100:.0f} of {len(times)} (limit: to the durable answer)",
            percentile(times, share),
            "ms",
            limit=percentile(answers, share),
            goal=goal if share == 0.95 else None,
        )
        for share in (0.5, 0.95)
    ]


def _wait_for_models(on: Throwaway, messages: int, store: Store) -> None:
    take_in(on.settings, timeout_seconds=120 + messages / 500)
    counted = store.counted()
    if counted != messages:
        raise NeverSeen(f"{counted} of {messages} stored messages are in the table")
