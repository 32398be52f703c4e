"""Backfill: a history from the provider's JSON pages into canonical rows, and the memory that it takes.

    ./crm bench backfill --scale 100000

The pages come from a process of their own (benchmarks.history_pages), so that only our side is measured:
`pipelines.pull` as the worker runs it, through dlt into raw, and beside it the resident process that folds.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.figures import document, result
from benchmarks.history_pages import ACCOUNT_SID, AUTH_TOKEN
from benchmarks.machine import machine
from benchmarks.throwaway import Throwaway, throwaway
from operations.runtime.ports import free_port
from providers.twilio.client import PAGE_SIZE
from transform.build import build
from transform.resident import take_in
from warehouse import connections
from warehouse.queries import parse
from warehouse.settings import Role, Settings

SQL = parse((Path(__file__).parent / "backfill.sql").read_text())
DEFAULT_MESSAGES = 100_000
#: How long the fold may be behind the pull at its end.
FOLD_SECONDS = 3600.0


class Incomplete(Exception):
    """The table does not hold what the provider listed: the figures mean nothing."""


class Void(Exception):
    """Something was asked that the stand-in refuses: the real provider would have answered in its own way."""


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """What `./crm bench --json` prints. `settings` is not used: the warehouse is a throw-away one.

    Raises:
        Incomplete: messages are missing, or stand twice.
        Void: the stand-in for the provider was asked for what it does not know.
    """
    messages = scale or DEFAULT_MESSAGES
    with throwaway() as on:
        port = free_port()
        on.start("benchmarks.history_pages", "--port", str(port), "--messages", str(messages))
        on.wait_for_port(port)
        connection_id = _connected(on.settings, port)
        build(on.settings, compare=False)
        on.start("transform")
        started = time.perf_counter()
        pull = Pull(on, connection_id)
        try:
            pull.wait()
            take_in(on.settings, timeout_seconds=FOLD_SECONDS)
        finally:
            pull.stop()
        seconds = time.perf_counter() - started
        _check(on.settings, messages)
        requests = _requests(port)
        copying = _copied(on.settings)
        results = [
            result(
                "messages a second from JSON pages to canonical rows (limit: a plain COPY of the loaded rows)",
                messages / seconds,
                "messages/s",
                limit=messages / copying,
                goal="≥ 8,000",
            ),
            result(
                "from pages into raw, while the fold runs beside it",
                messages / pull.seconds,
                "messages/s",
            ),
            result(
                "seconds from the last row in raw until all are canonical",
                seconds - pull.seconds,
                "s",
            ),
            result(
                "resident memory of the pull at its highest",
                pull.resident_bytes / 2**30,
                "GiB",
                goal="≤ 2",
            ),
            result(
                "requests to the provider (limit: one for each 1,000 messages)",
                requests,
                "requests",
                limit=math.ceil(messages / PAGE_SIZE),
            ),
            result("messages in the table of all listed", messages, "messages", limit=messages),
        ]
        return document("backfill", messages, machine(on.settings.admin_url, on.folder), results)


def _connected(settings: Settings, port: int) -> str:
    with psycopg.connect(settings.url_for(Role.ADMIN), autocommit=True) as admin:
        made = connections.add(
            admin,
            settings,
            channel="twilio_sms",
            name="Benchmark",
            values={
                "account_sid": ACCOUNT_SID,
                "auth_token": AUTH_TOKEN,
                "api_base": f"http://127.0.0.1:{port}",
            },
            actor="benchmark",
        )
    return made.connection_id


class Pull:
    """The whole pull in a process of its own: its seconds and its highest resident memory, once it has ended."""

    def __init__(self, on: Throwaway, connection_id: str) -> None:
        self.seconds = 0.0
        self.resident_bytes = 0
        self._log = on.folder / "pull.log"
        self._started = time.perf_counter()
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "pipelines.pull", connection_id],
                cwd=on.folder,
                env=on.environment(""),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        self._waiting = threading.Thread(target=self._wait)
        self._waiting.start()

    def _wait(self) -> None:
        _, status, usage = os.wait4(self._process.pid, 0)
        self.seconds = time.perf_counter() - self._started
        self._process.returncode = os.waitstatus_to_exitcode(status)
        # Linux counts kibibytes.
        self.resident_bytes = usage.ru_maxrss * 1024

    def wait(self) -> None:
        """Return when it has ended.

        Raises:
            Incomplete: it failed; the text has the end of its log.
        """
        self._waiting.join()
        if self._process.returncode:
            raise Incomplete(f"the pull failed: {self._log.read_text()[-500:]}")

    def stop(self) -> None:
        """End it, where a failure elsewhere left it running."""
        if self._waiting.is_alive():
            os.kill(self._process.pid, signal.SIGKILL)
        self._waiting.join()


def _check(settings: Settings, messages: int) -> None:
    with psycopg.connect(settings.url_for(Role.ADMIN), autocommit=True) as admin:
        row = admin.execute(SQL["count_messages"]).fetchone()
    if row != (messages, messages):
        raise Incomplete(f"{row} rows and messages of {messages}")


def _requests(port: int) -> int:
    """How many requests came."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/asked") as answer:
        told = json.load(answer)
    if told["refused"]:
        raise Void(f"the pull asked for what the stand-in does not know: {told['refused']}")
    return sum(told["asked"].values())


def _copied(settings: Settings) -> float:
    """Seconds of a COPY of the loaded rows into a table with the same indexes."""
    with psycopg.connect(settings.url_for(Role.ADMIN), autocommit=True) as admin:
        admin.execute(SQL["make_plain"])
        with admin.cursor().copy(SQL["copy_out"]) as out:
            blocks = [bytes(block) for block in out]
        started = time.perf_counter()
        with admin.cursor().copy(SQL["copy_in"]) as into:
            for block in blocks:
                into.write(block)
        seconds = time.perf_counter() - started
        admin.execute(SQL["drop"])
    return seconds
