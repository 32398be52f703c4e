"""What admins read of the worker's jobs. Nobody's data: no event but the first look's."""

from __future__ import annotations

from dataclasses import dataclass

from app.access.roles import Permission
from app.access.sessions import Viewer
from app.database import Row
from app.reading import reading
from warehouse.queries import queries

SQL = queries("jobs")
MOST = 100


@dataclass(frozen=True, kw_only=True)
class Jobs:
    """What runs or waits, what failed, what each kind did last, and what is done by the clock."""

    under_way: list[Row]
    failed: list[Row]
    history: list[Row]
    schedules: list[Row]


def jobs(viewer: Viewer, *, shown: Jobs | None = None) -> Jobs:
    """The worker's jobs.

    Args:
        shown: what the page shows already; the same again is no new sight and writes no event.

    Raises:
        Forbidden: the role may not.
    """
    named = {"most": MOST}
    with reading(viewer, Permission.MANAGE_CONNECTIONS, "job.view", "job", "*") as db:
        if shown is not None:
            db.tells_nothing()
        return Jobs(
            under_way=db.execute(SQL["under_way"], named).fetchall(),
            failed=db.execute(SQL["failed"], named).fetchall(),
            history=db.execute(SQL["history"], named).fetchall(),
            schedules=db.execute(SQL["schedules"]).fetchall(),
        )
