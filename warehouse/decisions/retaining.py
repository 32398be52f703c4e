"""Retention classes: what is kept for how long and why, and who agreed. privacy/retention.py takes away what is due.

set      a class, or a change of one: a new version, which nobody has approved
preview  how much is due of each, of whom, from when to when, and what a hold keeps
approve  another person than whoever changed it; standing: the nightly job applies it until it is changed
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row

from warehouse.decisions.ledger import Database, execute, line
from warehouse.events import Actor, record
from warehouse.queries import queries
from warehouse.refusals import Refused

SQL = queries("retention")
COVERS = ("messages", "recordings", "events")
OF_A_CLASS = (
    "class_id", "covers", "keep", "action", "reason", "is_approved", "approved_by", "is_standing",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Due:
    """What is due of a class."""

    class_id: str
    covers: str
    keep: str
    action: str
    reason: str
    due: int = 0
    held: int = 0
    oldest: Any = None
    newest: Any = None
    people: int = 0
    customers: int = 0
    #: Some of them.
    customer_ids: list[str] = field(default_factory=list)
    is_approved: bool = False
    approved_by: str | None = None
    is_standing: bool = False


def retention_classes(database: Database) -> list[DictRow]:
    """Every class, as it stands."""
    with database.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(SQL["classes"]).fetchall()


def preview_retention(database: Database) -> list[Due]:
    """What each class would take now."""
    found: dict[str, dict[str, Any]] = {}
    with database.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(SQL["preview_messages"]).fetchall():
            found[row["class_id"]] = {key: value for key, value in row.items() if key != "class_id"}
    told = []
    for each in retention_classes(database):
        values: dict[str, Any] = found.get(each["class_id"], {})
        if each["covers"] == "recordings":
            values = _of_recordings(database, each["class_id"])
        elif each["covers"] == "events":
            values = _of_events(database, each["class_id"])
        if values.get("customer_ids") is None:
            values.pop("customer_ids", None)
        told.append(Due(**{key: each[key] for key in OF_A_CLASS}, **values))
    return told


def _of_recordings(database: Database, class_id: str) -> dict[str, Any]:
    rows = execute(database, SQL["due_recordings"], {"class_id": class_id})
    times = [row["sent_at"] for row in rows if not row["is_held"]]
    return {
        "due": len(times),
        "held": len(rows) - len(times),
        "oldest": min(times, default=None),
        "newest": max(times, default=None),
    }


def _of_events(database: Database, class_id: str) -> dict[str, Any]:
    (row,) = execute(database, SQL["due_events"], {"class_id": class_id})
    return {"due": row["count"], "oldest": row["min"], "newest": row["max"]}


def set_class(
    database: Database,
    actor: Actor,
    class_id: str,
    *,
    covers: str,
    keep: str,
    basis: str,
    reason: str,
    channels: Sequence[str] = (),
    kinds: Sequence[str] = (),
    tag: str | None = None,
    counted_from: str = "sent",
) -> int:
    """Make or change a class; returns its version. Whoever approves it is somebody else.

    Raises:
        Refused: something of it cannot be.
    """
    if covers not in COVERS:
        raise Refused(f"a class covers {', '.join(COVERS)}: not {covers[:40]!r}")
    values = {
        "class_id": class_id, "covers": covers, "keep": keep, "channels": list(channels),
        "kinds": list(kinds), "tag_id": _tag(database, tag), "counted_from": counted_from,
        "basis": line(basis, "basis", 300, "name the purpose or the law that asks for it"),
        "reason": line(reason, "reason", 500, "say why with --reason"), "changed_by": actor.name,
    }  # fmt: skip
    try:
        with database.transaction():
            (row,) = execute(database, SQL["set_class"], values)
            detail = {key: value for key, value in values.items() if key != "changed_by"}
            event = actor.event(
                "retention.change",
                "retention class",
                class_id,
                detail={**detail, "version": row["version"]},
            )
            record(database, event)
    except (psycopg.errors.CheckViolation, psycopg.DataError) as fault:
        raise Refused(f"a class cannot be so: {fault.diag.message_primary}") from fault
    return int(row["version"])


def _tag(database: Database, name: str | None) -> str | None:
    if not name:
        return None
    rows = execute(database, SQL["tag"], {"name": name})
    if not rows:
        raise Refused(f"there is no tag {name[:80]!r}")
    return str(rows[0]["shown_tag_id"])


def approve_class(
    database: Database, actor: Actor, class_id: str, *, standing: bool = False
) -> int:
    """Approve a class as it stands; returns the version.

    Raises:
        Refused: there is no such class, or the same person changed it.
    """
    found = class_(database, class_id)
    with database.transaction():
        rows = execute(
            database, SQL["approve"],
            {
                "class_id": class_id, "version": found["version"], "approved_by": actor.name,
                "is_standing": standing,
            },
        )  # fmt: skip
        if not rows:
            raise Refused(
                f"{class_id} was changed by {found['changed_by']}: another person approves it"
            )
        event = actor.event(
            "retention.approve", "retention class", class_id,
            detail={"version": rows[0]["version"], "standing": standing},
        )  # fmt: skip
        record(database, event)
    return int(rows[0]["version"])


def class_(database: Database, class_id: str) -> DictRow:
    """One class.

    Raises:
        Refused: there is none of this name.
    """
    for each in retention_classes(database):
        if each["class_id"] == class_id:
            return each
    raise Refused(f"there is no retention class {class_id[:40]!r}")
