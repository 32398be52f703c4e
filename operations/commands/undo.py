"""`./crm undo`: take a decision back, whatever it decided."""

from __future__ import annotations

from typing import Annotated

import typer

from operations.invocation import AsJson, DataDir, actor, connect, report, settings_for


def register(app: typer.Typer) -> None:
    app.command("undo")(undo)


def undo(
    decision_id: Annotated[
        str,
        typer.Argument(metavar="DECISION", help="The decision's id, as its command printed it."),
    ],
    reason: Annotated[
        str,
        typer.Option(
            "--reason",
            help="Why; kept with the undo. Needed where it puts two customers' data together.",
        ),
    ] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Take a decision back: what it changed stands as before. An undo is a decision, and can be undone."""
    from warehouse import decisions

    with connect(settings_for(data_dir)) as database:
        undone = decisions.undo(database, actor(), decision_id, reason)
    report(
        {
            "decision_id": undone.decision_id,
            "undone": undone.undone,
            "action": undone.action,
            "customer_ids": undone.customer_ids,
        },
        as_json=as_json,
        lines=[f"{undone.action} is undone (decision {undone.decision_id})"],
    )
