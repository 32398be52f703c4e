"""`./crm customer`: the customers we know already; here the import of a list."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from operations.commands import customer_list
from operations.invocation import AsJson, DataDir, actor, connect, report, say, settings_for
from warehouse.refusals import Refused

if TYPE_CHECKING:
    from warehouse.customer_lines import Progress
    from warehouse.customer_plan import Plan

#: Where no terminal shows a bar, a line each so many lines.
PROGRESS_EVERY = 20_000


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="The customers we know already.", no_args_is_help=True)

    group.command("import")(import_file)
    customer_list.add_to(group)
    app.add_typer(group, name="customer")


def import_file(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.csv",
            help="Columns name, phone, email, instagram, facebook, notes in any order.",
        ),
    ],
    preview: Annotated[
        bool, typer.Option("--preview", help="Say what it would do, and change nothing.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make customers of the lines of a CSV file, or match them by phone and mail address.

    The file is imported as a whole, or not at all; a line that is refused changes nothing, and importing again changes
    nothing. Of a line with one unusable address the others are taken, and that one is named. An address that
    two lines give to two people goes to neither. Instagram and Facebook names are kept in the notes: a name there is
    not the id that messages carry.
    """
    from warehouse import customer_import, customer_plan
    from warehouse.customer_file import read_file
    from warehouse.events import record

    try:
        content = file.read_bytes()
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}") from error
    read = read_file(content, called=str(file))
    with connect(settings_for(data_dir)) as database, _progress() as progress:
        database.autocommit = True
        if preview:
            plan = customer_plan.plan(database, read.lines, progress=progress)
            # Whose the addresses of a file are is told by it.
            shown = plan.of_ours(plan.matched, plan.named)
            detail = {"file": file.name[:200], "lines": len(read.lines), "count": len(shown)}
            told = actor().event(
                "customer.preview", "customer", "*", customer_ids=shown, detail=detail
            )
            record(database, told)
        else:
            plan = customer_import.carry_out(
                database, actor(), read.lines, source=file.name, progress=progress
            )
    report(
        customer_plan.summary(plan) | {"encoding": read.encoding, "preview": preview},
        as_json=as_json,
        lines=_told(plan, preview=preview),
    )


def _told(plan: Plan, *, preview: bool) -> list[str]:
    refused = {(each.line, each.reason) for each in plan.refused}
    told = [(each.line, f"line {each.line} refused: {each.reason}") for each in plan.refused]
    told += [
        (each.line, f"line {each.line} taken without one address: {each.reason}")
        for each in (*plan.left_out, *plan.conflicts)
        if (each.line, each.reason) not in refused
    ]
    would = "would be " if preview else ""
    return [
        *(sentence for _, sentence in sorted(told)),
        f"{would}{len(plan.customers)} made, {len(plan.matched)} matched, {len(plan.refused)} refused",
    ]


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on a terminal; plain lines now and then elsewhere."""
    if not sys.stderr.isatty():
        last: dict[str, int] = {}

        def line(words: str, done: int, total: int) -> None:
            if done - last.get(words, 0) >= PROGRESS_EVERY:
                last[words] = done
                say(f"{done:,} of {total:,} {words}")

        yield line
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        tasks = {}

        def draw(words: str, done: int, total: int) -> None:
            if words not in tasks:
                tasks[words] = bar.add_task(words, total=total)
            bar.update(tasks[words], completed=done)

        yield draw
