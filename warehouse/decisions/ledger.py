"""The ledger: every decision with what it changed, and the one way to take one back.

    with deciding(database, actor) as decided:          crm.decisions          one row: who, when, why
        … the change …                            ──>   crm.decision_changes   a row for each thing changed
        decided.says(action, subject, …)                crm.events             the one event

A kind of change is reversed by the function that is registered for its action with `reverses`. It makes its change
with the same statements as a decision of its own would, and tells it with `decided.changed`: so an undo is a decision
whose changes can be reversed in their turn.

What stands in the way of an undo is asked here, for all kinds alike: a later decision in force that changed the same
`subject`. What only a kind knows (the customer has identities by now) its own reversal refuses.

Two who decide on the same wait for each other by locks on subjects. A decision takes all of its own in one statement
(`lock`), in the one order that everybody keeps, before it locks any row: whoever took a second handful while another
waits for the first would wait for ever. What a change is guarded by, its subject unless `reverses` says otherwise, is
locked by the decision that makes it and by the undo alike.
"""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, LiteralString, ParamSpec, TypeVar

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb

from warehouse.events import Actor, Event, record
from warehouse.queries import queries
from warehouse.refusals import Refused

SQL = queries("decisions")

LONGEST_REASON = 1_000
#: What is undone at once; the lines of a list are many decisions in one.
MOST_CHANGES = 50_000

