"""`./crm dbt …`: dbt on the running warehouse, as dbt people use it. All arguments are dbt's own.

./crm dbt docs generate
./crm dbt build --select stg_twilio_sms__webhook_copies+
./crm dbt test --select marts_messages
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import typer

from operations.invocation import ROOT, DataDir, Found, settings_for
from warehouse.refusals import Refused

if TYPE_CHECKING:
    import psycopg

    from warehouse.settings import Settings

#: What stands behind dbt's own command is dbt's, `--help` too.
PASSED_ON = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "allow_interspersed_args": False,
}
WRITING = {"build", "clone", "retry", "run", "run-operation", "seed", "snapshot"}


def register(app: typer.Typer) -> None:
    app.command("dbt", context_settings=PASSED_ON)(dbt)


def dbt(context: typer.Context, data_dir: DataDir = None) -> None:
    """Run dbt on the running warehouse; everything after `dbt` is its own. While it writes nobody folds."""
    from transform.fold import SQL, connect

    arguments = list(context.args)
    settings = settings_for(data_dir)
    with connect(settings, "crm dbt") as database:
        if WRITING.isdisjoint(arguments):
            raise typer.Exit(_run(settings, arguments))
        if not {"--full-refresh", "-f"}.isdisjoint(arguments):
            raise Refused(
                "a full refresh takes the tables away from the pages while it runs: "
                "./crm rebuild builds them beside what serves"
            )
        before = _relations(database)
        with database.transaction():
            # What lands meanwhile waits. The models themselves take in nothing new: that is the fold's.
            database.execute(SQL["lock_fold"], {"build": "live"})
            status = _run(settings, arguments)
        lost = sorted(before - _relations(database))
    if lost:
        raise Found(
            f"dbt dropped what stood on a view that it made anew: {', '.join(lost)}. "
            "Select what depends on a model too (`-s model+`); ./crm rebuild brings everything back"
        )
    raise typer.Exit(status)


def _run(settings: Settings, arguments: list[str]) -> int:
    """dbt's own exit status: 0 done, 1 something failed, 2 it could not start."""
    from transform.models import environment

    return subprocess.run(
        [sys.executable, "-P", "-c", "from dbt.cli.main import cli; cli()", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment(settings)},
        check=False,
    ).returncode


def _relations(database: psycopg.Connection[Any]) -> set[str]:
    from transform.build import SCHEMAS
    from transform.fold import SQL

    return {
        f"{schema}.{name}"
        for schema in SCHEMAS
        for name, _ in database.execute(SQL["relations"], {"schema": schema}).fetchall()
    }
