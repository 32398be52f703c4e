"""`./crm replay`: fold again what was landed, after a fix."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Annotated

import typer

from operations.commands.privacy import sweep_after
from operations.invocation import (
    AsJson,
    DataDir,
    Found,
    actor,
    connect,
    report,
    settings_for,
)
from warehouse.refusals import Refused

if TYPE_CHECKING:
    from warehouse.settings import Settings


def register(app: typer.Typer) -> None:
    app.command("replay")(replay)


def replay(
    delivery: Annotated[
        str | None, typer.Option("--delivery", metavar="ID", help="One delivery.")
    ] = None,
    quarantined: Annotated[
        bool, typer.Option("--quarantined", help="Everything that is in quarantine.")
    ] = False,
    mails: Annotated[
        bool,
        typer.Option("--mails", help="Read stored mails again that an older parser has read."),
    ] = False,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="T", help="Deliveries received from here on: ISO 8601."),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Read raw rows again and fold them again. What was right stays as it is."""
    from operations.commands.backfill import moment
    from transform.models import ModelsFailed
    from transform.resident import take_in
    from warehouse.events import record
    from warehouse.settings import Role
    from webhooks.replay import Replayed
    from webhooks.replay import replay as replay_rows

    if delivery is None and since is None and not quarantined and not mails:
        raise Refused("replay what? give --delivery ID, --quarantined, --mails or --since T")
    try:
        delivery_id = str(uuid.UUID(delivery)) if delivery else None
    except ValueError as error:
        raise Refused(f"--delivery {delivery}: not the id of a delivery") from error
    settings = settings_for(data_dir)
    mails_read = _read_mails_again(settings, quiet=as_json) if mails else 0
    with connect(settings, Role.ADMIN) as database:
        if delivery or since or quarantined:
            replayed = replay_rows(
                database, delivery_id=delivery_id, since=moment(since), quarantined=quarantined
            )
        else:
            replayed = Replayed(deliveries=0, history_rows=0)
        event = actor().event(
            "delivery.replay",
            "delivery",
            delivery_id or "several",
            detail={
                "since": since,
                "quarantined": quarantined,
                "mails": mails_read,
                **replayed.__dict__,
            },
        )
        record(database, event)
    if delivery_id and not replayed.deliveries:
        raise Refused(f"--delivery {delivery_id}: there is no such delivery")
    try:
        take_in(settings)
    except ModelsFailed as failure:
        raise Found(f"replayed, but the refresh failed: {failure}") from failure
    sweep_after(settings)
    report(
        {**replayed.__dict__, "mails": mails_read},
        as_json=as_json,
        lines=[
            f"replayed {replayed.deliveries} deliveries and {replayed.history_rows} rows of histories",
            *([f"read {mails_read} mails again"] if mails else []),
        ],
    )


def _read_mails_again(settings: Settings, *, quiet: bool) -> int:
    """The mails of older parsers, with a bar. Interrupted, it goes on where it ended."""
    from rich.console import Console
    from rich.progress import Progress

    from pipelines.gmail_again import ReadAgain, read_again

    with Progress(console=Console(stderr=True), disable=quiet) as bar:
        task = bar.add_task("reading mails again", total=None)

        def show(told: ReadAgain) -> None:
            bar.update(task, completed=told.read + told.without_bytes, total=told.total)

        told = read_again(settings, show)
    if told.without_bytes:
        typer.echo(f"of {told.without_bytes} mails the bytes are gone: their rows stay", err=True)
    return told.read
