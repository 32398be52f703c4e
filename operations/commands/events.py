"""`./crm events`: who saw and did what. Reading it is an event, too."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from operations.invocation import AsJson, DataDir, actor, connect, settings_for


def register(app: typer.Typer) -> None:
    app.command("events")(events)


def events(
    customer_id: Annotated[
        str | None,
        typer.Option("--customer", metavar="ID", help="Who saw this customer, and what was done."),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option("--user", metavar="NAME", help="What this person saw and did, or cli:NAME."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="T", help="From here on: 2026-01-31, or ISO 8601 with its offset."
        ),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Who saw and did what, the newest first; as long as the log is, in little memory."""
    import sys

    from operations.commands.backfill import moment
    from warehouse import event_log
    from warehouse.events import record

    asked = event_log.Asked(person=user or "", customer_id=customer_id or "", since=moment(since))
    settings = settings_for(data_dir)
    with connect(settings) as database:
        customer_ids = asked.customer_ids(database)
        # Before anything is read: what is shown is as long as the log, and known at its end alone.
        event = actor().event(
            "event.search", "event", "*", customer_ids=customer_ids, detail=asked.detail()
        )
        own = record(database, event)
        database.commit()
        found = event_log.stream(database, asked, customer_ids, but=own)
        count = _as_document(found) if as_json else _as_lines(found, settings.zone)
    if not as_json:
        print(f"{count:,} event{'' if count == 1 else 's'}")
    sys.stdout.flush()


def _as_document(found: Any) -> int:
    """One JSON document, written as it is read."""
    import orjson

    from warehouse.event_log import told

    count = 0
    print('{"events": [', end="")
    for row in found:
        print(",\n" if count else "\n", orjson.dumps(told(row)).decode(), sep="", end="")
        count += 1
    print(f'\n], "count": {count}}}')
    return count


def _as_lines(found: Any, zone: Any) -> int:
    import orjson

    count = 0
    for row in found:
        whose = f"  customers {' '.join(row['customer_ids'])}" if row["customer_ids"] else ""
        detail = f"  {orjson.dumps(row['detail']).decode()}" if row["detail"] else ""
        line = (
            f"{row['at'].astimezone(zone):%Y-%m-%d %H:%M:%S}  {row['actor']} ({row['role']})  "
            f"{row['action']}  {row['object_type']} {row['object_id']}{whose}{detail}"
        )
        # What was asked for was typed by somebody, and a terminal obeys some of what can be typed.
        print("".join(each if each.isprintable() else "\ufffd" for each in line))
        count += 1
    return count
