"""`./crm link` and `./crm unlink`: a decision that an identity belongs to a customer, and its end."""

from __future__ import annotations

from typing import Annotated

import typer

from operations.invocation import AsJson, DataDir, actor, connect, report, settings_for

IdentityText = Annotated[
    str, typer.Argument(metavar="IDENTITY", help="scheme:value or scheme:scope:value.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept with the decision.")]


def register(app: typer.Typer) -> None:
    app.command("link")(link)
    app.command("unlink")(unlink)


def link(
    identity: IdentityText,
    customer_id: Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's id.")],
    reason: Reason,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Decide that an identity belongs to a customer. Its messages join the timeline at once."""
    from warehouse import decisions

    with connect(settings_for(data_dir)) as database:
        made = decisions.link(database, actor(), identity, customer_id, reason=reason)
    word = "belongs now" if made.changed else "belonged already"
    report(
        {
            "identity": made.identity,
            "customer_id": made.customer_id,
            "decision_id": made.decision_id,
            "changed": made.changed,
        },
        as_json=as_json,
        lines=[f"{made.identity} {word} to customer {made.customer_id}"],
    )


def unlink(
    identity: IdentityText, reason: Reason, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """End the open link of an identity. Its messages go back to the unassigned queue."""
    from warehouse import decisions

    with connect(settings_for(data_dir)) as database:
        ended = decisions.unlink(database, actor(), identity, reason=reason)
    report(
        {
            "identity": ended.identity,
            "customer_id": ended.customer_id,
            "link_id": ended.link_id,
            "decision_id": ended.decision_id,
        },
        as_json=as_json,
        lines=[f"{ended.identity} no longer belongs to customer {ended.customer_id}"],
    )
