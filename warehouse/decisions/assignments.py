"""Decisions about the work on a conversation: who has it, how it stands, until when, and what the next one should know.

A conversation is `open` (we owe something), `waiting` (for somebody else) or `done`. What the customer writes later
opens it again without anybody's decision: a reader compares the newest message with the one at which it was put
aside (`until_key`). Before anything is decided it is open where the last message is theirs.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

from psycopg.rows import DictRow

from warehouse.decisions import conversations
from warehouse.decisions.conversations import Thing, run
from warehouse.decisions.ledger import (
    Change,
    Database,
    Deciding,
    Overtaken,
    deciding,
    lock,
    reverses,
    when,
)
from warehouse.events import Actor
from warehouse.refusals import Refused

STATES = ("open", "waiting", "done")
#: What the event says where the same person keeps it.
VERBS = {"open": "reopen", "waiting": "wait", "done": "close"}
LONGEST_NOTE = 2_000
#: Whoever did not look changes it as it is now.
ANY = "*"


class Keep(Enum):
    """What stays as the decision's own transaction finds it: as readers see it, not as it was once written down."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


@dataclass(frozen=True, kw_only=True)
class Assigned:
    """How a conversation stands now. Not `changed`: it stood so before, and nothing was decided."""

    conversation_id: str
    assignment_id: str
    assignee: str | None
    state: str
    due_at: datetime | None
    note: str
    decision_id: str | None

    @property
    def changed(self) -> bool:
        return self.decision_id is not None


def assign(
    database: Database,
    actor: Actor,
    conversation_id: str | Thing,
    *,
    assignee: str | Keep | None,
    state: str | Keep = KEEP,
    due_at: datetime | Keep | None = KEEP,
    note: str | Keep = KEEP,
    expected: str | None = ANY,
    seen_key: str | None = None,
    decision_id: str | None = None,
) -> Assigned:
    """Say who has a conversation and how it stands: assign, hand over, put aside, close, open again.

    Args:
        assignee: a user's name; None for nobody. What is not said of it, `state`, `due_at` and `note` stays (`KEEP`).
        expected: the `assignment_id` that the person saw, None where they saw none. `ANY`: they did not look.
        seen_key: the `sort_key` of the newest message that the person saw. What came behind it is not put aside with
            the rest: it opens the conversation again at once. None: they saw everything.

    Raises:
        Overtaken: somebody else decided since; the text says who and what.
        Refused: there is no such conversation, user or state, or the note is too long.
    """
    if state is not KEEP and state not in STATES:
        raise Refused(f"{state[:50]!r} is no state: {', '.join(STATES)}")
    if note is not KEEP and len(note) > LONGEST_NOTE:
        raise Refused(f"note is longer than {LONGEST_NOTE:,} characters")
    asked: dict[str, Any] = {
        "assignee": KEEP if assignee is KEEP else _user(database, assignee),
        "state": state,
        "due_at": due_at,
        "note": KEEP if note is KEEP else note.replace("\0", " ").strip(),
    }
    with deciding(database, actor, decision_id=decision_id) as decided:
        it = (
            conversation_id
            if isinstance(conversation_id, Thing)
            else conversations.conversation(database, conversation_id)
        )
        lock(database, [_subject(it.anchor)])
        now = _standing(database, it.parts)
        if expected != ANY and (now["assignment_id"] if now else None) != expected:
            raise Overtaken(_overtaken(now))
        in_force = {**NOTHING, **(now or {}), "state": _state_in_force(database, it, now)}
        wanted = {key: in_force[key] if each is KEEP else each for key, each in asked.items()}
        until_key = min(it.newest_key, seen_key or it.newest_key)
        if now and all(now[key] == value for key, value in wanted.items()):
            # Said again after they wrote again, it is a decision: it is put aside anew.
            if wanted["state"] == "open" or now["until_key"] >= until_key:
                return _as_it_stands(it, now, None)
        elif now is None and wanted == NOTHING:
            return _as_it_stands(it, {**wanted, "assignment_id": ""}, None)
        made = {
            **wanted,
            "until_key": until_key,
            "assigned_by": actor.name,
            "assigned_at": None,
        }
        assignment_id = _replace(decided, it, made)
        conversations.remember_id(database, it)
        decided.says(
            f"conversation.{_verb(in_force, wanted)}", "conversation", it.object_id,
            customer_ids=it.customer_ids, assignee=wanted["assignee"], state=wanted["state"],
            due_at=wanted["due_at"].isoformat() if wanted["due_at"] else None,
        )  # fmt: skip
    return _as_it_stands(it, {**wanted, "assignment_id": assignment_id}, decided.decision_id)


