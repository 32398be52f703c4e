"""Notes of ours on a customer or a conversation; never sent to anybody. A change is a further version; none is lost."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

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

LONGEST_BODY = 10_000


@dataclass(frozen=True, kw_only=True)
class Noted:
    """A note as it was written."""

    note_id: str
    version: int
    decision_id: str


def note(
    database: Database,
    actor: Actor,
    text: str,
    *,
    customer_id: str | None = None,
    conversation_id: str | None = None,
) -> Noted:
    """Write a note on a customer or on a conversation.

    Raises:
        Refused: there is no such customer or conversation, or the text is empty or too long.
    """
    body = _body(text)
    with deciding(database, actor) as decided:
        if conversation_id is not None:
            it = conversations.conversation(database, conversation_id)
            conversations.remember_id(database, it)
        else:
            it = _customer(database, customer_id or "")
        note_id = secrets.token_hex(16)
        _write(decided, "note.add", note_id, 1, it.object_type, it.anchor, body, it)
        decided.says(
            "note.add", "note", note_id,
            customer_ids=it.customer_ids, on=it.object_type, of=it.object_id,
        )  # fmt: skip
    return Noted(note_id=note_id, version=1, decision_id=decided.decision_id)


def change_note(
    database: Database, actor: Actor, note_id: str, text: str, *, expected: int
) -> Noted:
    """Write a note anew.

    Args:
        expected: the version that the person saw.

    Raises:
        Overtaken: somebody else wrote it anew since; the text says who and what.
        Refused: there is no such note, or the text is empty or too long.
    """
    body = _body(text)
    with deciding(database, actor) as decided:
        now, it = _now(database, note_id, expected)
        version = now["version"] + 1
        run(database, "end_note", note_id=now["note_id"], ended_by=actor.name)
        _write(
            decided, "note.change", now["note_id"], version, now["object_type"], now["object_id"], body, it,
            former=now["version"],
        )  # fmt: skip
        decided.says(
            "note.change", "note", now["note_id"], customer_ids=it.customer_ids, version=version
        )
    return Noted(note_id=now["note_id"], version=version, decision_id=decided.decision_id)


def remove_note(database: Database, actor: Actor, note_id: str, *, expected: int) -> Noted:
    """Take a note away; undo brings it back.

    Raises:
        Overtaken: somebody else wrote it anew since.
        Refused: there is no such note.
    """
    with deciding(database, actor) as decided:
        now, it = _now(database, note_id, expected)
        _remove(decided, now, it)
        decided.says("note.remove", "note", now["note_id"], customer_ids=it.customer_ids)
    return Noted(note_id=now["note_id"], version=now["version"], decision_id=decided.decision_id)


def _body(text: str) -> str:
    body = text.replace("\0", " ").strip()
    if not body:
        raise Refused("the note is empty: write something")
    if len(body) > LONGEST_BODY:
        raise Refused(f"the note is longer than {LONGEST_BODY:,} characters")
    return body


def _customer(database: Database, customer_id: str) -> Thing:
    kept = customer_id.replace("\0", "").strip()
    if not run(database, "customer_exists", customer_id=kept):
        raise Refused(f"there is no customer {kept[:100]!r}")
    return Thing(object_type="customer", object_id=kept, parts=[kept], customer_ids=[kept])


def _of(database: Database, row: DictRow) -> Thing:
    if row["object_type"] == "customer":
        return _customer(database, row["object_id"])
    return conversations.conversation(database, row["object_id"])


def _now(database: Database, note_id: str, expected: int) -> tuple[DictRow, Thing]:
    kept = note_id.replace("\0", "")
    lock(database, [f"note {kept}"])
    rows = run(database, "note_now", note_id=kept)
    if not rows:
        raise Refused("there is no such note")
    now = rows[0]
    if now["ended_at"]:
        raise Overtaken(f"{now['ended_by']} took the note away {when(now['ended_at'])}")
    if now["version"] != expected:
        raise Overtaken(
            f"{now['written_by']} wrote the note anew {when(now['written_at'])}: {now['body'][:500]}"
        )
    return now, _of(database, now)


def _write(
    decided: Deciding,
    action: str,
    note_id: str,
    version: int,
    object_type: str,
    object_id: str,
    body: str,
    it: Thing,
    *,
    former: int | None = None,
) -> None:
    run(
        decided.database, "open_note",
        note_id=note_id, version=version, object_type=object_type, object_id=object_id, body=body,
        written_by=decided.actor.name,
    )  # fmt: skip
    decided.changed(
        action, f"note {note_id}", "note", note_id,
        customer_ids=it.customer_ids, data={"version": version, "former": former},
    )  # fmt: skip


def _remove(decided: Deciding, now: DictRow, it: Thing) -> None:
    run(decided.database, "end_note", note_id=now["note_id"], ended_by=decided.actor.name)
    decided.changed(
        "note.remove", f"note {now['note_id']}", "note", now["note_id"],
        customer_ids=it.customer_ids, data={"version": now["version"]},
    )  # fmt: skip


@reverses("note.add", "note.restore")
def _take_away(decided: Deciding, change: Change) -> None:
    (now,) = run(decided.database, "note_now", note_id=change.object_id)
    _remove(decided, now, _of(decided.database, now))


@reverses("note.remove")
def _bring_back(decided: Deciding, change: Change) -> None:
    _write_again(decided, change, "note.restore", change.data["version"])


@reverses("note.change")
def _change_back(decided: Deciding, change: Change) -> None:
    run(decided.database, "end_note", note_id=change.object_id, ended_by=decided.actor.name)
    _write_again(decided, change, "note.change", change.data["former"])


def _write_again(decided: Deciding, change: Change, action: str, version: int) -> None:
    """The text of a former version as a further one."""
    (now,) = run(decided.database, "note_now", note_id=change.object_id)
    (then,) = run(decided.database, "note_version", note_id=change.object_id, version=version)
    _write(
        decided, action, change.object_id, now["version"] + 1, now["object_type"], now["object_id"],
        then["body"], _of(decided.database, now), former=now["version"],
    )  # fmt: skip
