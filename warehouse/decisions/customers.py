"""Decisions about a customer as such: that there is one."""

from __future__ import annotations

import secrets
from typing import Any

from warehouse.decisions.ledger import Change, Database, Deciding, deciding, line, reverses, run
from warehouse.events import Actor
from warehouse.refusals import Refused

LONGEST_NAME = 200


def customer_name(text: str) -> str:
    """A customer's name as it is kept: one line.

    Raises:
        Refused: nothing is left of it, or it is too long.
    """
    return line(text, "name", LONGEST_NAME, "give one")


def create_customer(
    database: Database,
    actor: Actor,
    name: str,
    *,
    notes: str = "",
    decision_id: str | None = None,
    source: dict[str, Any] | None = None,
) -> str:
    """Make a customer; returns the customer's id.

    Args:
        source: where it comes from, for the event: a file and its line.

    Raises:
        Refused: the name is unusable.
    """
    kept_name = customer_name(name)
    customer_id = secrets.token_hex(16)
    with deciding(database, actor, decision_id=decision_id) as decided:
        run(
            database, "add_customer",
            customer_id=customer_id, name=kept_name, notes=notes.replace("\0", " "), created_by=actor.name,
        )  # fmt: skip
        _changed(decided, "customer.create", customer_id)
        decided.says(
            "customer.create", "customer", customer_id, customer_ids=[customer_id], **(source or {})
        )
    return customer_id


def _changed(decided: Deciding, action: str, customer_id: str) -> None:
    decided.changed(
        action, f"customer {customer_id}", "customer", customer_id, customer_ids=[customer_id]
    )


@reverses("customer.create", "customer.restore")
def _archive(decided: Deciding, change: Change) -> None:
    if run(decided.database, "links_of_customer", customer_id=change.object_id):
        raise Refused(
            f"customer {change.object_id} has identities by now: unlink them first, or undo what linked them"
        )
    run(
        decided.database, "archive_customer",
        customer_id=change.object_id, archived_by=decided.actor.name,
    )  # fmt: skip
    _changed(decided, "customer.archive", change.object_id)


@reverses("customer.archive")
def _restore(decided: Deciding, change: Change) -> None:
    run(decided.database, "restore_customer", customer_id=change.object_id)
    _changed(decided, "customer.restore", change.object_id)
