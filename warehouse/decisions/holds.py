"""Legal holds: while one is open nothing destroys what it covers, whoever asks (privacy/holds.py refuses it).

A hold is placed and released, each with a reason and an event. It is not undone: what was released may be gone.
"""

from __future__ import annotations

import secrets

from psycopg.rows import DictRow

from warehouse.decisions import conversations
from warehouse.decisions.ledger import Database, execute, line
from warehouse.events import Actor, record
from warehouse.queries import queries
from warehouse.refusals import Refused

SQL = queries("holds")
LONGEST_REASON = 500


def place_hold(
    database: Database,
    actor: Actor,
    *,
    reason: str,
    customer_id: str | None = None,
    conversation_id: str | None = None,
    tag: str | None = None,
) -> str:
    """Hold a customer, a conversation, or whatever bears a tag; returns the hold's id.

    Raises:
        Refused: not exactly one of them is given, it is not there, or there is no reason.
    """
    given = {"customer": customer_id, "conversation": conversation_id, "tag": tag}
    chosen = [(covers, text) for covers, text in given.items() if text]
    if len(chosen) != 1:
        raise Refused("a hold covers one customer, one conversation or one tag: say which")
    ((covers, text),) = chosen
    said = _why(reason)
    with database.transaction():
        object_id, customer_ids = _object(database, covers, text)
        hold_id = secrets.token_hex(8)
        execute(
            database, SQL["place"],
            {
                "hold_id": hold_id, "covers": covers, "object_id": object_id, "reason": said,
                "placed_by": actor.name,
            },
        )  # fmt: skip
        event = actor.event(
            "hold.place", covers, object_id,
            customer_ids=customer_ids, detail={"hold_id": hold_id, "reason": said},
        )  # fmt: skip
        record(database, event)
    return hold_id


def release_hold(database: Database, actor: Actor, hold_id: str, *, reason: str) -> None:
    """
    Raises:
        Refused: there is no such open hold, or no reason.
    """
    said = _why(reason)
    with database.transaction():
        rows = execute(
            database, SQL["release"],
            {"hold_id": hold_id, "released_by": actor.name, "reason": said},
        )  # fmt: skip
        if not rows:
            raise Refused(f"there is no open hold {hold_id[:64]!r}")
        covers, object_id = rows[0]["covers"], rows[0]["object_id"]
        event = actor.event(
            "hold.release", covers, object_id,
            customer_ids=[object_id] if covers == "customer" else [],
            detail={"hold_id": hold_id, "reason": said},
        )  # fmt: skip
        record(database, event)


def holds(database: Database, *, released: bool = False) -> list[DictRow]:
    """The open ones, and those that were released if asked for."""
    return execute(database, SQL["holds"], {"released": released})


def _object(database: Database, covers: str, text: str) -> tuple[str, list[str]]:
    if covers == "conversation":
        found = conversations.conversation(database, text)
        conversations.remember_id(database, found)
        return found.anchor, found.customer_ids
    rows = execute(database, SQL[covers], {"id": text})
    if not rows:
        raise Refused(f"there is no {covers} {text[:200]!r}")
    object_id = str(next(iter(rows[0].values())))
    return object_id, [object_id] if covers == "customer" else []


def _why(reason: str) -> str:
    return line(reason, "reason", LONGEST_REASON, "say why with --reason")
