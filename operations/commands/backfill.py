"""`./crm backfill`: pull a connection's history now."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from operations.commands.privacy import sweep_after
from operations.invocation import (
    AsJson,
    DataDir,
    Found,
    connect,
    report,
    say,
    settings_for,
)
from warehouse.refusals import Refused

if TYPE_CHECKING:
    from pipelines.results import Progress, PullResult
    from warehouse.settings import Settings

#: `pull` itself gives up on another one after half a minute.
WAIT_FOR_ANOTHER_SECONDS = 1800.0
LINE_EVERY_SECONDS = 5.0


def register(app: typer.Typer) -> None:
    app.command("backfill")(backfill)


def backfill(
    connection_id: Annotated[
        str, typer.Argument(metavar="CONNECTION", help="The connection's id.")
    ],
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="DATE",
            help="Only from here on: 2026-01-31, or ISO 8601 with its offset.",
        ),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Pull the history of a connection. A second pull of the same history loads nothing."""
    from operations.commands.connection_store import existing, record_event
    from warehouse.channels import registry

    from_here = moment(since)
    settings = settings_for(data_dir)
    with connect(settings) as database:
        opened = existing(database, settings, connection_id)
        channel = registry()[opened.channel]
        if not channel.pulls:
            raise Refused(f"{opened.channel} cannot be pulled: {channel.history_note}")
        if opened.disabled_at is not None:
            raise Refused(
                f"{opened.channel} connection {connection_id} is disabled: enable it first"
            )
        record_event(database, "connection.backfill", opened, {"since": since})
    from providers.failures import ProviderFailed

    try:
        with shown(f"{opened.channel} {opened.name}") as progress:
            result = pulled(settings, connection_id, from_here, progress)
    except ProviderFailed as failed:
        raise Found(f"{opened.channel} {connection_id}: {failed}") from failed
    sweep_after(settings)
    counted = ", ".join(f"{count} {table}" for table, count in result.rows.items()) or "nothing new"
    report(
        {
            "connection_id": connection_id,
            "channel": opened.channel,
            "rows": result.rows,
            "seconds": round(result.seconds, 3),
        },
        as_json=as_json,
        lines=[f"{opened.channel} {opened.name}: {counted} in {result.seconds:.1f} s"],
    )


def pulled(
    settings: Settings,
    connection_id: str,
    since: datetime | None,
    progress: Callable[[Progress], None],
) -> PullResult:
    """Pull to the end; another pull of the same connection, by the worker perhaps, is waited for.

    Raises:
        ProviderFailed: and its kinds.
    """
    from pipelines.pull import pull
    from pipelines.results import PullUnderWay

    deadline = time.monotonic() + WAIT_FOR_ANOTHER_SECONDS
    while True:
        try:
            return pull(settings, connection_id, since, progress)
        except PullUnderWay:
            if time.monotonic() > deadline:
                raise
            say("another pull of this connection runs: waiting for it")


@contextmanager
def shown(title: str) -> Iterator[Callable[[Progress], None]]:
    """A bar on a terminal, a line now and then elsewhere."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress as Bar

        with Bar(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(title, total=None)
            yield lambda told: bar.update(task, completed=_done(told), total=told.total)
        return
    last = -LINE_EVERY_SECONDS

    def line(told: Progress) -> None:
        nonlocal last
        if time.monotonic() - last < LINE_EVERY_SECONDS:
            return
        last = time.monotonic()
        whole = f" of about {told.total}" if told.total else ""
        say(f"{title}: {_done(told)}{whole}")

    yield line


def _done(told: Progress) -> int:
    return told.listed if told.listed is not None else sum(told.rows.values())


def moment(text: str | None, option: str = "--since") -> datetime | None:
    """An ISO 8601 date (midnight UTC) or time with offset, as an aware datetime in UTC.

    Raises:
        Refused: it is neither.
    """
    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(f"{option} {text}: give a date such as 2026-01-31") from error
    if parsed.tzinfo is None:
        if "T" in text or ":" in text:
            raise Refused(
                f"{option} {text}: a time of day needs its offset, for example 2026-01-31T09:00+11:00"
            )
        parsed = parsed.replace(tzinfo=UTC)
    return parsed.astimezone(UTC)
