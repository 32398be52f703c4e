"""`./crm bench`: one benchmark of `benchmarks/`, with the machine's own limit measured in the same run."""

from __future__ import annotations

import importlib
import inspect
import sys
from typing import Annotated

import typer

from operations.invocation import ROOT, AsJson, DataDir, report, settings_for
from warehouse.refusals import Refused

FOLDER = ROOT / "benchmarks"


def register(app: typer.Typer) -> None:
    app.command("bench")(bench)


def bench(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which benchmark.")],
    scale: Annotated[
        int | None,
        typer.Option(
            "--scale",
            metavar="N",
            min=1,
            help="Stored messages, or what the benchmark says (posts, rounds, seconds) [default: its own].",
        ),
    ] = None,
    people: Annotated[
        int | None,
        typer.Option("--people", metavar="N", min=1, help="People at work at once (staff, hours)."),
    ] = None,
    app_processes: Annotated[
        int | None,
        typer.Option(
            "--app-processes",
            metavar="N",
            min=1,
            help="App processes that serve them (staff, hours).",
        ),
    ] = None,
    hours: Annotated[
        float | None,
        typer.Option("--hours", metavar="N", min=0.01, help="So much of a working day (hours)."),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Run one benchmark and print its table."""
    from warehouse.settings import SettingsError

    known = benchmarks()
    if name not in known:
        raise Refused(f"there is no benchmark {name} (there are: {', '.join(known) or 'none'})")
    settings = settings_for(data_dir)
    try:
        # A benchmark may bring a warehouse of its own; it takes ours only where one is.
        _ = settings.admin_url
        given = settings
    except SettingsError:
        given = None
    module = importlib.import_module(f"benchmarks.{name}")
    asked = {"people": people, "app_processes": app_processes, "hours": hours}
    more = {option: value for option, value in asked.items() if value is not None}
    for option in more.keys() - inspect.signature(module.run).parameters:
        raise Refused(f"the benchmark {name} takes no --{option.replace('_', '-')}")
    document = module.run(given, scale, **more)
    report(document, as_json=as_json, lines=table(document))


def benchmarks() -> list[str]:
    """The names that `bench` takes: the modules of the folder that can be run."""
    return sorted(
        file.stem
        for file in FOLDER.glob("*.py")
        if not file.stem.startswith("_") and "\ndef run(" in file.read_text()
    )


def table(document: dict[str, object]) -> list[str]:
    """The results for people; on a terminal as a table with the machine beside it."""
    from rich.console import Console
    from rich.table import Table

    drawn = Table(
        title=f"{document.get('name')}  (scale {document.get('scale')})",
        caption=str(document.get("machine")),
    )
    for column in ("what", "value", "unit", "limit", "ratio"):
        drawn.add_column(column, justify="left" if column in ("what", "unit") else "right")
    results = document.get("results")
    assert isinstance(results, list), "a benchmark returns its results as a list"
    for row in results:
        drawn.add_row(*(_figure(row.get(c)) for c in ("what", "value", "unit", "limit", "ratio")))
    console = Console(width=None if sys.stdout.isatty() else 110)
    with console.capture() as captured:
        console.print(drawn)
    return captured.get().splitlines()


def _figure(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