Database = psycopg.Connection[Any]
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing that a decision changed, as the ledger keeps it."""

    change_no: int
    decision_id: str
    action: str
    subject: str
    object_type: str
    object_id: str
    customer_ids: list[str]
    data: dict[str, Any]


@dataclass(kw_only=True)
class Deciding:
    """One decision while it is made: its changes, and the one event that tells it."""

    database: Database
    actor: Actor
    decision_id: str
    reason: str = ""
    undoes: str | None = None
    event: Event | None = None
    changes: list[dict[str, Any]] = field(default_factory=list)

    def changed(
        self,
        action: str,
        subject: str,
        object_type: str,
        object_id: str,
        *,
        customer_ids: Sequence[str] = (),
        data: dict[str, Any] | None = None,
    ) -> None:
        """Keep what was changed. `data` is all that its reversal needs to know."""
        self.changes.append(
            {
                "action": action,
                "subject": subject,
                "object_type": object_type,
                "object_id": object_id,
                "customer_ids": list(customer_ids),
                "data": data or {},
            }
        )

    def says(
        self,
        action: str,
        object_type: str,
        object_id: str,
        *,
        customer_ids: Sequence[str] = (),
        **detail: Any,
    ) -> None:
        """The one event of this decision; its id and reason go with it."""
        assert self.event is None, f"{action}: a decision has one event"
        detail = {"decision_id": self.decision_id, **detail}
        if self.reason:
            detail["reason"] = self.reason
        self.event = self.actor.event(
            action, object_type, object_id, customer_ids=list(customer_ids), detail=detail
        )


def new_decision_id() -> str:
    """For what is decided together."""
    return secrets.token_hex(16)


@contextmanager
def deciding(
    database: Database,
    actor: Actor,
    *,
    reason: str = "",
    decision_id: str | None = None,
    undoes: str | None = None,
) -> Iterator[Deciding]:
    """The transaction of one decision, within the caller's where there is one: change, ledger and event, or nothing.

    Without an event nothing was decided.
    """
    decided = Deciding(
        database=database,
        actor=actor,
        decision_id=decision_id or new_decision_id(),
        reason=reason,
        undoes=undoes,
    )
    with database.transaction():
        yield decided
        if decided.event:
            assert decided.changes, f"{decided.event.action}: nothing tells how to reverse it"
            run(
                database, "enter_decision",
                decision_id=decided.decision_id, actor=actor.name, role=actor.role,
                action=decided.event.action, reason=reason, undoes=undoes, changes=Jsonb(decided.changes),
            )  # fmt: skip
            record(database, decided.event)


Reversal = Callable[[Deciding, Change], None]
#: The subjects that nobody else may decide on while such a change is made.
Guards = Callable[[Change], Sequence[str]]
_REVERSALS: dict[str, Reversal] = {}
_GUARDS: dict[str, Guards] = {}


def _its_subject(change: Change) -> Sequence[str]:
    return [change.subject]


def reverses(*actions: str, guards: Guards = _its_subject) -> Callable[[Reversal], Reversal]:
    """This function reverses changes of these actions, which are guarded by these subjects."""

    def register(reversal: Reversal) -> Reversal:
        for action in actions:
            assert action not in _REVERSALS, f"{action} is reversed twice"
            _REVERSALS[action] = reversal
            _GUARDS[action] = guards
        return reversal

    return register


def guards_of(change: Change) -> Sequence[str]:
    """What is locked while such a change is made."""
    return _GUARDS[change.action](change)


#: What the database raises where two decisions wait for each other, and one must give way.
CROSSING = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)


class Crossed(Refused):
    """Others decided on the same at the same moment, and went first."""

    def __init__(self) -> None:
        super().__init__("others decide on the same just now, and nothing was changed: try again")


class Overtaken(Refused):
    """Somebody else changed it since the caller looked; the text says who, when and what."""


def gives_way(decide: Callable[P, T]) -> Callable[P, T]:
    """A function with a transaction of its own, run once more where it had to give way to another decision.

    Raises:
        Crossed: it had to again.
    """

    @functools.wraps(decide)
    def decided(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return decide(*args, **kwargs)
        except CROSSING:
            pass
        try:
            return decide(*args, **kwargs)
        except CROSSING as crossing:
            raise Crossed from crossing

    return decided


@dataclass(frozen=True, kw_only=True)
class Undone:
    """A decision that was taken back, and the decision that did."""

    decision_id: str
    undone: str
    action: str
    customer_ids: list[str]


class InTheWay(Refused):
    """Something was decided on the same since; `decision_id` says what."""

    def __init__(self, sentence: str, decision_id: str) -> None:
        self.decision_id = decision_id
        super().__init__(sentence)


def undo(database: Database, actor: Actor, decision_id: str, reason: str = "") -> Undone:
    """Take a decision back: everything that it changed stands as before. To undo the undo makes it stand again.

    Why need not be said, unless it puts the data of two customers together (again).

    Raises:
        InTheWay: something was decided on the same later, and holds.
        Refused: there is no such decision, it is taken back already, a reason is needed, or a kind of change says why
            it cannot be.
    """
    why = line(reason, "reason", LONGEST_REASON, "say why") if reason.strip() else ""
    asked_id = decision(database, decision_id)["decision_id"]
    with (
        database.transaction(),
        deciding(database, actor, reason=why, undoes=asked_id) as decided,
    ):
        changes = _changes(database, asked_id)
        lock(database, [subject for change in changes for subject in guards_of(change)])
        asked = decision(database, asked_id)
        if asked["undone_at"]:
            raise Refused(
                f"decision {asked_id} is undone already: {asked['undone_by']} did {when(asked['undone_at'])}"
            )
        _refuse_what_is_in_the_way(database, asked_id, changes)
        for change in reversed(changes):
            _REVERSALS[change.action](decided, change)
        if not why and _puts_together(decided.changes):
            raise Refused(
                f"to undo decision {asked_id} ({asked['action']}) puts the data of two customers together: say why"
            )
        concerned = sorted({each for made in decided.changes for each in made["customer_ids"]})
        decided.says(
            "decision.undo", "decision", asked_id,
            customer_ids=concerned, undoes=asked["action"], changes=len(changes),
        )  # fmt: skip
        # Deferred to the end of the transaction: the ledger's row of this undo is written when the block ends.
        _mark_undone(database, asked, decided)
    return Undone(
        decision_id=decided.decision_id,
        undone=asked_id,
        action=asked["action"],
        customer_ids=concerned,
    )


def _puts_together(changes: Sequence[dict[str, Any]]) -> bool:
    """Whether what one customer had is another's by these changes. What a merge put together an undo takes apart."""
    kinds = {change["action"] for change in changes}
    if "customer.unmerge" in kinds:
        return False
    taken, given = (
        {change["object_id"] for change in changes if change["action"] == action}
        for action in ("identity.unlink", "identity.link")
    )
    return "customer.merge" in kinds or bool(taken & given)


