"""`./crm merge`, `./crm move`, `./crm split`: two customers are one, an identity is another's, one customer is two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from operations.commands.link import IdentityText, Reason
from operations.invocation import AsJson, DataDir, actor, connect, report, settings_for

if TYPE_CHECKING:
    from warehouse.decisions import Size

CustomerId = Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's id.")]


def register(app: typer.Typer) -> None:
    app.command("merge")(merge)
    app.command("move")(move)
    app.command("split")(split)


def merge(
    from_customer: Annotated[str, typer.Argument(metavar="FROM", help="Whose identities go.")],
    into_customer: Annotated[str, typer.Argument(metavar="INTO", help="Who gets them.")],
    reason: Reason,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make two customers one: every identity of FROM belongs to INTO. Undo it by the decision's id, exactly."""
    from warehouse import decisions

    with connect(settings_for(data_dir)) as database:
        before = decisions.sizes(database, [from_customer, into_customer])
        made = decisions.merge(database, actor(), from_customer, into_customer, reason=reason)
        after = decisions.sizes(database, [into_customer])
    report(
        {
            "decision_id": made.decision_id,
            "from": from_customer,
            "into": made.customer_id,
            "identities": made.identities,
            "before": {each: counts(size) for each, size in before.items()},
            "after": {each: counts(size) for each, size in after.items()},
        },
        as_json=as_json,
        lines=[
            f"{len(made.identities)} identities of customer {from_customer} belong to {made.customer_id} now",
            *(f"before: customer {each} had {size.messages:,} messages" for each, size in before.items()),
            *(f"now: customer {each} has {size.messages:,} messages" for each, size in after.items()),
            f"to take it back: ./crm undo {made.decision_id} --reason …",
        ],
    )  # fmt: skip


def counts(size: Size) -> dict[str, Any]:
    """What stands under a customer, for `--json`."""
    return {"identities": size.identities, "messages": size.messages}


def move(
    identity: IdentityText,
    customer_id: CustomerId,
    reason: Reason,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Give an identity that belongs to a customer to another one."""
    from warehouse import decisions

    with connect(settings_for(data_dir)) as database:
        made = decisions.move(database, actor(), identity, customer_id, reason=reason)
    report(
        {
            "identity": made.identity,
            "customer_id": made.customer_id,
            "decision_id": made.decision_id,
        },
        as_json=as_json,
        lines=[f"{made.identity} belongs now to customer {made.customer_id}"],
    )


def split(
    customer_id: CustomerId,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the customer that is made.")],
    identity: Annotated[
        list[str], typer.Option("--identity", help="What is theirs; may be given several times.")
    ],
    reason: Reason,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make a customer of some of another's identities: they were two people."""
    from warehouse import decisions

    with connect(settings_for(data_dir)) as database:
        made = decisions.split(database, actor(), customer_id, identity, name, reason=reason)
    report(
        {
            "decision_id": made.decision_id,
            "customer_id": made.customer_id,
            "identities": made.identities,
        },
        as_json=as_json,
        lines=[f"{len(made.identities)} identities belong to the new customer {made.customer_id}"],
    )
