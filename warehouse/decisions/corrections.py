"""Corrections (APP 13): another text shown in place of what was written, and what the person says against it.

The original stays as it is, in raw and in every table, and is shown on demand. One correction of a field is in force;
a further one takes its place, and undo brings the former back. A customer's name is corrected by renaming; what is
kept of it here is a statement of disagreement, which stands wherever the name is looked into.
"""

from __future__ import annotations

import secrets

from psycopg.rows import DictRow

from warehouse.decisions import conversations
from warehouse.decisions.cases import customer_of
from warehouse.decisions.conversations import Thing
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
    text,
)
from warehouse.events import Actor
from warehouse.refusals import Refused

FIELDS = {"message": ("body", "subject"), "customer": ("name",)}
LONGEST_TEXT = 20_000


def correct(
    database: Database,
    actor: Actor,
    object_id: str,
    *,
    field: str,
    reason: str,
    value: str = "",
    statement: str = "",
) -> str:
    """Correct a field of a message, or put a statement beside it or a customer's name; returns the decision's id.

    Raises:
        Refused: there is no such message or customer, no such field, nothing to show, or no reason.
    """
    object_type = "customer" if field in FIELDS["customer"] else "message"
    if field not in FIELDS[object_type]:
        known = ", ".join(name for names in FIELDS.values() for name in names)
        raise Refused(f"what can be corrected is {known}: not {field[:40]!r}")
    said = (
        text(value, "what is shown", LONGEST_TEXT),
        text(statement, "the statement", LONGEST_TEXT),
    )
    if not any(said):
        raise Refused("say what is right, or what the person says against it")
    if object_type == "customer" and said[0]:
        raise Refused("a name is corrected by renaming the customer: give the statement alone")
    why = line(reason, "reason", LONGEST_REASON, "say why")
    with deciding(database, actor, reason=why) as decided:
        it = _thing(database, object_type, object_id)
        subject = f"correction {object_type} {it.object_id} {field}"
        lock(database, [subject])
        its = {"object_type": object_type, "object_id": it.object_id, "field": field}
        former = run(database, "correction_now", **its)
        former_id = former[0]["correction_id"] if former else None
        if former_id:
            run(database, "end_correction", correction_id=former_id, by=actor.name)
        correction_id = secrets.token_hex(16)
        run(
            database, "open_correction",
            correction_id=correction_id, decision_id=decided.decision_id,
            value=said[0] or None, statement=said[1] or None, by=actor.name, **its,
        )  # fmt: skip
        _tell(decided, it, subject, now=correction_id, former=former_id)
        decided.says(
            f"{object_type}.correct", object_type, it.object_id, customer_ids=it.customer_ids, field=field
        )  # fmt: skip
    return decided.decision_id


def _tell(
    decided: Deciding, it: Thing, subject: str, *, now: str | None, former: str | None
) -> None:
    decided.changed(
        f"{it.object_type}.correct", subject, it.object_type, it.object_id,
        customer_ids=it.customer_ids, data={"now": now, "former": former},
    )  # fmt: skip


@reverses("message.correct", "customer.correct")
def _put_back(decided: Deciding, change: Change) -> None:
    """What was in force before is again; undone in its turn, the same the other way round."""
    now, former = change.data["now"], change.data["former"]
    if now:
        run(decided.database, "end_correction", correction_id=now, by=decided.actor.name)
    if former:
        run(decided.database, "reopen_correction", correction_id=former)
    it = Thing(
        object_type=change.object_type, object_id=change.object_id, parts=[change.object_id],
        customer_ids=change.customer_ids,
    )  # fmt: skip
    _tell(decided, it, change.subject, now=former, former=now)


def _thing(database: Database, object_type: str, object_id: str) -> Thing:
    if object_type == "message":
        return conversations.message(database, object_id)
    found: DictRow = customer_of(database, object_id)
    its_id = str(found["customer_id"])
    return Thing(object_type="customer", object_id=its_id, parts=[its_id], customer_ids=[its_id])
