"""`./crm audit`: whether the log of events is as it was written, and sealing what is new in it."""

from __future__ import annotations

import typer

from operations.invocation import (
    AsJson,
    DataDir,
    Found,
    actor,
    connect,
    report,
    say,
    settings_for,
)


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        help="Whether the log of who saw and did what is as it was written.", no_args_is_help=True
    )
    group.command("verify")(verify)
    group.command("seal")(seal)
    app.add_typer(group, name="audit")


def verify(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Hold every event against its seal, and the seals against the heads outside. Names the first that is wrong."""
    from rich.console import Console
    from rich.progress import Progress

    from warehouse import audit
    from warehouse.events import record

    settings = settings_for(data_dir)
    heads = audit.heads_file(settings)
    with connect(settings) as database:
        with Progress(console=Console(stderr=True), disable=as_json, transient=True) as bar:
            task = bar.add_task("checking events", total=None)
            found = audit.verify(database, heads, lambda count: bar.update(task, completed=count))
        said = {
            "events": found.events,
            "unsealed": found.unsealed,
            "seals": found.seals,
            "heads": found.heads,
            "redacted": found.redacted,
            "whole": found.fault is None,
        }
        fault = {**found.fault.__dict__} if found.fault else None
        record(
            database, actor().event("audit.verify", "event", "*", detail={**said, "fault": fault})
        )
    if not heads.exists():
        say(
            f"there is no {heads}: nothing outside of the database was compared (the worker's data folder has it)"
        )
    lines = [
        f"events as they were sealed: {found.events:,}",
        f"seals in one chain: {found.seals:,}",
        f"heads as they were written outside: {found.heads:,}",
        f"of them changed where somebody was destroyed, as certificates prove: {found.redacted:,}",
        f"events newer than the last seal: {found.unsealed:,}",
    ]
    report({**said, "fault": fault}, as_json=as_json, lines=lines if found.fault is None else [])
    if found.fault:
        raise Found(found.fault.sentence)


def seal(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Seal what is new in the log, as the worker does every minute, and write the head outside of the database."""
    from warehouse import audit
    from warehouse.events import record

    settings = settings_for(data_dir)
    with connect(settings) as database:
        record(database, actor().event("audit.seal", "event", "*"))
        database.commit()
        try:
            count = audit.seal(database, settings)
        except audit.Broken as broken:
            raise Found(str(broken)) from broken
    report(
        {"sealed": count, "heads": str(audit.heads_file(settings))},
        as_json=as_json,
        lines=[f"{count:,} event{'' if count == 1 else 's'} sealed"],
    )
