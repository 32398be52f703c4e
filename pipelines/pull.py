"""One pull of one connection, from the command line and from a job alike.

    python -m pipelines.pull CONNECTION_ID [--since DATE]

A pull is a row of steps (pipelines/__init__.py): extract, normalise, load; rows and cursor go into the
warehouse in one load package. What a crash leaves is either nothing, or a whole package on disk that the
next pull loads first; the keys make loading it twice the same as once.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import logging
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from errno import EEXIST, ENOENT, ENOTDIR, ENOTEMPTY, errorcode
from typing import Any

import dlt
import psycopg
from cryptography.fernet import InvalidToken
from dlt.common.schema.exceptions import DataValidationError
from dlt.load.exceptions import LoadClientJobException
from dlt.pipeline.exceptions import PipelineStepFailed

from pipelines.copying import WrongType
from pipelines.destination import FILE_FORMAT, as_tables, loading, pipeline
from pipelines.existing_rows import ExistingRows
from pipelines.packages import forget_loaded
from pipelines.results import Progress, PullResult, PullUnderWay
from providers.failures import NeedsAdmin, ProviderFailed, TryLater
from providers.health import Health, words_of
from warehouse.channels import Channel, registry
from warehouse.connections import Connection, UnusableConnection, find
from warehouse.queries import queries
from warehouse.settings import Role, Settings, SettingsError

SQL = queries("pipelines")
#: How long a pull waits for another one of the same connection.
LOCK_SECONDS = 30.0
#: Files of a load package that are not as dlt left them are no outage: a crash took the package half away.
BROKEN_PACKAGE = {ENOENT, EEXIST, ENOTDIR, ENOTEMPTY}

log = logging.getLogger(__name__)


def pull(
    settings: Settings,
    connection_id: str,
    since: datetime | None = None,
    progress: Callable[[Progress], None] | None = None,
    *,
    budget_seconds: float | None = None,
) -> PullResult:
    """Pull a connection: to the end, or until the time is used up (then the result says `more`).

    Args:
        since: aware; pull everything from then on again. None: go on from the cursor.
        budget_seconds: after which no further step begins, and none begins once the connection was paused or disabled.

    Raises:
        ProviderFailed: and its kinds, in words for an admin; what was loaded before stays.
    """
    if since is not None and since.tzinfo is None:
        raise ValueError("since must be an aware datetime")
    started = time.monotonic()
    result = PullResult()
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as database:
        health = Health(database, connection_id, "pull")
        try:
            connection = _usable(database, settings, connection_id)
        except (UnusableConnection, InvalidToken) as error:
            words = words_of(error)
            health.failed(words)
            unusable = NeedsAdmin(words)
            unusable.is_told = True
            raise unusable from None
        channel = registry()[connection.channel]
        with (
            _alone(database, connection_id),
            health.recorded(),
            ExistingRows(settings, connection_id) as existing_rows,
        ):
            steps = _Steps(settings, connection, channel, existing_rows)
            result.more = True
            done_before = (steps.state().get("backfill") or {}).get("done") or 0
            while result.more:
                rows = steps.run(since)
                since = None
                for table, count in rows.items():
                    result.rows[table] = result.rows.get(table, 0) + count
                if any(rows.values()):
                    database.execute(SQL["ask_for_refresh"], {"channel": channel.channel})
                state = steps.state()
                backfill = state.get("backfill") or {}
                result.more = bool(backfill or state.get("behind") or state.get("slow"))
                result.seconds = time.monotonic() - started
                told = Progress(dict(result.rows), backfill.get("done"), backfill.get("total"))
                health.detail = {
                    "rows": told.rows,
                    "seconds": round(result.seconds, 3),
                    "more": result.more,
                    "listed": told.listed,
                    "total": told.total,
                    "reached": backfill.get("before"),
                    "per_minute": _per_minute(told.listed, done_before, result.seconds),
                    **_left_out(state),
                }
                health.progressed()
                if progress:
                    progress(told)
                if budget_seconds is not None and (
                    result.seconds > budget_seconds or _rests(database, connection_id)
                ):
                    break
    return result


def _usable(
    database: psycopg.Connection[Any], settings: Settings, connection_id: str
) -> Connection:
    connection = find(database, settings, connection_id)
    if connection is None:
        raise ProviderFailed(f"no connection {connection_id}")
    if connection.disabled_at is not None:
        raise ProviderFailed(f"{connection.channel} connection {connection_id} is disabled")
    channel = registry().get(connection.channel)
    if channel is None or not channel.pulls:
        note = channel.history_note if channel else "the registry does not know it"
        raise ProviderFailed(f"{connection.channel} cannot be pulled: {note}")
    return connection


def _rests(database: psycopg.Connection[Any], connection_id: str) -> bool:
    """Whether an admin wants nothing more to be pulled now."""
    row = database.execute(SQL["rests"], {"connection_id": connection_id}).fetchone()
    return row is None or bool(row[0])


@contextlib.contextmanager
def _alone(database: psycopg.Connection[Any], connection_id: str) -> Iterator[None]:
    """No other pull of this connection, on any machine. The lock ends with the database session."""
    name = {"name": f"pull {connection_id}"}
    deadline = time.monotonic() + LOCK_SECONDS
    while database.execute(SQL["lock"], name).fetchone() != (True,):
        if time.monotonic() > deadline:
            raise PullUnderWay(f"another pull of connection {connection_id} is under way")
        time.sleep(0.1)
    yield


class _Steps:
    """The steps of one pull, through dlt."""

    def __init__(
        self,
        settings: Settings,
        connection: Connection,
        channel: Channel,
        existing_rows: ExistingRows,
    ) -> None:
        self.settings, self.connection, self.channel, self.existing_rows = (
            settings,
            connection,
            channel,
            existing_rows,
        )
        self.module = importlib.import_module(f"pipelines.{channel.channel}")
        self.tables = {resource.name for resource in self.module.RESOURCES}
        self.dlt = self._pipeline()
        if self.dlt.has_pending_data:
            self._finish_pending()

    def _pipeline(self) -> dlt.Pipeline:
        made = pipeline(self.settings, self.channel, self.connection.connection_id)
        # The warehouse's copy of the state wins where it is newer: another machine may have pulled.
        with self._in_words("looking up its state"):
            made.sync_destination()
        return made

    def _finish_pending(self) -> None:
        """Load what a crash left extracted. Where that fails for good, go on from the warehouse's state."""
        log.info(
            "connection %s: loading what an interrupted pull left", self.connection.connection_id
        )
        try:
            self._load()
        except TryLater:
            raise
        except ProviderFailed:
            self.dlt.drop()
            self.dlt = self._pipeline()

    def state(self) -> dict[str, Any]:
        """The source's own state, as last committed."""
        return dict(self.dlt.state.get("sources", {}).get(self.channel.channel, {}))

    def run(self, since: datetime | None) -> dict[str, int]:
        """One step: rows per table that went into the warehouse."""
        try:
            source = as_tables(
                self.module.source(self.connection, since, self.existing_rows), self.module
            )
        except UnusableConnection as error:
            raise ProviderFailed(str(error)) from None
        with self._in_words("extract"):
            self.dlt.extract(source, loader_file_format=FILE_FORMAT)
        return self._load()

    def _load(self) -> dict[str, int]:
        with self._in_words("load"):
            normalised = self.dlt.normalize()
            with loading(self.settings, self.channel):
                self.dlt.load()
        forget_loaded(self.settings, self.dlt.pipeline_name)
        counts = normalised.row_counts if normalised else {}
        return {table: int(counts.get(table, 0)) for table in sorted(self.tables)}

    @contextlib.contextmanager
    def _in_words(self, step: str) -> Iterator[None]:
        """dlt wraps what a source raises; its own texts may hold rows."""
        try:
            yield
        except (PipelineStepFailed, LoadClientJobException, psycopg.Error) as error:
            cause: BaseException | None = error
            while cause is not None:
                if isinstance(cause, ProviderFailed):
                    raise cause from None
                if isinstance(cause, (DataValidationError, WrongType)):
                    raise ProviderFailed(
                        f"{self.channel.channel} connection {self.connection.connection_id}: the provider "
                        f"changed the type of {cause.table_name}.{cause.column_name}; nothing was loaded"
                    ) from None
                deepest, cause = cause, cause.__cause__ or cause.__context__
            words = (
                f"{self.channel.channel} connection {self.connection.connection_id}: {step} failed"
            )
            kind = type(deepest).__name__
            if isinstance(deepest, OSError) and deepest.errno:
                kind += f" {errorcode.get(deepest.errno, deepest.errno)}"
            is_broken = isinstance(deepest, OSError) and deepest.errno in BROKEN_PACKAGE
            if "OperationalError" in kind or (isinstance(deepest, OSError) and not is_broken):
                raise TryLater(f"{words}: the warehouse is away ({kind})") from None
            raise ProviderFailed(f"{words} ({kind})") from None


