"""What people decide: one function per decision, its transaction holding the change and its event."""

from __future__ import annotations

import secrets

from psycopg.types.json import Jsonb

from app import database
from app.database import Database
from app.roles import Permission, require
from app.sessions import Viewer
from warehouse.events import record
from warehouse.queries import queries

SQL = queries("app_act")

LONGEST_NAME = 200
LONGEST_REASON = 1_000


class Refused(Exception):
    """The decision cannot be carried out; the text says why, for the person who made it."""


def _text(value: str, what: str, longest: int) -> str:
    """One line of a form without what the database refuses.

    Raises:
        Refused: nothing is left of it, or it is too long.
    """
    text = " ".join(value.replace("\0", " ").split())
    if not text:
        raise Refused(f"Give a {what}.")
    if len(text) > longest:
        raise Refused(f"The {what} is longer than {longest} characters.")
    return text


def create_customer(
    viewer: Viewer, name: str, *, identity: str | None = None, reason: str = ""
) -> str:
    """Make a customer, and link the identity to it where one is given; returns the customer's id.

    Raises:
        Forbidden: the role may not.
        Refused: the name or the reason is missing, or the identity is someone's already.
    """
    require(viewer.role, Permission.DECIDE_CUSTOMER)
    clean = _text(name, "name", LONGEST_NAME)
    why = _text(reason, "reason", LONGEST_REASON) if identity else ""
    customer_id = secrets.token_hex(16)
    with database.pool().connection() as connection:
        connection.execute(
            SQL["add_customer"],
            {"customer_id": customer_id, "name": clean, "created_by": viewer.user_name},
        )
        record(
            connection,
            viewer.event("customer.create", "customer", customer_id, customer_ids=[customer_id]),
        )
        if identity:
            _link(connection, viewer, identity, customer_id, why)
    return customer_id


def link_identity(viewer: Viewer, identity: str, customer_id: str, *, reason: str) -> None:
    """Decide that an identity belongs to a customer: their whole timeline follows at once.

    Raises:
        Forbidden: the role may not.
        Refused: no reason, no such customer, or the identity is someone's already.
    """
    require(viewer.role, Permission.DECIDE_CUSTOMER)
    why = _text(reason, "reason", LONGEST_REASON)
    with database.pool().connection() as connection:
        known = connection.execute(SQL["customer_name"], {"customer_id": customer_id}).fetchone()
        if known is None:
            raise Refused("This customer is not there any more. Search again.")
        _link(connection, viewer, identity, customer_id, why)


def _link(
    connection: Database, viewer: Viewer, identity: str, customer_id: str, reason: str
) -> None:
    decision_id = secrets.token_hex(16)
    opened = connection.execute(
        SQL["open_link"],
        {
            "link_id": secrets.token_hex(16),
            "decision_id": decision_id,
            "identity": identity,
            "customer_id": customer_id,
            "linked_by": viewer.user_name,
            "reason": reason,
            "evidence": Jsonb({"from": "unassigned queue"}),
        },
    ).fetchone()
    if opened is None:
        holder = connection.execute(SQL["linked_to"], {"identity": identity}).fetchone()
        name = f" to {holder['name']}" if holder else ""
        raise Refused(f"Someone linked it{name} a moment ago. Nothing was changed.")
    record(
        connection,
        viewer.event(
            "identity.link",
            "identity",
            identity,
            customer_ids=[customer_id],
            detail={"decision_id": decision_id, "reason": reason},
        ),
    )
