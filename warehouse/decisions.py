"""What is decided about customers: one function per decision, for pages, commands, imports and jobs alike.

    actor, arguments ──> validated ──> change + its one event + its notice, in one transaction

Whether the actor may is asked by the caller, who knows its roles (`app/act.py`). The notice that open pages wait for is
sent by triggers on the tables (migration 0012), so it goes with the change, whoever makes it.

A further decision joins as a function of this shape: it takes a database, an actor and keywords; refuses before it
changes anything; makes its change within `_decision`; and says its event there. What was decided together, such as the
lines of one import, shares a `decision_id`, and that is what would be undone.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb

from warehouse.events import Actor, Event, record
from warehouse.identities import Identity, UnusableIdentity, normal, parse
from warehouse.queries import queries
from warehouse.refusals import Refused

SQL = queries("decisions")

LONGEST_NAME = 200
LONGEST_REASON = 1_000

Database = psycopg.Connection[Any]


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


def new_decision_id() -> str:
    """For what is decided together."""
    return secrets.token_hex(16)


def customer_name(text: str) -> str:
    """A customer's name as it is kept: one line.

    Raises:
        Refused: nothing is left of it, or it is too long.
    """
    return _line(text, "name", LONGEST_NAME, "give one")


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
    with _decision(database, actor) as say:
        _run(
            database, "add_customer",
            customer_id=customer_id, name=kept_name, notes=notes.replace("\0", " "), created_by=actor.name,
        )  # fmt: skip
        detail = {"decision_id": decision_id or new_decision_id(), **(source or {})}
        say("customer.create", "customer", customer_id, customer_ids=[customer_id], detail=detail)
    return customer_id


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
    why = _line(reason, "reason", LONGEST_REASON, "say why")
    text = _written(database, identity)
    with _decision(database, actor) as say:
        if not _run(database, "one_customer", customer_id=customer_id.replace("\0", "")):
            raise Refused(f"there is no customer {customer_id}")
        known = owners(database, [text]).get(text)
        if known:
            if known.customer_id != customer_id:
                raise Taken(text, known.customer_id, known.name)
            return Link(
                identity=text, customer_id=customer_id, link_id=known.link_id,
                decision_id=None, changed=False,
            )  # fmt: skip
        made = Link(
            identity=text, customer_id=customer_id, link_id=secrets.token_hex(16),
            decision_id=decision_id or new_decision_id(),
        )  # fmt: skip
        _run(
            database, "open_link",
            link_id=made.link_id, decision_id=made.decision_id, identity=text, customer_id=customer_id,
            linked_by=actor.name, reason=why, evidence=Jsonb(evidence or {}),
        )  # fmt: skip
        detail = {"link_id": made.link_id, "decision_id": made.decision_id, "reason": why}
        say("identity.link", "identity", text, customer_ids=[customer_id], detail=detail)
    return made


def unlink(database: Database, actor: Actor, identity: str | Identity, *, reason: str) -> Link:
    """End the open link of an identity: its messages go back to the unassigned queue.

    Raises:
        Refused: the identity or the reason is unusable, or there is no open link.
    """
    why = _line(reason, "reason", LONGEST_REASON, "say why")
    text = _written(database, identity)
    with _decision(database, actor) as say:
        ended = _run(database, "end_link", identity=text, ended_by=actor.name, end_reason=why)
        if not ended:
            raise Refused(f"the identity {text} has no open link")
        link_id, customer_id = ended[0]["link_id"], ended[0]["customer_id"]
        detail = {"link_id": link_id, "decision_id": new_decision_id(), "reason": why}
        say("identity.unlink", "identity", text, customer_ids=[customer_id], detail=detail)
    return Link(
        identity=text, customer_id=customer_id, link_id=link_id, decision_id=detail["decision_id"]
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
    _run(database, "lock_identities", identities=texts)
    return {
        row["identity"]: Owner(
            customer_id=row["customer_id"], name=row["name"], link_id=row["link_id"]
        )
        for row in _run(database, "open_links", identities=texts)
    }


class _Say:
    """Takes the one event of a decision."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        self.event: Event | None = None

    def __call__(
        self,
        action: str,
        object_type: str,
        object_id: str,
        *,
        customer_ids: list[str],
        detail: dict[str, Any],
    ) -> None:
        assert self.event is None, f"{action}: a decision has one event"
        self.event = self._actor.event(
            action, object_type, object_id, customer_ids=customer_ids, detail=detail
        )


@contextmanager
def _decision(database: Database, actor: Actor) -> Iterator[_Say]:
    """The transaction of one decision, within the caller's where there is one: change and event, or neither.

    Without an event nothing was decided.
    """
    say = _Say(actor)
    with database.transaction():
        yield say
        if say.event:
            record(database, say.event)


def _run(database: Database, query: str, **parameters: Any) -> list[DictRow]:
    """One statement, its rows by name, whatever the caller's rows are made of."""
    with database.cursor(row_factory=dict_row) as cursor:
        cursor.execute(SQL[query], parameters)
        return cursor.fetchall() if cursor.description else []


def _line(text: str, what: str, longest: int, otherwise: str) -> str:
    """One line without what the database refuses."""
    line = " ".join(text.replace("\0", " ").split())
    if not line:
        raise Refused(f"{what} is empty: {otherwise}")
    if len(line) > longest:
        raise Refused(f"{what} is longer than {longest:,} characters")
    return line


def _written(database: Database, identity: str | Identity) -> str:
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
    if formed != text and _run(database, "identity_is_known", identity=text):
        return text
    if problem:
        raise Refused(f"identity is unusable: {problem}") from problem
    return formed
