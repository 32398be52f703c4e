"""Backfill: a history from the provider's JSON pages into canonical rows, and the memory that it takes.

    ./crm bench backfill --scale 100000

The pages come from a process of their own (benchmarks.history_pages), so that only our side is measured:
`pipelines.pull` as the worker runs it, through dlt into raw, then one refresh into canonical.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.figures import document, result
from benchmarks.history_pages import ACCOUNT_SID
from benchmarks.machine import machine
from benchmarks.throwaway import Throwaway, free_port, throwaway
from pipelines import refresh
from warehouse import connections
from warehouse.queries import parse
from warehouse.settings import Role, Settings

SQL = parse((Path(__file__).parent / "backfill.sql").read_text())
DEFAULT_MESSAGES = 100_000


class Incomplete(Exception):
    """The table does not hold what the provider listed: the figures mean nothing."""


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """The document of interface.md. `settings` is not used: the warehouse is a throw-away one.

    Raises:
        Incomplete: messages are missing, or stand twice.
    """
    messages = scale or DEFAULT_MESSAGES
    with throwaway() as on:
        port = free_port()
        on.start("benchmarks.history_pages", "--port", str(port), "--messages", str(messages))
        on.wait_for_port(port)
        connection_id = _connected(on.settings, port)
        models = refresh.Models(on.settings)
        with refresh.connect(on.settings) as database:
            refresh.refresh(models, database)
            pulling, resident_bytes = _pulled(on, connection_id)
            folding = refresh.refresh(models, database)
        _check(on.settings, messages)
        copying = _copied(on.settings)
        results = [
            result(
                "messages a second from JSON pages to canonical rows (limit: a plain COPY of the loaded rows)",
                messages / (pulling + folding),
                "messages/s",
                limit=messages / copying,
                goal="≥ 10,000",
            ),
            result("of these, from pages into raw", messages / pulling, "messages/s"),
            result("and from raw into canonical", messages / folding, "messages/s"),
            result(
                "resident memory of the pull at its highest",
                resident_bytes / 2**30,
                "GiB",
                goal="≤ 2",
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
                "auth_token": "invented-for-a-benchmark",
                "api_base": f"http://127.0.0.1:{port}",
            },
            actor="benchmark",
        )
    return made.connection_id


def _pulled(on: Throwaway, connection_id: str) -> tuple[float, int]:
    """Seconds of the whole pull, in a process of its own, and its highest resident memory in bytes."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "pipelines.pull", connection_id],
        cwd=on.folder,
        env=on.environment(""),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Incomplete(f"the pull failed: {said[-500:]}")
    # Linux counts kibibytes.
    return time.perf_counter() - started, usage.ru_maxrss * 1024


def _check(settings: Settings, messages: int) -> None:
    with psycopg.connect(settings.url_for(Role.ADMIN), autocommit=True) as admin:
        row = admin.execute(SQL["count_messages"]).fetchone()
    if row != (messages, messages):
        raise Incomplete(f"{row} rows and messages of {messages}")


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
