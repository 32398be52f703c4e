"""Decisions whose an identity is: a link, and its end. One home of both, for pages, commands, lists and undo alike."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from warehouse.decisions.ledger import (
    LONGEST_REASON,
    Change,
    Database,
    Deciding,
    deciding,
    line,
    lock,
    reverses,
    run,
)
from warehouse.events import Actor
from warehouse.identities import Identity, UnusableIdentity, normal, parse
from warehouse.refusals import Refused


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link as it stands or as it ended. Not `changed`: it stood like this before, and nothing was decided."""

    identity: str
    customer_id: str
    link_id: str
    decision_id: str | None
    changed: bool = True


class Taken(Refused):
    """The identity is another customer's; `customer_id` says whose."""

    def __init__(self, identity: str, customer_id: str, name: str) -> None:
        self.customer_id = customer_id
        super().__init__(
            f"the identity {identity} belongs to {name}, customer {customer_id}: unlink it first"
        )


def link(
    database: Database,
    actor: Actor,
    identity: str | Identity,
    customer_id: str,
    *,
    reason: str,
    evidence: dict[str, Any] | None = None,
    decision_id: str | None = None,
) -> Link:
    """Decide that an identity belongs to a customer: its messages join the timeline at once.

    Raises:
        Taken: it is another customer's. The same customer's again changes nothing, and is no decision.
        Refused: the identity, the reason or the customer is unusable.
    """
    why = line(reason, "reason", LONGEST_REASON, "say why")
    text = written(database, identity)
    with deciding(database, actor, reason=why, decision_id=decision_id) as decided:
        # First the identity, then the customer's row: the order that all decisions keep.
        known = owners(database, [text]).get(text)
        if not run(database, "one_customer", customer_id=customer_id.replace("\0", "")):
            raise Refused(f"there is no customer {customer_id}")
        if known:
            if known.customer_id != customer_id:
                raise Taken(text, known.customer_id, known.name)
            return Link(
                identity=text, customer_id=customer_id, link_id=known.link_id,
                decision_id=None, changed=False,
            )  # fmt: skip
        link_id = open_link(decided, text, customer_id, evidence or {})
        decided.says("identity.link", "identity", text, customer_ids=[customer_id], link_id=link_id)
    return Link(
        identity=text, customer_id=customer_id, link_id=link_id, decision_id=decided.decision_id
    )


def unlink(
    database: Database,
    actor: Actor,
    identity: str | Identity,
    *,
    reason: str,
    decision_id: str | None = None,
) -> Link:
    """End the open link of an identity: its messages go back to the unassigned queue.

    Raises:
        Refused: the identity or the reason is unusable, or there is no open link.
    """
    why = line(reason, "reason", LONGEST_REASON, "say why")
    text = written(database, identity)
    with deciding(database, actor, reason=why, decision_id=decision_id) as decided:
        known = owners(database, [text]).get(text)
        if not known:
            raise Refused(f"the identity {text} has no open link")
        end_link(decided, text)
        decided.says(
            "identity.unlink", "identity", text,
            customer_ids=[known.customer_id], link_id=known.link_id,
        )  # fmt: skip
    return Link(
        identity=text, customer_id=known.customer_id, link_id=known.link_id,
        decision_id=decided.decision_id,
    )  # fmt: skip


def open_link(decided: Deciding, identity: str, customer_id: str, evidence: dict[str, Any]) -> str:
    """Open a link; returns its id. Who is a customer's is marked as nobody's no more.

    Raises:
        Refused: an import, which locks no single identity, was quicker.
    """
    link_id = secrets.token_hex(16)
    made = run(
        decided.database, "open_link",
        link_id=link_id, decision_id=decided.decision_id, identity=identity, customer_id=customer_id,
        linked_by=decided.actor.name, reason=decided.reason, evidence=Jsonb(evidence),
    )  # fmt: skip
    if not made:
        known = owners_seen(decided.database, [identity]).get(identity)
        if known:
            raise Taken(identity, known.customer_id, known.name)
        raise Refused(f"others decide on the identity {identity} just now: try again")
    end_mark(decided, identity)
    decided.changed(
        "identity.link", f"identity {identity}", "identity", identity,
        customer_ids=[customer_id], data={"customer_id": customer_id, "link_id": link_id},
    )  # fmt: skip
    return link_id


