"""`./crm link` and `./crm unlink`: a decision that an identity belongs to a customer, and its end."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated, Any

import typer

from operations.invocation import AsJson, DataDir, Refused, actor, connect, report, settings_for

if TYPE_CHECKING:
    import psycopg

    from warehouse.identities import Identity, Written

IdentityText = Annotated[
    str, typer.Argument(metavar="IDENTITY", help="scheme:value or scheme:scope:value.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept with the decision.")]


def register(app: typer.Typer) -> None:
    app.command("link")(link)
    app.command("unlink")(unlink)


def link(
    identity_text: IdentityText,
    customer_id: Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's id.")],
    reason: Reason,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Decide that an identity belongs to a customer. Its messages join the timeline at once."""
    from warehouse.identities import normal
    from warehouse.queries import queries

    sql = queries("operations")
    written = usable(identity_text)
    if not reason.strip():
        raise Refused("--reason is empty: say why")
    with connect(settings_for(data_dir)) as database:
        (identity,) = normal(database, [written])
        if not database.execute(sql["one_customer"], {"customer_id": customer_id}).fetchone():
            raise Refused(f"there is no customer {customer_id}")
        database.execute(sql["lock_identities"], {"identities": [str(identity)]})
        taken = database.execute(sql["open_links"], {"identities": [str(identity)]}).fetchone()
        if taken and taken[1] != customer_id:
            raise Refused(f"{identity} belongs to customer {taken[1]}: unlink it first")
        decision_id = None if taken else secrets.token_hex(16)
        if decision_id:
            open_link(
                database,
                identity=identity,
                customer_id=customer_id,
                decision_id=decision_id,
                reason=reason.strip(),
                evidence={},
            )
    report(
        {
            "identity": str(identity),
            "customer_id": customer_id,
            "decision_id": decision_id,
            "changed": not taken,
        },
        as_json=as_json,
        lines=[
            f"{identity} {'belonged already' if taken else 'belongs now'} to customer {customer_id}"
        ],
    )


def unlink(
    identity_text: IdentityText, reason: Reason, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """End the open link of an identity. Its messages go back to the unassigned queue."""
    from warehouse.events import Event, record
    from warehouse.identities import normal
    from warehouse.queries import queries

    written = usable(identity_text)
    if not reason.strip():
        raise Refused("--reason is empty: say why")
    with connect(settings_for(data_dir)) as database:
        (identity,) = normal(database, [written])
        ended = database.execute(
            queries("operations")["end_link"],
            {"identity": str(identity), "ended_by": actor(), "end_reason": reason.strip()},
        ).fetchone()
        if ended is None:
            raise Refused(f"{identity} has no open link")
        record(
            database,
            Event(
                actor=actor(),
                role="admin",
                action="identity.unlink",
                object_type="identity",
                object_id=str(identity),
                customer_ids=[ended[1]],
                detail={"link_id": ended[0], "reason": reason.strip()},
            ),
        )
    report(
        {"identity": str(identity), "customer_id": ended[1], "link_id": ended[0]},
        as_json=as_json,
        lines=[f"{identity} no longer belongs to customer {ended[1]}"],
    )


def usable(text: str) -> Written:
    """
    Raises:
        Refused: the text is no identity.
    """
    from warehouse.identities import UnusableIdentity, parse

    try:
        return parse(text)
    except UnusableIdentity as error:
        raise Refused(f"IDENTITY is unusable: {error}") from error


def open_link(
    database: psycopg.Connection[Any],
    *,
    identity: Identity,
    customer_id: str,
    decision_id: str,
    reason: str,
    evidence: dict[str, Any],
) -> str:
    """Open a link with its event, in the caller's transaction; returns the link's id."""
    from psycopg.types.json import Jsonb

    from warehouse.events import Event, record
    from warehouse.queries import queries

    link_id = secrets.token_hex(16)
    database.execute(
        queries("operations")["open_link"],
        {
            "link_id": link_id,
            "decision_id": decision_id,
            "identity": str(identity),
            "customer_id": customer_id,
            "linked_by": actor(),
            "reason": reason,
            "evidence": Jsonb(evidence),
        },
    )
    record(
        database,
        Event(
            actor=actor(),
            role="admin",
            action="identity.link",
            object_type="identity",
            object_id=str(identity),
            customer_ids=[customer_id],
            detail={"link_id": link_id, "decision_id": decision_id, "reason": reason},
        ),
    )
    return link_id
