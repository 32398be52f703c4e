"""What the lists of work and the panel beside a timeline show, each within `reading`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from app.access.roles import Permission, UserRole, may
from app.access.sessions import Viewer
from app.database import Row
from app.reading import reading
from warehouse.queries import queries

SQL = queries("work")

LIST_SIZE = 50
#: Conversations that wait, and that somebody has, are counted up to here; beyond it the page says "more than".
MOST = 2_000
#: Of a customer's conversations the newest stand in the panel; of what was decided, too.
CONVERSATIONS = 50
HISTORY_SIZE = 30
NOTES = 50
#: Whoever never looked sees what came in within a day.
FIRST_LOOK = timedelta(days=1)


class Which(StrEnum):
    """The lists."""

    MINE = "mine"
    UNASSIGNED = "unassigned"
    OPEN = "open"
    WAITING = "waiting"
    DUE = "due"
    NEW = "new"


@dataclass(frozen=True, kw_only=True)
class Work:
    """One list, and how many stand in each. Counts are lower bounds where `is_cut`."""

    rows: list[Row]
    counts: dict[str, int]
    is_cut: bool


def looked_at(viewer: Viewer) -> datetime:
    """When this person last said that they had seen what came in."""
    with reading(viewer, Permission.READ, "work.view", "work", "last_look") as db:
        row = db.execute(SQL["last_look"], {"user_name": viewer.user_name}).fetchone()
        db.tells_nothing()
    return row["looked_at"] if row else datetime.now(UTC) - FIRST_LOOK


def work(
    viewer: Viewer,
    which: Which,
    days: int,
    since: datetime,
    *,
    size: int = LIST_SIZE,
    shown: Work | None = None,
) -> Work:
    """A list of conversations, whoever waits longest for an answer of ours first.

    Args:
        days: how far back it is looked for those who wait and whom nobody has.
        since: from when on a message counts as come in since the last look.
        size: so many rows of the list; the whole of it is made anew each time, so a longer page begins with the same.
        shown: what the page shows already; the same again is no new sight and writes no event.
    """
    with reading(viewer, Permission.READ, "work.view", "work", which.value) as db:
        rows = db.execute(
            SQL["work"],
            {
                "which": which.value,
                "user_name": viewer.user_name,
                "since": datetime.now(UTC) - timedelta(days=days),
                "looked_at": since,
                "most": MOST,
                "page_size": size,
            },
        ).fetchall()
        first = rows[0]
        found = Work(
            rows=[row for row in rows if row["conversation_id"]],
            counts=first["counts"],
            is_cut=first["is_cut"],
        )
        if shown is not None and shown.rows == found.rows:
            db.tells_nothing()
        else:
            db.tells(
                customer_ids=sorted({row["customer_id"] for row in found.rows if row["customer_id"]}),
                count=len(found.rows),
            )  # fmt: skip
    return found


@dataclass(frozen=True, kw_only=True)
class About:
    """What was decided about a customer and one of their conversations."""

    #: The customer's conversations, newest first; of a stranger's the one alone.
    conversations: list[Row]
    chosen: Row | None
    notes: list[Row]
    history: list[Row]
    tags: list[Row]
    colleagues: list[Row]
    message_tags: list[Row]


def about(
    viewer: Viewer,
    customer_id: str,
    conversation_id: str | None,
    *,
    message_id: str | None = None,
    shown: About | None = None,
) -> About:
    """The panel beside a timeline. Without a conversation the newest is chosen.

    Args:
        customer_id: empty where the conversation is nobody's yet.
        shown: what stands there already; the same again is no new sight and writes no event.
    """
    with reading(
        viewer, Permission.READ, "panel.view", "customer", customer_id or "nobody",
        customer_ids=[customer_id] if customer_id else [],
        detail={"conversation_id": conversation_id, "message_id": message_id},
    ) as db:  # fmt: skip
        theirs = (
            db.execute(
                SQL["conversations_of_customer"],
                {"customer_id": customer_id, "page_size": CONVERSATIONS},
            ).fetchall()
            if customer_id
            else []
        )
        chosen = next(
            (row for row in theirs if conversation_id in row["places"]),
            None,
        )
        if chosen is None and conversation_id:
            chosen = db.execute(
                SQL["one_conversation"], {"conversation_id": conversation_id}
            ).fetchone()
            theirs += [chosen] if chosen else []
        if chosen is None and theirs:
            chosen = theirs[0]
        places = chosen["places"] if chosen else []
        notes = db.execute(
            SQL["notes"],
            {
                "customer_ids": [customer_id],
                "customer_id": customer_id,
                "places": places,
                "page_size": NOTES,
            },
        ).fetchall()
        history = db.execute(
            SQL["history"],
            {
                "customer_id": customer_id,
                "conversation_id": chosen["conversation_id"] if chosen else "",
                "places": places,
                "page_size": HISTORY_SIZE,
            },
        ).fetchall()
        found = About(
            conversations=theirs,
            chosen=chosen,
            notes=notes,
            history=history,
            tags=db.execute(SQL["tags"]).fetchall(),
            colleagues=db.execute(
                SQL["colleagues"],
                {"roles": [role.value for role in UserRole if may(role, Permission.ORGANISE)]},
            ).fetchall(),
            message_tags=db.execute(SQL["message_tags"], {"message_id": message_id}).fetchall()
            if message_id
            else [],
        )
        if shown == found:
            db.tells_nothing()
    return found


def looked(viewer: Viewer, at: datetime) -> None:
    """Remember that this person has seen what came in until then. About no customer, so it is no decision."""
    with reading(viewer, Permission.READ, "work.look", "work", Which.NEW.value) as db:
        db.execute(SQL["looked"], {"user_name": viewer.user_name, "looked_at": at})
