"""Idle: processor of all programs together while nothing arrives, and while one message a second does.

    ./crm bench idle

The programs that `./crm up` keeps, on so many stored messages, with a browser open on a timeline; the browser itself is
not counted.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.figures import document, result
from benchmarks.kept import stored
from benchmarks.landing import Sender, start_receiver
from benchmarks.machine import machine
from benchmarks.open_page import OpenPage
from benchmarks.processor import cpu_seconds_of_trees
from benchmarks.storing import TRIAL_MESSAGES
from operations.runtime.ports import free_port
from warehouse.queries import parse
from warehouse.settings import Settings

SQL = parse((Path(__file__).parent / "live.sql").read_text())
DEFAULT_MESSAGES = 100_000
BUSY_MESSAGES = 10_000
BUSY_NUMBER = "+61491570006"
SECONDS = 60
#: After the start, and after the page was opened.
SETTLE_SECONDS = 10


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """What `./crm bench --json` prints. `settings` is not used: the warehouse is a throw-away one."""
    messages = scale or DEFAULT_MESSAGES
    seconds = SECONDS if messages >= TRIAL_MESSAGES else SECONDS // 10
    with stored(messages, min(BUSY_MESSAGES, messages // 2)) as (on, _):
        with psycopg.connect(on.settings.admin_url, autocommit=True) as admin:
            admin.execute(SQL["add_user"], {"user_name": "benchmark"})
        on.start("transform")
        on.start("worker")
        receiver = start_receiver(on)
        port = free_port()
        on.start("app", "--port", str(port), ready_url=f"http://127.0.0.1:{port}/_stcore/health")
        programs = on.programs()
        # A process of its own, which is not counted.
        sender = Sender(on, first=1_000_000_000_000)
        with OpenPage(on.settings, port, "benchmark"):
            sender.send(receiver, do="steady", posts=2, per_second=1.0, sender=BUSY_NUMBER, over=1)
            time.sleep(SETTLE_SECONDS)
            idle = _shares(programs, seconds)
            sending = threading.Thread(
                target=sender.send,
                args=(receiver,),
                kwargs={
                    "do": "steady", "posts": seconds + 1, "per_second": 1.0, "sender": BUSY_NUMBER, "over": 1,
                },
            )  # fmt: skip
            sending.start()
            busy = _shares(programs, seconds)
            sending.join()
        results = [
            result(
                f"of one core, all programs together, nothing arriving for {seconds} s",
                sum(idle.values()) * 100,
                "%",
                goal="≤ 3 %",
            ),
            result(
                f"of one core, all programs together, one message a second for {seconds} s",
                sum(busy.values()) * 100,
                "%",
                goal="≤ 8 %",
            ),
            *(
                result(f"of these, {name}", share * 100, "%", limit=idle[name] * 100 or None)
                for name, share in busy.items()
            ),
        ]
        return document("idle", messages, machine(on.settings.admin_url, on.folder), results)


def _shares(programs: dict[str, int], seconds: int) -> dict[str, float]:
    """Which share of one core each program, with all that it started, takes over so many seconds."""

    def spent() -> dict[str, float]:
        return {name: cpu_seconds_of_trees([pid]) for name, pid in programs.items()}

    before, started = spent(), time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - started
    return {name: (after - before[name]) / took for name, after in spent().items()}
