"""A job that fails leaves its words on the page Jobs and in the log, wherever it failed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from pipelines.results import PullUnderWay
from tests.event_loops import apart
from tests.pipelines.small_graph import SmallGraph
from warehouse.queries import queries
from warehouse.settings import Settings
from worker import jobs

Database = psycopg.Connection[Any]
SQL = queries("jobs")
PRIVATE = "what a customer wrote"


async def here(work: Callable[..., Any], *arguments: Any) -> Any:
    """A child's work without the child: that costs seconds, and tests/pipelines/test_worker.py has it."""
    return await asyncio.to_thread(work, *arguments)


async def under_way(*_: object) -> None:
    raise PullUnderWay("another pull is under way")


def run(settings: Settings, *asked: tuple[str, dict[str, Any]]) -> None:
    """A worker until nothing is due any more."""

    async def work() -> None:
        app = jobs.application(settings)
        # What is due by the clock of this moment is another matter.
        app.periodic_registry.periodic_tasks.clear()
        async with app.open_async():
            for task, arguments in asked:
                await app.configure_task(task).defer_async(**arguments)
            await app.run_worker_async(
                wait=False,
                concurrency=4,
                install_signal_handlers=False,
                additional_context={"settings": settings},
            )

    apart(work)


def test_every_failed_job_says_why(
    settings: Settings,
    admin: Database,
    graph: SmallGraph,
    connect: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def breaks(*_: object) -> None:
        raise ValueError(PRIVATE)

    monkeypatch.setattr("worker.jobs.audit.seal", breaks)
    monkeypatch.setattr("worker.jobs.children.run", here)
    unreadable, held = connect("messenger", graph.keys), connect("messenger", graph.keys)
    # Before anything could be noted of the connection: its secrets are under another key.
    admin.execute(
        "update crm.connections set secrets = '\\x00' where connection_id = %s", [unreadable]
    )
    with caplog.at_level(logging.WARNING):
        run(
            settings,
            ("pull_connection", {"connection_id": unreadable}),
            ("seal_events", {"timestamp": 0}),
        )
    failed = {
        (row[1], row[4]): row[6] for row in admin.execute(SQL["failed"], {"most": 100}).fetchall()
    }
    assert set(failed) == {("pull_connection", unreadable), ("seal_events", None)}
    # Of whoever may look at the connection, too.
    assert "CRM_MASTER_KEY" in failed["pull_connection", unreadable]
    assert admin.execute(
        "select error from jobs.connection_health where connection_id = %s and job = 'pull'",
        [unreadable],
    ).fetchone() == (failed["pull_connection", unreadable],)
    assert failed["seal_events", None].startswith("unexpected ValueError in ")
    said = [record.getMessage() for record in caplog.records if record.name == "crm.worker"]
    # One line each: of the pull where it failed, in its own process.
    (line,) = said
    assert line.startswith("seal_events failed: unexpected ValueError in ")
    assert PRIVATE not in caplog.text.partition("Traceback")[0]
    # What a command pulls just now is no failure: the job waits for its turn.
    with monkeypatch.context() as patched:
        patched.setattr("worker.jobs.children.run", under_way)
        run(settings, ("pull_connection", {"connection_id": held}))
    ((waits, attempt),) = admin.execute(
        "select status, args ->> 'attempt' from jobs.procrastinate_jobs where args ->> 'connection_id' = %s",
        [held],
    ).fetchall()
    assert (waits, attempt) == ("todo", "1")
    # With the job its words go.
    admin.execute("set search_path to jobs")
    admin.execute("delete from jobs.procrastinate_jobs where status = 'failed'")
    run(settings, ("keep_house", {"timestamp": 0}))
    assert admin.execute("select count(*) from jobs.failures").fetchone() == (0,)


def test_what_is_paused_is_not_pulled_by_the_clock_either(
    settings: Settings,
    admin: Database,
    graph: SmallGraph,
    connect: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    async def noted(_: object, __: object, connection_id: str) -> None:
        asked.append(connection_id)

    monkeypatch.setattr("worker.jobs.children.run", noted)
    paused, other = connect("messenger", graph.keys), connect("messenger", graph.keys)
    admin.execute("update crm.connections set paused_at = now() where connection_id = %s", [paused])
    run(settings, ("reconcile_all", {"timestamp": 0}))
    run(settings)
    assert asked == [other]
