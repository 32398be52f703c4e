"""Decisions that put two people's data together, or take it apart: move, merge, split. Each is a set of links.

Nothing is copied and no message is touched: a merge ends the links of one customer and opens them at the other, in one
decision, so its undo restores both exactly. What hangs on conversations and messages (tags, assignments) goes where
they go, and back; a note stays with the customer on whose page it was written (specs/identity.md).

Locks are taken in one order, or two who decide at once would wait for each other for ever: first all subjects, in one
statement, then the rows of customers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from warehouse.decisions.customers import add_customer, customer_name
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
from warehouse.decisions.links import Link, end_link, open_link, owners, subjects_of, written
from warehouse.events import Actor
from warehouse.identities import Identity
from warehouse.queries import queries
from warehouse.refusals import Refused

SQL = queries("merging")
#: Identities of one customer that a merge moves; a shared mailbox of a large company has some hundred.
MOST_IDENTITIES = 5_000
#: So often a merge looks again for identities that were linked while it waited.
TRIES = 5


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much stands under a customer, or under an identity alone."""

    identities: int
    messages: int
    first_at: datetime | None = None
    last_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Moved:
    """Identities that belong to another customer now, by one decision."""

    decision_id: str
    customer_id: str
    identities: list[str] = field(default_factory=list)


def sizes(database: Database, customer_ids: Sequence[str]) -> dict[str, Size]:
    """What stands under each of these customers now; the counts that are shown before anything is put together."""
    rows = execute(database, SQL["sizes"], {"customer_ids": list(customer_ids)})
    return {
        row["customer_id"]: Size(
            identities=row["identities"], messages=row["messages"],
            first_at=row["first_at"], last_at=row["last_at"],
        )
        for row in rows
    }  # fmt: skip


def size_of_identity(database: Database, identity: str) -> Size:
    """What an identity brings with it."""
    rows = execute(database, SQL["size_of_identity"], {"identity": identity})
    return Size(identities=1, **rows[0]) if rows else Size(identities=1, messages=0)


def move(
    database: Database,
    actor: Actor,
    identity: str | Identity,
    customer_id: str,
    *,
    reason: str,
    evidence: dict[str, Any] | None = None,
    decision_id: str | None = None,
) -> Link:
    """Take an identity from the customer it belongs to, and give it to another.

    Raises:
        Refused: it belongs to nobody or to this customer already, or an argument is unusable.
    """
    why = line(reason, "reason", LONGEST_REASON, "say why")
    text = written(database, identity)
    with deciding(database, actor, reason=why, decision_id=decision_id) as decided:
        known = owners(database, [text]).get(text)
        if known is None:
            raise Refused(f"the identity {text} belongs to nobody: link it instead")
        if known.customer_id == customer_id:
            raise Refused(f"the identity {text} belongs to customer {customer_id} already")
        _held(decided, known.customer_id, customer_id)
        end_link(decided, text)
        link_id = open_link(
            decided, text, customer_id, {**(evidence or {}), "moved_from": known.customer_id}
        )
        decided.says(
            "identity.move", "identity", text,
            customer_ids=[known.customer_id, customer_id], link_id=link_id,
        )  # fmt: skip
    return Link(
        identity=text, customer_id=customer_id, link_id=link_id, decision_id=decided.decision_id
    )


def merge(
    database: Database, actor: Actor, from_customer: str, into_customer: str, *, reason: str
) -> Moved:
    """Give all identities of one customer to another, and archive the first, which keeps its id and its notes.

    Raises:
        Refused: one of them is gone or both are the same, or the reason is missing.
    """
    why = line(reason, "reason", LONGEST_REASON, "say why")
    source, target = _plain(from_customer), _plain(into_customer)
    if source == target:
        raise Refused("a customer cannot be merged into itself")
    with deciding(database, actor, reason=why) as decided:
        moved = _hold_all(decided, source, target)
        for identity, evidence in moved.items():
            end_link(decided, identity)
            open_link(decided, identity, target, {**evidence, "merged_from": source})
        _archive(decided, source, target)
        decided.says(
            "customer.merge", "customer", source,
            customer_ids=[source, target], into=target, identities=len(moved),
        )  # fmt: skip
    return Moved(decision_id=decided.decision_id, customer_id=target, identities=list(moved))


