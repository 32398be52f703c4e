"""`./crm refresh` and `./crm rebuild`: the models, taken up to now or built again from raw."""

from __future__ import annotations

from typing import Annotated

import typer

from operations.commands.privacy import sweep_after
from operations.invocation import AsJson, DataDir, Found, report, say, settings_for


def register(app: typer.Typer) -> None:
    app.command("refresh")(refresh)
    app.command("rebuild")(rebuild)


def refresh(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Have everything that has arrived in the tables: wait for the resident process, or do its work where none runs."""
    from transform.models import ModelsFailed
    from transform.resident import take_in

    settings = settings_for(data_dir)
    try:
        seconds = take_in(settings)
    except ModelsFailed as failure:
        raise Found(f"the refresh failed: {failure}") from failure
    sweep_after(settings)
    report({"seconds": round(seconds, 3)}, as_json=as_json, lines=[f"refreshed in {seconds:.1f} s"])


Unchecked = Annotated[
    bool,
    typer.Option("--unchecked", help="Publish what was built whatever the checks would say."),
]


def rebuild(
    data_dir: DataDir = None, as_json: AsJson = False, is_unchecked: Unchecked = False
) -> None:
    """Build everything dbt owns anew from raw, beside what serves, check it, and swap; prints the
    hashes of canonical.messages before and after. Where a critical check fails nothing is swapped."""
    from transform.build import build
    from transform.models import ModelsFailed

    settings = settings_for(data_dir)
    try:
        rebuilt = build(settings, say=say, is_checked=not is_unchecked)
    except ModelsFailed as failure:
        raise Found(f"the rebuild failed: {failure}") from failure
    sweep_after(settings)
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
