"""`./crm replay`: fold again what was landed, after a fix."""

from __future__ import annotations

import uuid
from typing import Annotated

import typer

from operations.invocation import (
    AsJson,
    DataDir,
    Found,
    Refused,
    actor,
    connect,
    report,
    settings_for,
)


def register(app: typer.Typer) -> None:
    app.command("replay")(replay)


def replay(
    delivery: Annotated[
        str | None, typer.Option("--delivery", metavar="ID", help="One delivery.")
    ] = None,
    quarantined: Annotated[
        bool, typer.Option("--quarantined", help="Everything that is in quarantine.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="T", help="Deliveries received from here on: ISO 8601."),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Read raw rows again and fold them again. What was right stays as it is."""
    from operations.backfill import moment
    from transform.models import ModelsFailed
    from transform.resident import take_in
    from warehouse.events import Event, record
    from warehouse.settings import Role
    from webhooks.replay import replay as replay_rows

    if delivery is None and since is None and not quarantined:
        raise Refused("replay what? give --delivery ID, --quarantined or --since T")
    try:
        delivery_id = str(uuid.UUID(delivery)) if delivery else None
    except ValueError as error:
        raise Refused(f"--delivery {delivery}: not the id of a delivery") from error
    settings = settings_for(data_dir)
    with connect(settings, Role.ADMIN) as database:
        replayed = replay_rows(
            database, delivery_id=delivery_id, since=moment(since), quarantined=quarantined
        )
        record(
            database,
            Event(
                actor=actor(),
                role="admin",
                action="delivery.replay",
                object_type="delivery",
                object_id=delivery_id or "several",
                detail={"since": since, "quarantined": quarantined, **replayed.__dict__},
            ),
        )
    if delivery_id and not replayed.deliveries:
        raise Refused(f"--delivery {delivery_id}: there is no such delivery")
    try:
        take_in(settings)
    except ModelsFailed as failure:
        raise Found(f"replayed, but the refresh failed: {failure}") from failure
    report(
        replayed.__dict__,
        as_json=as_json,
        lines=[
            f"replayed {replayed.deliveries} deliveries and {replayed.history_rows} rows of histories"
        ],
    )
