"""What admins and privacy officers read of the data's quality: rules, and keys of rows that break them. No values."""

from __future__ import annotations

from dataclasses import dataclass

from app.access.roles import Permission
from app.access.sessions import Viewer
from app.database import Row
from app.reading import reading
from warehouse.queries import queries

SQL = queries("quality")


@dataclass(frozen=True, kw_only=True)
class Quality:
    """Each suite as it was looked at last, and the rules that do not hold."""

    suites: list[Row]
    failed: list[Row]


def quality(viewer: Viewer, *, shown: Quality | None = None) -> Quality:
    """What was found last.

    Args:
        shown: what the page shows already; the same again is no new sight and writes no event.

    Raises:
        Forbidden: the role may not.
    """
    with reading(viewer, Permission.READ_DATA_QUALITY, "quality.view", "quality", "*") as db:
        if shown is not None:
            db.tells_nothing()
        return Quality(
            suites=db.execute(SQL["suites"]).fetchall(),
            failed=db.execute(SQL["failed_checks"]).fetchall(),
        )
