"""What people decide on pages: whether they may, then the decision itself (`warehouse/decisions`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app import database
from app.access.authority import viewer_within
from app.access.roles import Permission
from app.access.sessions import Viewer
from app.database import Database
from warehouse import decisions

#: Where a link that a page decides on was seen.
EVIDENCE = {"from": "unassigned queue"}


@contextmanager
def deciding(viewer: Viewer, permission: Permission) -> Iterator[Database]:
    """A transaction for what this person may decide: all of it or nothing. They stay who they are until it ends.

    Raises:
        Forbidden: the role may not, or their session has ended.
    """
    with database.pool().connection() as connection, connection.transaction():
        viewer_within(connection, viewer, permission, holds=True)
        yield connection


def create_customer(
    viewer: Viewer, name: str, *, identity: str | None = None, reason: str = ""
) -> str:
    """Make a customer, and link the identity to it where one is given; returns the customer's id.

    Raises:
        Forbidden: the role may not.
        Refused: the name or the reason is missing, or the identity is someone's already.
    """
    decision_id = decisions.new_decision_id()
    with deciding(viewer, Permission.DECIDE_CUSTOMER) as connection:
        customer_id = decisions.create_customer(
            connection, viewer.actor, name, decision_id=decision_id
        )
        if identity:
            decisions.link(
                connection, viewer.actor, identity, customer_id,
                reason=reason, evidence=EVIDENCE, decision_id=decision_id,
            )  # fmt: skip
    return customer_id


def link_identity(viewer: Viewer, identity: str, customer_id: str, *, reason: str) -> None:
    """Decide that an identity belongs to a customer: their whole timeline follows at once.

    Raises:
        Forbidden: the role may not.
        Refused: no reason, no such customer, or the identity is someone else's already.
    """
    with deciding(viewer, Permission.DECIDE_CUSTOMER) as connection:
        decisions.link(
            connection, viewer.actor, identity, customer_id, reason=reason, evidence=EVIDENCE
        )