def hold(database: Database, its: Iterable[Thing]) -> None:
    """Several conversations that are decided on together: until the transaction ends nobody else decides on them."""
    lock(database, [_subject(it.anchor) for it in its])


def standing(database: Database, conversation_id: str | Thing) -> DictRow | None:
    """How a conversation stands, None where nothing was decided: assignment_id, assignee, state, due_at, note,
    until_key, assigned_at, assigned_by."""
    it = (
        conversation_id
        if isinstance(conversation_id, Thing)
        else conversations.conversation(database, conversation_id)
    )
    return _standing(database, it.parts)


#: How a conversation stands before anything is decided of it.
NOTHING: dict[str, Any] = {"assignee": None, "state": "open", "due_at": None, "note": ""}


def _state_in_force(database: Database, it: Thing, now: DictRow | None) -> str:
    """The state as a reader sees it: what was put aside is open again when they wrote after that."""
    if now is None:
        return "open"
    rows = run(database, "state_in_force", conversation_id=it.object_id)
    return str(rows[0]["state"]) if rows else str(now["state"])


def _standing(database: Database, places: list[str]) -> DictRow | None:
    rows = run(database, "standing_of", places=places)
    return rows[0] if rows else None


def _user(database: Database, name: str | None) -> str | None:
    if name is None:
        return None
    rows = run(database, "active_user", user_name=name.replace("\0", "").strip())
    if not rows:
        raise Refused(f"there is no user {name[:100]!r}, or they are disabled")
    return str(rows[0]["user_name"])


def _verb(before: dict[str, Any], wanted: dict[str, Any]) -> str:
    if before["assignee"] != wanted["assignee"]:
        return "assign"
    if before["state"] != wanted["state"]:
        return VERBS[wanted["state"]]
    return "schedule" if before["due_at"] != wanted["due_at"] else "assign"


def _overtaken(now: DictRow | None) -> str:
    if now is None:
        return "somebody undid meanwhile what you saw: look again"
    whom = f"gave it to {now['assignee']}" if now["assignee"] else "left it to nobody"
    note = f", saying: {now['note'][:200]}" if now["note"] else ""
    return (
        f"{now['assigned_by']} was first: {when(now['assigned_at'])} they {whom}, {now['state']}{note}. "
        "Look again before you decide"
    )


def _as_it_stands(it: Thing, row: DictRow, decision_id: str | None) -> Assigned:
    return Assigned(
        conversation_id=it.object_id,
        assignment_id=row["assignment_id"],
        assignee=row["assignee"],
        state=row["state"],
        due_at=row["due_at"],
        note=row["note"],
        decision_id=decision_id,
    )


def _subject(thread_id: str) -> str:
    return f"assignment {thread_id}"


def _replace(decided: Deciding, it: Thing, row: dict[str, Any] | None) -> str:
    """End what stands of the thread, and open this row, if any; returns the new row's id."""
    before = _standing(decided.database, [it.anchor])
    run(decided.database, "end_assignment", thread_id=it.anchor, ended_by=decided.actor.name)
    assignment_id = ""
    if row is not None:
        assignment_id = secrets.token_hex(16)
        run(
            decided.database, "open_assignment",
            assignment_id=assignment_id, thread_id=it.anchor, **row,
        )  # fmt: skip
    after = _standing(decided.database, [it.anchor])
    decided.changed(
        "conversation.assign", _subject(it.anchor), "conversation", it.object_id,
        customer_ids=it.customer_ids,
        data={"thread_id": it.anchor, "before": _kept(before), "after": _kept(after)},
    )  # fmt: skip
    return assignment_id


#: What of a row is kept to open it again exactly.
_COLUMNS = ("assignee", "state", "due_at", "note", "until_key", "assigned_at", "assigned_by")


def _kept(row: DictRow | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        key: row[key].astimezone(UTC).isoformat() if isinstance(row[key], datetime) else row[key]
        for key in _COLUMNS
    }


@reverses("conversation.assign")
def _stand_as_before(decided: Deciding, change: Change) -> None:
    found = conversations.conversation(decided.database, change.data["thread_id"])
    # It stays with the thread of which it was decided, whatever that is a part of by now.
    it = Thing(
        object_type="conversation",
        object_id=found.object_id,
        parts=[change.data["thread_id"]],
        customer_ids=found.customer_ids,
        newest_key=found.newest_key,
    )
    _replace(decided, it, change.data["before"])