def end_link(decided: Deciding, identity: str) -> None:
    """End the open link of an identity that has one."""
    (ended,) = run(
        decided.database, "end_link",
        identity=identity, ended_by=decided.actor.name, end_reason=decided.reason,
    )  # fmt: skip
    decided.changed(
        "identity.unlink", f"identity {identity}", "identity", identity,
        customer_ids=[ended["customer_id"]],
        data={
            "customer_id": ended["customer_id"], "link_id": ended["link_id"], "evidence": ended["evidence"]
        },
    )  # fmt: skip


def end_mark(decided: Deciding, identity: str) -> bool:
    """End the mark that an identity is no customer; whether it had one."""
    ended = run(decided.database, "end_mark", identity=identity, ended_by=decided.actor.name)
    if ended:
        decided.changed("identity.unmark", mark_of(identity), "identity", identity)
    return bool(ended)


def mark_of(identity: str) -> str:
    """The subject of decisions that an identity is no customer."""
    return f"mark of {identity}"


def subjects_of(identity: str) -> list[str]:
    """Whose an identity is, and that it is nobody's: who decides on one locks both, because a link ends a mark."""
    return [f"identity {identity}", mark_of(identity)]


def guards(change: Change) -> list[str]:
    """What nobody else decides on meanwhile."""
    return subjects_of(change.object_id)


@reverses("identity.link", guards=guards)
def _unlink_again(decided: Deciding, change: Change) -> None:
    known = owners_seen(decided.database, [change.object_id]).get(change.object_id)
    if not known or known.customer_id != change.data["customer_id"]:
        raise Refused(
            f"the identity {change.object_id} belongs to {known.name if known else 'nobody'} by now: nothing to undo"
        )
    end_link(decided, change.object_id)


@reverses("identity.unlink", guards=guards)
def _link_again(decided: Deciding, change: Change) -> None:
    known = owners_seen(decided.database, [change.object_id]).get(change.object_id)
    if known:
        raise Taken(change.object_id, known.customer_id, known.name)
    if not run(decided.database, "one_customer", customer_id=change.data["customer_id"]):
        raise Refused(
            f"customer {change.data['customer_id']}, to whom {change.object_id} belonged, is archived: "
            "bring them back first"
        )
    open_link(
        decided, change.object_id, change.data["customer_id"], change.data.get("evidence") or {}
    )


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Whose an identity is."""

    customer_id: str
    name: str
    link_id: str


def owners(database: Database, identities: Sequence[str | Identity]) -> dict[str, Owner]:
    """Whose these identities are, of those that are somebody's.

    Until the caller's transaction ends nobody else decides on them, so what is found here still holds then.
    """
    texts = [str(identity) for identity in identities]
    lock(database, [subject for text in texts for subject in subjects_of(text)])
    return owners_seen(database, texts)


def owners_seen(database: Database, identities: Sequence[str]) -> dict[str, Owner]:
    """Whose these identities are, for a caller who has locked them: a reversal, or a second look at the same."""
    return {
        row["identity"]: Owner(
            customer_id=row["customer_id"], name=row["name"], link_id=row["link_id"]
        )
        for row in run(database, "open_links", identities=list(identities))
    }


def written(database: Database, identity: str | Identity) -> str:
    """The identity in the one way in which it is kept.

    What a message bears is taken as it stands, also where no person could have typed it; anything else must be an
    identity that could exist, and is brought into its one form.
    """
    if isinstance(identity, Identity):
        return str(identity)
    text, formed, problem = identity.replace("\0", ""), "", None
    try:
        (formed,) = map(str, normal(database, [parse(text)]))
    except UnusableIdentity as error:
        problem = error
    if formed != text and run(database, "identity_is_known", identity=text):
        return text
    if problem:
        raise Refused(f"identity is unusable: {problem}") from problem
    return formed
