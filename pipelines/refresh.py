"""The models, refreshed by a resident process: dbt started once, its manifest parsed once.

    raw, raw_<channel> -> staging -> canonical -> marts

A cold dbt start costs seven seconds, a cycle in this process about one. A message is on the timeline
before any refresh, through the live tail (design.md §6); a refresh keeps that tail short. It runs
after each load, within PAUSE_SECONDS of a delivery, and leaves the last good state when it fails.

    python -m pipelines.refresh
"""

from __future__ import annotations

import hashlib
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg

from warehouse.queries import queries
from warehouse.settings import Role, Settings

SQL = queries("refresh")
ROOT = Path(__file__).resolve().parent.parent
#: Deliveries wait at most this long for the incremental tables; readers do not wait at all.
PAUSE_SECONDS = 4.0
#: After a failure the next try waits this long, doubling up to the second figure.
RETRY_SECONDS = (5.0, 60.0)

log = logging.getLogger("crm.refresh")


class RefreshFailed(Exception):
    """The models could not be refreshed; the text is dbt's own, model by model."""


class Models:
    """The dbt project, parsed. One at a time in a process: dbt does not run twice at once in one."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.fingerprint = _fingerprint()
        _set_environment(settings)
        # dbt takes seconds to import, and only the programs that run it should pay.
        from dbt.cli.main import dbtRunner

        parsed = dbtRunner().invoke([*self._flags(), "parse"])
        if not parsed.success:
            raise RefreshFailed(f"the models could not be parsed: {parsed.exception}")
        manifest: Any = parsed.result
        self._runner = dbtRunner(manifest=manifest)

    def build(self, *, full_refresh: bool = False) -> None:
        """Make every model and seed. Incremental tables are kept unless `full_refresh`.

        Raises:
            RefreshFailed: names each model that failed.
        """
        again = ["--full-refresh"] if full_refresh else []
        self._invoke(["seed"])
        self._invoke(["run", *again])

    def refresh(self) -> None:
        """Take what is new into the incremental tables.

        Raises:
            RefreshFailed: names each model that failed.
        """
        self._invoke(["run", "--select", "config.materialized:incremental"])

    def test(self) -> int:
        """Run dbt's unit and data tests; returns how many passed.

        Raises:
            RefreshFailed: names each test that failed.
        """
        results: Any = self._invoke(["test"])
        return len(list(results))

    def _flags(self) -> list[str]:
        return ["--quiet", "--log-level", "error", "--log-level-file", "none", "--no-write-json"]

    def _invoke(self, arguments: list[str]) -> Any:
        # Again each time: the profile is read at every run, and another warehouse may have been set since.
        _set_environment(self.settings)
        outcome = self._runner.invoke(
            [*self._flags(), *arguments, "--project-dir", str(ROOT), "--profiles-dir", str(ROOT)]
        )
        if outcome.success:
            return outcome.result
        results: Any = outcome.result or []
        failed = [
            f"{result.node.name}: {_first_words(result.message)}"
            for result in results
            if result.status in ("error", "fail", "runtime error")
        ]
        raise RefreshFailed("; ".join(failed) or str(outcome.exception))


def _fingerprint() -> str:
    """The hash of every file that makes the models."""
    files = [ROOT / "dbt_project.yml", *sorted((ROOT / "dbt_project").rglob("*.*"))]
    digest = hashlib.sha256()
    for file in files:
        if file.is_file():
            digest.update(
                f"{file.relative_to(ROOT).as_posix()}\0".encode() + file.read_bytes() + b"\0"
            )
    return digest.hexdigest()


def _first_words(message: str | None) -> str:
    """dbt's message without the trace of macros behind it, short enough for a banner."""
    return " ".join((message or "").split("\n  > in macro")[0].split())[:300]


