"""Decisions that somebody is no customer, and that two are not the same: what the queue asks no more."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

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
)
from warehouse.decisions.links import (
    Owner,
    Taken,
    end_mark,
    guards,
    mark_of,
    owners,
    owners_seen,
    written,
)
from warehouse.decisions.merging import SQL
from warehouse.events import Actor
from warehouse.identities import Identity
from warehouse.refusals import Refused


def not_a_customer(
    database: Database,
    actor: Actor,
    identity: str | Identity,
    *,
    reason: str,
    decision_id: str | None = None,
) -> str | None:
    """Say that an identity is nobody's and is to be nobody's; returns the decision's id, None where it stood so before.

    Its messages stay, are found and can be read; the queue asks about them no more.

    Raises:
        Taken: it is a customer's.
        Refused: the identity or the reason is unusable.
    """
    why = line(reason, "reason", LONGEST_REASON, "say why")
    text = written(database, identity)
    with deciding(database, actor, reason=why, decision_id=decision_id) as decided:
        _refuse_taken(text, owners(database, [text]))
        if execute(database, SQL["is_marked"], {"identity": text}):
            return None
        _mark(decided, text)
        decided.says("identity.mark", "identity", text)
    return decided.decision_id


def _mark(decided: Deciding, identity: str) -> None:
    """Mark it, where it is nobody's by now. The caller has locked what is decided on it.

    Raises:
        Refused: a list is imported at this moment, and may make it a customer's.
    """
    if not execute(decided.database, SQL["lock_out_lists"], {})[0]["is_ours"]:
        raise Refused(
            "a list of customers is imported just now, and nothing was changed: try again in a minute"
        )
    # What a list made of it since its locks were taken is seen from here on.
    _refuse_taken(identity, owners_seen(decided.database, [identity]))
    made = execute(
        decided.database,
        SQL["mark_not_customer"],
        {
            "mark_id": secrets.token_hex(16), "decision_id": decided.decision_id, "identity": identity,
            "reason": decided.reason, "by": decided.actor.name,
        },
    )  # fmt: skip
    if not made:
        raise Refused(f"the identity {identity} is marked as not a customer by now")
    decided.changed("identity.mark", mark_of(identity), "identity", identity)


def _refuse_taken(identity: str, owned: Mapping[str, Owner]) -> None:
    known = owned.get(identity)
    if known:
        raise Taken(identity, known.customer_id, known.name)


@reverses("identity.mark", guards=guards)
def _unmark(decided: Deciding, change: Change) -> None:
    if not end_mark(decided, change.object_id):
        raise Refused(f"the identity {change.object_id} is marked no more: nothing to undo")


@reverses("identity.unmark", guards=guards)
def _mark_again(decided: Deciding, change: Change) -> None:
    _mark(decided, change.object_id)


def dismiss(
    database: Database, actor: Actor, identity: str, customer_id: str, *, reason: str = ""
) -> str | None:
    """Say that an identity is not this customer: it is not suggested again. Returns the decision's id.

    Raises:
        Refused: the identity is unusable.
    """
    why = line(reason, "reason", LONGEST_REASON, "say why") if reason.strip() else ""
    text = written(database, identity)
    with deciding(database, actor, reason=why) as decided:
        lock(database, [_pair(text, customer_id)])
        if not _dismiss(decided, text, customer_id):
            return None
        decided.says("suggestion.dismiss", "identity", text, customer_ids=[customer_id])
    return decided.decision_id


def _pair(identity: str, customer_id: str) -> str:
    return f"suggestion {customer_id} {identity}"


def _dismiss(decided: Deciding, identity: str, customer_id: str) -> bool:
    made = execute(
        decided.database,
        SQL["dismiss_suggestion"],
        {
            "dismissal_id": secrets.token_hex(16), "decision_id": decided.decision_id, "identity": identity,
            "customer_id": customer_id, "by": decided.actor.name,
        },
    )  # fmt: skip
    if made:
        decided.changed(
            "suggestion.dismiss", _pair(identity, customer_id), "identity", identity,
            customer_ids=[customer_id], data={"customer_id": customer_id},
        )  # fmt: skip
    return bool(made)


@reverses("suggestion.dismiss")
def _suggest_again(decided: Deciding, change: Change) -> None:
    execute(
        decided.database,
        SQL["restore_suggestion"],
        {
            "identity": change.object_id,
            "customer_id": change.data["customer_id"],
            "by": decided.actor.name,
        },
    )
    decided.changed(
        "suggestion.restore", change.subject, "identity", change.object_id,
        customer_ids=change.customer_ids, data=change.data,
    )  # fmt: skip


@reverses("suggestion.restore")
def _dismiss_again(decided: Deciding, change: Change) -> None:
    _dismiss(decided, change.object_id, change.data["customer_id"])
