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
#: So late a message may come in after it was sent, and is new still.
LATE = timedelta(days=7)


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
    """What was sent before that is new to this person no more."""
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
        since: what was sent from then on is new, unless this person said that they had seen it.
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

    #: Whose it is; empty for nobody's.
    customer_id: str
    #: The customer's conversations, newest first; of a stranger's the one alone.
    conversations: list[Row]
    chosen: Row | None
    notes: list[Row]
    history: list[Row]
    tags: list[Row]
    colleagues: list[Row]


def about(
    viewer: Viewer,
    customer_id: str,
    conversation_id: str | None,
    *,
    follows: bool = False,
    shown: About | None = None,
) -> About:
    """The panel beside a timeline. Without a conversation the newest is chosen.

    Args:
        customer_id: empty where the conversation is nobody's yet.
        follows: show the conversation whosever it is by now. Beside a timeline it is shown as long as it is theirs.
        shown: what stands there already; the same again is no new sight and writes no event.
    """
    with reading(
        viewer, Permission.READ, "panel.view", "customer", customer_id or "nobody",
        detail={"conversation_id": conversation_id},
    ) as db:  # fmt: skip
        asked = {"customer_id": customer_id, "page_size": CONVERSATIONS}
        ones, theirs, tags, colleagues = db.together(
            (SQL["one_conversation"], {"conversation_id": conversation_id or ""}),
            (SQL["conversations_of_customer"], asked),
            (SQL["tags"], {}),
            (
                SQL["colleagues"],
                {"roles": [role.value for role in UserRole if may(role, Permission.ORGANISE)]},
            ),
        )
        chosen = ones[0] if ones else None
        whose = (chosen["customer_id"] or "") if chosen else ""
        if chosen and whose != customer_id and not follows:
            chosen = None
        if chosen and whose != customer_id:
            customer_id = whose
            asked["customer_id"] = whose
            theirs = db.execute(SQL["conversations_of_customer"], asked).fetchall()
        db.tells(
            object_id=customer_id or "nobody", customer_ids=[customer_id] if customer_id else []
        )
        if chosen and all(row["conversation_id"] != chosen["conversation_id"] for row in theirs):
            theirs.append(chosen)
        if chosen is None and theirs:
            chosen = theirs[0]
        places = chosen["places"] if chosen else []
        notes, history = db.together(
            (
                SQL["notes"],
                {
                    "customer_ids": [customer_id],
                    "customer_id": customer_id,
                    "places": places,
                    "page_size": NOTES,
                },
            ),
            (
                SQL["history"],
                {
                    "customer_id": customer_id,
                    "conversation_id": chosen["conversation_id"] if chosen else "",
                    "places": places,
                    "page_size": HISTORY_SIZE,
                },
            ),
        )
        found = About(
            customer_id=customer_id,
            conversations=theirs,
            chosen=chosen,
            notes=notes,
            history=history,
            tags=tags,
            colleagues=colleagues,
        )
        if shown == found:
            db.tells_nothing()
    return found


def looked(viewer: Viewer, shown: Work, since: datetime) -> None:
    """Remember that this person has seen these conversations, each up to the message that stood there, nothing else.
    About no customer, so it is no decision.

    Args:
        since: as it was shown with.
    """
    whose = {"user_name": viewer.user_name}
    with reading(
        viewer, Permission.READ, "work.look", "work", Which.NEW.value, on_primary=True
    ) as db:
        db.execute(
            SQL["see"],
            {
                **whose,
                "conversation_ids": [row["conversation_id"] for row in shown.rows],
                "seen_keys": [row["last_sort_key"] for row in shown.rows],
            },
        )
        if not shown.is_cut and len(shown.rows) == shown.counts[Which.NEW.value]:
            # All of it stood there, so what is long past needs no line for each any more.
            since = max(since, datetime.now(UTC) - LATE)
            db.execute(SQL["forget_seen"], {**whose, "looked_at": since})
        db.execute(SQL["look"], {**whose, "looked_at": since})