def _set_environment(settings: Settings) -> None:
    """What profiles.yml reads. The password's name keeps it out of dbt's logs."""
    parts = urlsplit(settings.url_for(Role.TRANSFORMER))
    query = parse_qs(parts.query)
    os.environ.update(
        {
            "CRM_DBT_HOST": query.get("host", [parts.hostname or "127.0.0.1"])[0],
            "CRM_DBT_PORT": query.get("port", [str(parts.port or 5432)])[0],
            "CRM_DBT_USER": unquote(parts.username or ""),
            "DBT_ENV_SECRET_CRM_PASSWORD": unquote(parts.password or ""),
            "CRM_DBT_DATABASE": parts.path.lstrip("/"),
            "DBT_TARGET_PATH": str(settings.data_dir / "dbt" / "target"),
            "DBT_LOG_PATH": str(settings.data_dir / "dbt" / "logs"),
            "DBT_PROJECT_DIR": str(ROOT),
            "DBT_PROFILES_DIR": str(ROOT),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
    )


def connect(settings: Settings) -> psycopg.Connection[Any]:
    """A connection of the transformer, each statement its own transaction."""
    return psycopg.connect(
        settings.url_for(Role.TRANSFORMER), autocommit=True, application_name="crm refresh"
    )


@contextmanager
def only_refresher(database: psycopg.Connection[Any]) -> Iterator[None]:
    """One refresh or rebuild at a time over all programs on this database."""
    database.execute("select pg_advisory_lock(hashtext('crm refresh'))")
    try:
        yield
    finally:
        database.execute("select pg_advisory_unlock(hashtext('crm refresh'))")


def refresh(models: Models, database: psycopg.Connection[Any]) -> float:
    """One cycle; returns its seconds. Where other models stand than ours, all of them are made first.

    Raises:
        RefreshFailed: the tables stand as they did; the failure is recorded.
    """
    with only_refresher(database):
        database.execute(SQL["set_target"])
        built = database.execute(SQL["is_built"], {"fingerprint": models.fingerprint}).fetchone()
        if built == (True,):
            return recorded(database, models.refresh)
        return recorded(database, lambda: make(models, database))


def make(models: Models, database: psycopg.Connection[Any], *, full_refresh: bool = False) -> None:
    """Make every model, and note which ones stand. Views are gone for moments while that lasts.

    Raises:
        RefreshFailed: some may be missing; the next refresh makes them all again.
    """
    database.execute(SQL["set_built"], {"fingerprint": ""})
    models.build(full_refresh=full_refresh)
    database.execute(SQL["set_built"], {"fingerprint": models.fingerprint})


def recorded(database: psycopg.Connection[Any], work: Any) -> float:
    """Run `work` towards the target horizon, record how it went, and move the horizon if it went well."""
    row = database.execute(SQL["begin_refresh"]).fetchone()
    assert row is not None
    started = time.monotonic()
    error: str | None = "the refresh was interrupted"
    try:
        work()
        database.execute(SQL["finish"])
        # The media job looks for attachments that nobody has fetched (pipelines/worker.py).
        database.execute("notify crm_refreshed")
        error = None
    except RefreshFailed as failure:
        error = str(failure)
        raise
    finally:
        if not database.closed:
            database.execute(SQL["end_refresh"], {"error": error, "started_at": row[0]})
            database.execute(SQL["forget_refreshes"])
    return time.monotonic() - started


def request_refresh(settings: Settings, *, timeout_seconds: float = 60.0) -> float:
    """Have everything that is committed now taken into the tables; returns the seconds it took.

    A resident refresher does it where one runs, otherwise this process does it itself.

    Raises:
        RefreshFailed: it did not happen within the time, or dbt says why not.
    """
    started = time.monotonic()
    with connect(settings) as database:
        row = database.execute(SQL["current_transaction"]).fetchone()
        assert row is not None
        if not _resident_is_running(database):
            refresh(Models(settings), database)
            return time.monotonic() - started
        while time.monotonic() - started < timeout_seconds:
            database.execute("notify crm_refresh")
            for _ in range(20):
                done = database.execute(SQL["is_processed"], {"transaction_id": row[0]}).fetchone()
                if done == (True,):
                    return time.monotonic() - started
                time.sleep(0.1)
    raise RefreshFailed(
        f"the refresh did not finish within {timeout_seconds:.0f} s: see the newest row of canonical.refreshes"
    )


#: Held, shared, by every resident refresher for as long as it lives.
_RESIDENT = "hashtext('crm refresh resident')"


def _resident_is_running(database: psycopg.Connection[Any]) -> bool:
    free = database.execute(f"select pg_try_advisory_lock({_RESIDENT})").fetchone() == (True,)
    if free:
        database.execute(f"select pg_advisory_unlock({_RESIDENT})")
    return not free


def run(settings: Settings, stop: threading.Event) -> None:
    """Refresh until `stop`. A database that went away is waited for."""
    models = Models(settings)
    pause = RETRY_SECONDS[0]
    while not stop.is_set():
        try:
            with connect(settings) as database:
                database.execute(f"select pg_advisory_lock_shared({_RESIDENT})")
                database.execute("listen crm_deliveries")
                database.execute("listen crm_refresh")
                while not stop.is_set():
                    log.info("refreshed in %.2f s", refresh(models, database))
                    pause = RETRY_SECONDS[0]
                    _wait_for_work(database, stop)
        except RefreshFailed as failure:
            log.error("refresh failed, next try in %.0f s: %s", pause, failure)
        except psycopg.OperationalError as failure:
            log.warning("the warehouse is away, next try in %.0f s: %s", pause, failure)
        else:
            continue
        stop.wait(pause)
        pause = min(pause * 2, RETRY_SECONDS[1])


def _wait_for_work(database: psycopg.Connection[Any], stop: threading.Event) -> None:
    """Return when a load asks for a refresh, or PAUSE_SECONDS after the first delivery."""
    due: float | None = None
    while not stop.is_set():
        for notice in database.notifies(timeout=0.25, stop_after=1):
            if notice.channel == "crm_refresh":
                return
            due = due or time.monotonic() + PAUSE_SECONDS
        if due is not None and time.monotonic() >= due:
            return


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run(Settings(), stop)


if __name__ == "__main__":
    main()
