"""`./crm reconcile`: compare what webhooks brought with the providers' histories, and bring in what is missing."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer

from operations.commands.backfill import shown
from operations.invocation import AsJson, DataDir, Found, connect, report, settings_for
from warehouse.refusals import Refused


def register(app: typer.Typer) -> None:
    app.command("reconcile")(reconcile)


def reconcile(
    connection_id: Annotated[
        str | None,
        typer.Argument(
            metavar="[CONNECTION]", help="One connection [default: all that are enabled]."
        ),
    ] = None,
    days: Annotated[
        int, typer.Option("--days", metavar="N", min=1, help="How far back to compare.")
    ] = 7,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Compare what webhooks brought with the provider's history; pull in what is missing, name what cannot be had.

    Exit status 1 when a provider did not give its history.
    """
    from operations.commands.connection_store import existing, record_event
    from pipelines.reconcile import Reconciled
    from pipelines.reconcile import reconcile as compare
    from providers.failures import ProviderFailed
    from warehouse import connections

    settings = settings_for(data_dir)
    with connect(settings) as database:
        chosen = (
            [existing(database, settings, connection_id)]
            if connection_id
            else [
                each for each in connections.every(database, settings) if each.disabled_at is None
            ]
        )
        if not chosen:
            raise Refused("there are no connections yet: see ./crm connection add --help")
        for each in chosen:
            record_event(database, "connection.reconcile", each, {"days": days})
    found: list[Reconciled] = []
    failed: dict[str, str] = {}
    for each in chosen:
        try:
            with shown(f"{each.channel} {each.name}") as progress:
                found.append(
                    compare(
                        settings,
                        each.connection_id,
                        window=timedelta(days=days),
                        progress=progress,
                    )
                )
        except ProviderFailed as failure:
            # One broken connection keeps no other from being looked at.
            failed[each.connection_id] = f"{each.channel} {each.name}: {failure}"
    names = {each.connection_id: each.name for each in chosen}
    report(
        {
            "connections": [
                {**each.document(), "name": names[each.connection_id]} for each in found
            ],
            "failed": failed,
        },
        as_json=as_json,
        lines=[line for each in found for line in _told(each.document(), names)],
    )
    if failed:
        raise Found("; ".join(failed.values()))


def _told(each: dict[str, Any], names: dict[str, str]) -> list[str]:
    title = f"{each['channel']} {names[each['connection_id']]}"
    if each["missing"] is None:
        return [f"{title}: cannot be reconciled: {each['unrecoverable']}"]
    counted = ", ".join(
        f"{each[key]} {words}"
        for key, words in (
            ("missing", "missing"),
            ("brought_in", "brought in"),
            ("extra", "extra"),
            ("late", "late"),
            ("differing", "differing"),
        )
        if each[key] is not None
    )
    return [
        f"{title}: {each['compared']} compared: {counted}",
        f"  cannot be had: {each['unrecoverable']}",
    ]
