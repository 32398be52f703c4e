"""Decisions about a customer as such: that there is one, what they are called, and that lists show them no more."""

from __future__ import annotations

import secrets
from typing import Any

from warehouse.decisions.ledger import (
    LONGEST_REASON,
    Change,
    Database,
    Deciding,
    deciding,
    execute,
    line,
    lock,
    reverses,
    run,
)
from warehouse.events import Actor
from warehouse.queries import queries
from warehouse.refusals import Refused

MERGING = queries("merging")
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
    with deciding(database, actor, decision_id=decision_id) as decided:
        customer_id = add_customer(decided, kept_name, notes=notes)
        decided.says(
            "customer.create", "customer", customer_id, customer_ids=[customer_id], **(source or {})
        )
    return customer_id


def add_customer(decided: Deciding, name: str, *, notes: str = "") -> str:
    """Make a customer within a decision; returns the id."""
    customer_id = secrets.token_hex(16)
    run(
        decided.database, "add_customer",
        customer_id=customer_id, name=name, notes=notes.replace("\0", " "), created_by=decided.actor.name,
    )  # fmt: skip
    _changed(decided, "customer.create", customer_id)
    return customer_id


def rename_customer(
    database: Database, actor: Actor, customer_id: str, name: str, *, reason: str = ""
) -> str | None:
    """Call a customer otherwise; returns the decision's id, None where they are called so already.

    Raises:
        Refused: there is no such customer, or the name is unusable.
    """
    kept_name = customer_name(name)
    why = line(reason, "reason", LONGEST_REASON, "say why") if reason.strip() else ""
    with deciding(database, actor, reason=why) as decided:
        row = _held(decided, customer_id)
        if row["name"] == kept_name:
            return None
        _rename(decided, row["customer_id"], row["name"], kept_name)
        # Names are personal: the event tells that, the ledger what.
        decided.says(
            "customer.rename", "customer", row["customer_id"], customer_ids=[row["customer_id"]]
        )
    return decided.decision_id


def archive_customer(database: Database, actor: Actor, customer_id: str, *, reason: str) -> str:
    """Take a customer out of the lists; returns the decision's id. Their identities must be somebody else's or nobody's
    before: an archived customer's messages would be seen by nobody.

    Raises:
        Refused: there is no such customer, they have identities, or the reason is missing.
    """
    why = line(reason, "reason", LONGEST_REASON, "say why")
    with deciding(database, actor, reason=why) as decided:
        row = _held(decided, customer_id)
        _take_out(decided, row["customer_id"])
        decided.says(
            "customer.archive", "customer", row["customer_id"], customer_ids=[row["customer_id"]]
        )
    return decided.decision_id


def name_of(customer_id: str) -> str:
    """The subject of decisions what a customer is called."""
    return f"name of {customer_id}"


def _held(decided: Deciding, customer_id: str) -> dict[str, Any]:
    """The row of a customer who is in the lists, until the transaction ends."""
    text = customer_id.replace("\0", "").strip()
    lock(decided.database, [f"customer {text}", name_of(text)])
    rows = execute(decided.database, MERGING["hold_customers"], {"customer_ids": [text]})
    if not rows or rows[0]["archived_at"]:
        raise Refused(f"there is no customer {text[:100]}")
    return rows[0]


def _rename(decided: Deciding, customer_id: str, before: str, after: str) -> None:
    execute(
        decided.database, MERGING["rename_customer"], {"customer_id": customer_id, "name": after}
    )
    decided.changed(
        "customer.rename", name_of(customer_id), "customer", customer_id,
        customer_ids=[customer_id], data={"before": before, "after": after},
    )  # fmt: skip


@reverses("customer.rename")
def _name_back(decided: Deciding, change: Change) -> None:
    _rename(decided, change.object_id, change.data["after"], change.data["before"])


def _changed(decided: Deciding, action: str, customer_id: str) -> None:
    decided.changed(
        action, f"customer {customer_id}", "customer", customer_id, customer_ids=[customer_id]
    )


@reverses("customer.create", "customer.restore")
def _archive(decided: Deciding, change: Change) -> None:
    _take_out(decided, change.object_id)


def _take_out(decided: Deciding, customer_id: str) -> None:
    # Who links to them waits, or was waited for.
    execute(decided.database, MERGING["hold_customers"], {"customer_ids": [customer_id]})
    if run(decided.database, "links_of_customer", customer_id=customer_id):
        raise Refused(
            f"customer {customer_id} has identities by now: unlink them first, or undo what linked them"
        )
    run(
        decided.database, "archive_customer",
        customer_id=customer_id, archived_by=decided.actor.name,
    )  # fmt: skip
    _changed(decided, "customer.archive", customer_id)


@reverses("customer.archive")
def _restore(decided: Deciding, change: Change) -> None:
    run(decided.database, "restore_customer", customer_id=change.object_id)
    _changed(decided, "customer.restore", change.object_id)
