"""`./crm refresh` and `./crm rebuild`: the models, taken up to now or built again from raw."""

from __future__ import annotations

import typer

from operations.invocation import AsJson, DataDir, Found, report, say, settings_for


def register(app: typer.Typer) -> None:
    app.command("refresh")(refresh)
    app.command("rebuild")(rebuild)


def refresh(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Take everything that has arrived into the tables now. Readers see it without this, too."""
    from pipelines.refresh import RefreshFailed, request_refresh

    try:
        seconds = request_refresh(settings_for(data_dir))
    except RefreshFailed as failure:
        raise Found(f"the refresh failed: {failure}") from failure
    report({"seconds": round(seconds, 3)}, as_json=as_json, lines=[f"refreshed in {seconds:.1f} s"])


def rebuild(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Drop and rebuild everything dbt owns from raw; prints the hashes of canonical.messages before and after."""
    from pipelines.rebuild import rebuild as rebuild_models
    from pipelines.refresh import Models, RefreshFailed, connect

    settings = settings_for(data_dir)
    say("parsing the models")
    try:
        with connect(settings) as database:
            rebuilt = rebuild_models(Models(settings), database)
    except RefreshFailed as failure:
        raise Found(f"the rebuild failed: {failure}") from failure
    report(
        {
            "before": rebuilt.before,
            "after": rebuilt.after,
            "rows": rebuilt.rows_after,
            "seconds": round(rebuilt.seconds, 1),
        },
        as_json=as_json,
        lines=[
            f"before {rebuilt.before} ({rebuilt.rows_before} messages)",
            f"after  {rebuilt.after} ({rebuilt.rows_after} messages), built in {rebuilt.seconds:.1f} s",
        ],
    )
    if not rebuilt.is_equal:
        raise Found("the hashes differ: what raw gives is not what the tables held")
