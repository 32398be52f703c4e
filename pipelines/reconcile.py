"""Reconciliation: what the webhooks of a connection brought, compared with the provider's history.

    canonical.doors ──> pull since the window's start ──> fold ──> canonical.doors again ──> jobs.connection_health

missing     in the history, and no webhook brought it although the provider promises to push it; a pull brings it in
brought in  of these, what this reconciliation itself loaded: nobody had seen it before
extra       a webhook brought it, and the history does not list it: removed there, or older than what it shows
late        its webhook came more than LATE_SECONDS after it was sent
differing   the text differs between the doors

A provider without a history cannot be compared: then only what other messages speak of is named.

    python -m pipelines.reconcile CONNECTION_ID
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from pipelines.pull import pull
from pipelines.results import Progress
from providers.failures import ProviderFailed
from providers.health import Health
from transform.models import ModelsFailed
from transform.resident import take_in
from warehouse.channels import Channel, registry
from warehouse.connections import Connection, find
from warehouse.queries import queries
from warehouse.settings import Role, Settings

SQL = queries("reconcile")
#: The window slides: it ends a little before now, so that what is on its way is not called missing.
WINDOW = timedelta(days=7)
GRACE = timedelta(minutes=2)
LATE_SECONDS = 600.0
#: How long the fold may take with what was pulled.
FOLD_SECONDS = 1800.0
#: So many ids of each kind are named; the counts are whole.
MOST_NAMED = 100


@dataclass
class Reconciled:
    """What was found of one connection. Counts are whole, lists of message ids cut at MOST_NAMED."""

    connection_id: str
    channel: str
    window_start: datetime
    window_end: datetime
    compared: int = 0
    missing: int | None = None
    brought_in: int | None = None
    extra: int | None = None
    late: int | None = None
    differing: int | None = None
    missing_ids: list[str] = field(default_factory=list)
    extra_ids: list[str] = field(default_factory=list)
    differing_ids: list[str] = field(default_factory=list)
    #: Messages that exist or existed, and that nobody can give us any more.
    unrecoverable_ids: list[str] = field(default_factory=list)
    unrecoverable: str = ""

    def document(self) -> dict[str, Any]:
        """JSON for the command and for jobs.connection_health."""
        return {
            key: value.isoformat() if isinstance(value, datetime) else value
            for key, value in asdict(self).items()
        }


def reconcile(
    settings: Settings,
    connection_id: str,
    *,
    window: timedelta = WINDOW,
    progress: Callable[[Progress], None] | None = None,
) -> Reconciled:
    """Compare the doors of a connection over the window that ends now, and pull in what is missing.

    Raises:
        ProviderFailed: there is no such connection, it is disabled, or the provider does not give its history.
    """
    with psycopg.connect(
        settings.url_for(Role.LOADER), autocommit=True, row_factory=dict_row
    ) as database:
        connection = find(database, settings, connection_id)
        if connection is None:
            raise ProviderFailed(f"no connection {connection_id}")
        channel = registry()[connection.channel]
        health = Health(database, connection_id, "reconcile")
        with health.recorded():
            found = _compared(settings, database, connection, channel, window, progress)
            health.detail = found.document()
    return found


def _compared(
    settings: Settings,
    database: psycopg.Connection[Any],
    connection: Connection,
    channel: Channel,
    window: timedelta,
    progress: Callable[[Progress], None] | None,
) -> Reconciled:
    end = datetime.now(UTC) - GRACE
    span: dict[str, Any] = {
        "connection_id": connection.connection_id,
        "window_start": end - window,
        "window_end": end,
    }
    found = Reconciled(
        connection.connection_id, connection.channel, span["window_start"], span["window_end"]
    )
    # What landed and is not folded yet stands in no table: it would be taken for missing.
    _folded(settings)
    if channel.pulls:
        before = {row["message_id"] for row in database.execute(SQL["known_in_window"], span)}
        pull(settings, connection.connection_id, span["window_start"], progress)
        _folded(settings)
        _count(found, database, channel, span, before)
    _name_the_lost(found, database, channel, span)
    return found


def _folded(settings: Settings) -> None:
    try:
        take_in(settings, timeout_seconds=FOLD_SECONDS)
    except ModelsFailed as failure:
        raise ProviderFailed(f"what landed could not be compared: {failure}") from failure


def _count(
    found: Reconciled,
    database: psycopg.Connection[Any],
    channel: Channel,
    span: dict[str, Any],
    before: set[str],
) -> None:
    row = database.execute(SQL["first_delivery"], span).fetchone()
    connected_at = row["created_at"] if row else span["window_start"]
    rows = database.execute(SQL["compare"], {**span, "late_seconds": LATE_SECONDS}).fetchall()
    brought = [row for row in rows if row["is_pulled"] and row["message_id"] not in before]
    if channel.push_carries_messages:
        missing = [
            row
            for row in rows
            if row["is_pulled"]
            and not row["is_pushed"]
            and not row["is_unavailable"]
            and row["direction"] in channel.pushed_directions
            and row["sent_at"] >= connected_at
        ]
        extra = [row for row in rows if row["is_pushed"] and not row["is_pulled"]]
        late = [row for row in rows if row["is_late"]]
        differing = [row for row in rows if row["is_differing"]]
        found.extra, found.late, found.differing = len(extra), len(late), len(differing)
        found.extra_ids, found.differing_ids = _ids(extra), _ids(differing)
    else:
        # A push that carries nothing is not compared: what the pull now found and nobody had, was missed.
        missing = [row for row in brought if row["sent_at"] >= connected_at]
    found.compared, found.missing, found.brought_in = len(rows), len(missing), len(brought)
    found.missing_ids = _ids(missing)
    found.unrecoverable_ids = _ids([row for row in rows if row["is_unavailable"]])


def _name_the_lost(
    found: Reconciled,
    database: psycopg.Connection[Any],
    channel: Channel,
    span: dict[str, Any],
) -> None:
    """What cannot be brought back, in ids and in words."""
    spoken_of = database.execute(SQL["spoken_of"], {**span, "channel": channel.channel}).fetchall()
    sentences = []
    if found.unrecoverable_ids:
        sentences.append(
            f"{len(found.unrecoverable_ids)} messages exist whose text the provider does not show any more"
        )
    if spoken_of:
        sentences.append(f"{len(spoken_of)} messages are spoken of by others and never came")
    known = set(found.unrecoverable_ids)
    found.unrecoverable_ids += _ids([row for row in spoken_of if row["message_id"] not in known])
    found.unrecoverable = "; ".join([*sentences, channel.history_note])


def _ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["message_id"] for row in rows][:MOST_NAMED]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.reconcile", description="Compare and mend one connection."
    )
    parser.add_argument("connection_id")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s", stream=sys.stderr)
    try:
        found = reconcile(Settings(), chosen.connection_id)
    except ProviderFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{found.document()}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
