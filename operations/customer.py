"""`./crm customer`: the customers we know already, from a list."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from operations.invocation import AsJson, DataDir, connect, report, settings_for


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="The customers we know already.", no_args_is_help=True)

    @group.callback()
    def _keep_import_named() -> None:
        """A callback keeps Typer from folding the lone command into the group."""

    group.command("import")(import_file)
    app.add_typer(group, name="customer")


def import_file(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.csv",
            help="Columns name, phone, email, instagram, facebook, notes in any order.",
        ),
    ],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make customers of the lines of a CSV file, or match them by phone and mail address.

    Each line is its own transaction. A line that is refused changes nothing; importing again
    changes nothing. Of a line with one unusable address the others are taken, and that one is
    named. Instagram and Facebook names are kept in the notes: a name there is not the id that
    messages carry.
    """
    from operations.customer_import import import_lines, read_lines

    lines = read_lines(file)
    with connect(settings_for(data_dir)) as database:
        # One transaction per line.
        database.autocommit = True
        outcome = import_lines(database, lines, source=file.name)
    told = [f"line {each['line']} refused: {each['reason']}" for each in outcome.refused]
    told += [
        f"line {each['line']} taken without one address: {each['reason']}"
        for each in outcome.left_out
    ]
    told.append(f"{outcome.made} made, {outcome.matched} matched, {len(outcome.refused)} refused")
    report(
        {
            "made": outcome.made,
            "matched": outcome.matched,
            "refused": outcome.refused,
            "left_out": outcome.left_out,
        },
        as_json=as_json,
        lines=told,
    )