def split(
    database: Database,
    actor: Actor,
    customer_id: str,
    identities: Sequence[str],
    name: str,
    *,
    reason: str,
) -> Moved:
    """Make a customer of some of another's identities: they were two people.

    Raises:
        Refused: an identity is not this customer's, none would be left or none go, or an argument is unusable.
    """
    why = line(reason, "reason", LONGEST_REASON, "say why")
    kept_name = customer_name(name)
    source = _plain(customer_id)
    texts = list(dict.fromkeys(written(database, identity) for identity in identities))
    if not texts:
        raise Refused("no identity is named: say which of them are the other person's")
    with deciding(database, actor, reason=why) as decided:
        theirs = _hold_all(decided, source)
        others = [text for text in texts if text not in theirs]
        if others:
            raise Refused(f"the identity {others[0]} does not belong to customer {source}")
        if len(texts) == len(theirs):
            raise Refused("all identities would go: rename the customer instead")
        made = add_customer(decided, kept_name)
        for text in texts:
            end_link(decided, text)
            open_link(decided, text, made, {**theirs[text], "split_from": source})
        decided.says(
            "customer.split", "customer", source,
            customer_ids=[source, made], into=made, identities=len(texts),
        )  # fmt: skip
    return Moved(decision_id=decided.decision_id, customer_id=made, identities=texts)


def _plain(customer_id: str) -> str:
    return customer_id.replace("\0", "").strip()


def _identities(database: Database, customer_id: str) -> dict[str, dict[str, Any]]:
    """Each identity of a customer with the evidence of its link."""
    rows = execute(
        database,
        SQL["identities_of_customer"],
        {"customer_id": customer_id, "most": MOST_IDENTITIES + 1},
    )
    if len(rows) > MOST_IDENTITIES:
        raise Refused(
            f"customer {customer_id} has more than {MOST_IDENTITIES:,} identities: too many at once"
        )
    return {row["identity"]: row["evidence"] for row in rows}


def _hold_all(decided: Deciding, source: str, *others: str) -> dict[str, dict[str, Any]]:
    """The identities of a customer, of which none can come or go until the transaction ends."""
    database, found = decided.database, _identities(decided.database, source)
    for _ in range(TRIES):
        with database.transaction() as tried:
            lock(
                database,
                [f"customer {each}" for each in (source, *others)]
                + [subject for identity in found for subject in subjects_of(identity)],
            )
            _held(decided, source, *others)
            again = _identities(database, source)
            if again.keys() <= found.keys():
                return again
            # All locks are taken at once: two who add to theirs would wait for each other for ever.
            raise psycopg.Rollback(tried)
        found = again
    raise Refused("others decide on the same customer just now, and nothing was changed: try again")


def _held(decided: Deciding, *customer_ids: str) -> None:
    """These customers as they are until the transaction ends.

    Raises:
        Refused: one of them is not there, or not any more; it says where they went.
    """
    rows = execute(decided.database, SQL["hold_customers"], {"customer_ids": list(customer_ids)})
    known = {row["customer_id"]: row for row in rows}
    for customer_id in customer_ids:
        if customer_id not in known:
            raise Refused(f"there is no customer {customer_id[:100]}")
        row = known[customer_id]
        if row["merged_into"]:
            raise Refused(
                f"customer {customer_id} was merged into customer {row['merged_into']}: take that one"
            )
        if row["archived_at"]:
            raise Refused(f"customer {customer_id} is archived: bring them back first")


def _archive(decided: Deciding, source: str, target: str) -> None:
    execute(
        decided.database,
        SQL["merge_customer"],
        {"customer_id": source, "into": target, "by": decided.actor.name},
    )
    decided.changed(
        "customer.merge", f"customer {source}", "customer", source,
        customer_ids=[source, target], data={"into": target},
    )  # fmt: skip


@reverses("customer.merge")
def _unmerge(decided: Deciding, change: Change) -> None:
    execute(decided.database, SQL["unmerge_customer"], {"customer_id": change.object_id})
    decided.changed(
        "customer.unmerge", change.subject, "customer", change.object_id,
        customer_ids=change.customer_ids, data=change.data,
    )  # fmt: skip


@reverses("customer.unmerge")
def _merge_again(decided: Deciding, change: Change) -> None:
    source, into = change.object_id, change.data["into"]
    # Held first: who links to them meanwhile is waited for, and seen.
    _held(decided, source)
    # Changes are reversed from the last to the first: what was moved has gone back by now.
    if _identities(decided.database, source):
        raise Refused(f"customer {source} has other identities by now: merge the two anew instead")
    # Whom they go to may have gone on since, as they had when the two were parted: then nothing goes with it, for links
    # to who is not in the lists are refused. But nobody comes back to themselves.
    rows = execute(decided.database, SQL["goes_to"], {"customer_id": into})
    if source in {row["customer_id"] for row in rows}:
        raise Refused(f"customer {into} was merged into customer {source} since: undo that first")
    _archive(decided, source, into)
