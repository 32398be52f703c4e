"""What those who answer for it read of the log: who saw a customer, what a person looked at. Each look is an event.

As in `app.read`, each function is one sight, within `reading`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from app.access.roles import Permission
from app.access.sessions import Viewer
from app.database import Row
from app.read import Exported
from app.reading import Reading, reading
from warehouse import event_log
from warehouse.event_log import Asked
from warehouse.queries import queries

SQL = queries("events")
FILES = queries("app_read")

#: Events on one page of the list.
LIST_SIZE = 50
#: Of the customers of one event so many are named; a list may have shown fifty.
NAMED = 3
#: So many people and kinds of acts are there to choose from.
MOST_CHOICES = 500


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A page of the log, the names of customers in it, and what there is to choose from."""

    rows: list[Row]
    names: dict[str, str]
    people: list[str]
    actions: list[str]
    #: What analysts ask by SQL stands here, too.
    has_analysts: bool


def events(
    viewer: Viewer,
    asked: Asked,
    before: tuple[datetime, str] | None = None,
) -> Seen:
    """Events that pass, newest first, before a place in the list.

    Raises:
        Forbidden: the role may not.
    """
    with reading(
        viewer, Permission.READ_EVENTS, "event.search", "event", "*", detail=asked.detail()
    ) as db:
        customer_ids = db.ask(asked.customer_ids)
        rows = db.ask(event_log.find, asked, customer_ids, before=before, most=LIST_SIZE)
        named = {each for row in rows for each in row["customer_ids"][:NAMED]} | set(customer_ids)
        names = db.execute(
            SQL["names_of_customers"], {"customer_ids": sorted(named), "asked": customer_ids}
        ).fetchall()
        collected = db.execute(SQL["statements_are_collected"]).fetchone()
        seen = Seen(
            rows=rows,
            names={each["customer_id"]: each["name"] for each in names},
            people=_known(db, "known_actors"),
            actions=_known(db, "known_actions"),
            has_analysts=bool(collected and collected["are_collected"]),
        )
        db.tells(customer_ids=sorted(seen.names), count=len(rows))
    return seen


def _known(db: Reading, query: str) -> list[str]:
    return [row["value"] for row in db.execute(SQL[query], {"most": MOST_CHOICES}).fetchall()]


def export(viewer: Viewer, asked: Asked, most: int, write: Callable[[Row], None]) -> Exported:
    """Give each event that passes to `write`, the newest first, but no more than `most`.

    Raises:
        Forbidden: the role may not.
    """
    with reading(
        viewer, Permission.READ_EVENTS, "event.export", "event", "*", detail=asked.detail()
    ) as db:
        db.execute(FILES["be_patient"])
        customer_ids = db.ask(asked.customer_ids)
        count, is_cut = 0, False
        for row in event_log.stream(db.connection, asked, customer_ids, most=most + 1):
            if is_cut := count == most:
                break
            write(row)
            count += 1
        db.tells(customer_ids=customer_ids, count=count, is_cut=is_cut)
    return Exported(count=count, is_cut=is_cut)
