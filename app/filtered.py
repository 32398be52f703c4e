"""Reading a timeline of which only some is shown: bounded work, and honest about what was not looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app import database
from app.access.roles import Permission
from app.access.sessions import Viewer
from app.database import Row
from app.reading import Reading, reading
from warehouse.filters import BEHIND_ALL, FIRST, Filter
from warehouse.queries import queries

SQL = queries("timeline_filtered")

#: Of each identity one page looks through no more than this many messages; further ones wait for the next page.
MOST_EXAMINED = 10_000


@dataclass(frozen=True, kw_only=True)
class Counted:
    """How many messages a filter leaves and hides.

    Where `is_cut`, only the newest MOST_EXAMINED of its days were looked through, or of the timeline counted.
    """

    passed: int
    hidden: int
    is_cut: bool


@dataclass(frozen=True, kw_only=True)
class Slice:
    """Some messages that pass, newest first, and where the next page begins; nowhere at the end of the timeline."""

    rows: list[Row]
    next_before: str | None
    #: How many pass behind the position where this page began, where that was counted.
    counted: Row | None = None


def parameters(
    wanted: Filter, customer_id: str, *, start: str = FIRST, before: str | None = None
) -> dict[str, Any]:
    """What the queries over one customer's messages need.

    Args:
        start: only from this position on.
        before: only before this position.
    """
    asked = wanted.parameters(database.settings().zone, datetime.now(UTC))
    return {
        **asked,
        "customer_id": customer_id,
        "from_key": max(asked["from_key"], start),
        "before_key": min(asked["before_key"], before or BEHIND_ALL),
        "most": MOST_EXAMINED,
    }


def page(
    db: Reading, customer_id: str, wanted: Filter, before: str | None, page_size: int
) -> Slice:
    """One page of what passes, before a position."""
    asked = parameters(wanted, customer_id, before=before)
    rows = db.execute(SQL["filtered_page"], {**asked, "page_size": page_size}).fetchall()
    if len(rows) == page_size:
        return Slice(rows=rows, next_before=rows[-1]["sort_key"])
    counted = _counted(db, asked)
    is_cut = counted["examined"] >= MOST_EXAMINED
    return Slice(rows=rows, next_before=counted["oldest_key"] if is_cut else None, counted=counted)


def page_from(
    db: Reading, customer_id: str, wanted: Filter, start: str, page_size: int
) -> list[Row]:
    """What passes from a position on, oldest first, of the MOST_EXAMINED messages there."""
    asked = parameters(wanted, customer_id, start=start) | {"page_size": page_size}
    return db.execute(SQL["filtered_from"], asked).fetchall()


def earlier(viewer: Viewer, customer_id: str, wanted: Filter, before: str, page_size: int) -> Slice:
    """The page of what passes before a position; newest first, as it is read."""
    with reading(
        viewer, Permission.READ, "timeline.view", "customer", customer_id,
        customer_ids=[customer_id], detail={"filter": wanted.address(), "before_key": before},
    ) as db:  # fmt: skip
        found = page(db, customer_id, wanted, before, page_size)
        if not found.rows:
            db.tells_nothing()
        return found


def count(db: Reading, customer_id: str, wanted: Filter, newest: Slice) -> Counted:
    """How many pass, and how many do not.

    Args:
        newest: the newest page of what passes, which may have counted already.
    """
    found = newest.counted or _counted(db, parameters(wanted, customer_id))
    total = db.execute(
        SQL["timeline_total"], {"customer_id": customer_id, "most": MOST_EXAMINED}
    ).fetchone()
    assert total is not None
    return Counted(
        passed=found["passed"],
        hidden=max(total["messages"] - found["passed"], 0),
        is_cut=found["examined"] >= MOST_EXAMINED or total["messages"] >= MOST_EXAMINED,
    )


def passing(db: Reading, customer_id: str, wanted: Filter, message_ids: list[str]) -> set[str]:
    """Which of these messages pass."""
    asked = parameters(wanted, customer_id) | {"message_ids": message_ids}
    return {row["message_id"] for row in db.execute(SQL["filtered_changes"], asked)}


def _counted(db: Reading, asked: dict[str, Any]) -> Row:
    row = db.execute(SQL["filtered_count"], asked).fetchone()
    assert row is not None
    return row
