"""`./crm down`: stop what runs on a data folder."""

from __future__ import annotations

import typer

from operations.invocation import AsJson, DataDir, data_folder, report


def register(app: typer.Typer) -> None:
    app.command("down")(down)


def down(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Stop everything that runs on this data folder, also what a killed supervisor left behind."""
    from operations.runtime import running

    stopped = running.stop(data_folder(data_dir))
    lines = [f"stopped {name} (pid {pid})" for name, pid in stopped.items()]
    report(
        {"stopped": stopped}, as_json=as_json, lines=lines or ["nothing ran on this data folder"]
    )