def _per_minute(listed: int | None, before: int, seconds: float) -> int | None:
    """How fast a backfill goes, where one is under way."""
    if listed is None or listed <= before or seconds <= 0:
        return None
    return round((listed - before) * 60 / seconds)


def _left_out(state: dict[str, Any]) -> dict[str, Any]:
    """What a pull could not read and tries again later, by name."""
    passed_over = state.get("passed_over") or {}
    return {"passed_over": passed_over} if passed_over else {}


def _say(told: Progress) -> None:
    share = f" of {told.total}" if told.total else ""
    listed = f", {told.listed}{share} listed" if told.listed else ""
    sys.stderr.write(f"loaded {_counted(told.rows)}{listed}\n")
    sys.stderr.flush()


def _counted(rows: dict[str, int]) -> str:
    return ", ".join(f"{count} {table}" for table, count in rows.items())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.pull", description="Pull one connection."
    )
    parser.add_argument("connection_id")
    parser.add_argument(
        "--since", type=date.fromisoformat, help="pull again from this day on (UTC)"
    )
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s", stream=sys.stderr)
    # The failure is told once, below.
    logging.getLogger("providers.health").setLevel(logging.ERROR)
    since = datetime.combine(chosen.since, time_of_day.min, UTC) if chosen.since else None
    try:
        result = pull(Settings(), chosen.connection_id, since, _say)
    except (ProviderFailed, SettingsError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{_counted(result.rows)} in {result.seconds:.1f} s\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