def decision(database: Database, decision_id: str) -> DictRow:
    """A decision's row: decision_id, at, actor, role, action, reason, undoes, undone_at, undone_by, undo_decision_id.

    Raises:
        Refused: there is none of this id.
    """
    rows = run(database, "one_decision", decision_id=decision_id.replace("\0", "").strip())
    if not rows:
        raise Refused(f"there is no decision {decision_id[:100]!r}")
    return rows[0]


def actions_of(database: Database, decision_id: str) -> set[str]:
    """The kinds of change that a decision made.

    Raises:
        Refused: there is no such decision.
    """
    known = decision(database, decision_id)["decision_id"]
    return {row["action"] for row in run(database, "actions_of_decision", decision_id=known)}


def _changes(database: Database, decision_id: str) -> list[Change]:
    """What a decision changed, in the order in which it did."""
    rows = run(database, "changes_of_decision", decision_id=decision_id, most=MOST_CHANGES + 1)
    if len(rows) > MOST_CHANGES:
        raise Refused(
            f"decision {decision_id} changed more than {MOST_CHANGES:,} things: too many to undo at once"
        )
    changes = [Change(**row) for row in rows]
    for change in changes:
        if change.action not in _REVERSALS:
            raise Refused(f"a decision {change.action} cannot be undone")
    return changes


def _refuse_what_is_in_the_way(database: Database, decision_id: str, changes: list[Change]) -> None:
    later = run(
        database, "decided_later",
        decision_id=decision_id,
        subjects=[change.subject for change in changes],
        change_nos=[change.change_no for change in changes],
    )  # fmt: skip
    if later:
        first = later[0]
        raise InTheWay(
            f"{first['actor']} decided on the same {when(first['at'])} ({first['action']} of "
            f"{first['object_type']} {first['object_id'][:200]}): undo decision {first['decision_id']} first",
            first["decision_id"],
        )


def _mark_undone(database: Database, asked: DictRow, decided: Deciding) -> None:
    """The decision is undone now. Where it was itself an undo, what it had undone stands again, and so on."""
    run(
        database, "mark_undone",
        decision_id=asked["decision_id"], at=None, by=decided.actor.name, undo_decision_id=decided.decision_id,
    )  # fmt: skip
    stands = True
    below = asked
    while below["undoes"]:
        above, below = below, decision(database, below["undoes"])
        if stands:
            run(database, "mark_standing", decision_id=below["decision_id"])
        else:
            run(
                database, "mark_undone",
                decision_id=below["decision_id"], at=above["at"], by=above["actor"],
                undo_decision_id=above["decision_id"],
            )  # fmt: skip
        stands = not stands


def lock(database: Database, subjects: Sequence[str]) -> None:
    """Until the transaction ends nobody else decides on these; who wants to, waits. To be asked once a transaction."""
    run(database, "lock_subjects", subjects=list(subjects))


def run(database: Database, query: str, **parameters: Any) -> list[DictRow]:
    """One statement of the ledger, its rows by name, whatever the caller's rows are made of."""
    return execute(database, SQL[query], parameters)


def execute(
    database: Database, statement: LiteralString, parameters: dict[str, Any]
) -> list[DictRow]:
    """Any named statement, in the same way."""
    with database.cursor(row_factory=dict_row) as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def line(text: str, what: str, longest: int, otherwise: str) -> str:
    """One line without what the database refuses.

    Raises:
        Refused: nothing is left of it, or it is too long.
    """
    kept = " ".join(text.replace("\0", " ").split())
    if not kept:
        raise Refused(f"{what} is empty: {otherwise}")
    if len(kept) > longest:
        raise Refused(f"{what} is longer than {longest:,} characters")
    return kept


def text(written: str, what: str, longest: int) -> str:
    """What may have several lines and may be empty, without what the database refuses.

    Raises:
        Refused: it is too long.
    """
    kept = written.replace("\0", " ").strip()
    if len(kept) > longest:
        raise Refused(f"{what} is longer than {longest:,} characters")
    return kept


def when(at: datetime) -> str:
    """When something was decided, in a sentence."""
    return f"on {at.astimezone(UTC):%d %b %Y at %H:%M} UTC"
