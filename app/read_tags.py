"""The tags there are, within `reading`, for those who look after them."""

from __future__ import annotations

from dataclasses import dataclass

from app.access.roles import Permission
from app.access.sessions import Viewer
from app.database import Row
from app.reading import reading
from warehouse.queries import queries

SQL = queries("tags")

#: What bears a tag is counted up to here; beyond it the page says "more than".
MOST = 1_000
REMOVED, HISTORY = 20, 20


@dataclass(frozen=True, kw_only=True)
class Tags:
    """Every tag with its counts, what was removed lately, and what was decided on the chosen one."""

    listed: list[Row]
    removed: list[Row]
    history: list[Row]

    def one(self, tag_id: str | None) -> Row | None:
        """The tag of this id, removed or not."""
        both = (*self.listed, *self.removed)
        return next((row for row in both if row["tag_id"] == tag_id), None)


def tags(viewer: Viewer, chosen: str | None = None) -> Tags:
    """Names of ours and how often they are used, about no customer: no event.

    Raises:
        Forbidden: the role may not.
    """
    with reading(viewer, Permission.MANAGE_TAGS, "tag.list", "tag", "*") as db:
        db.tells_nothing()
        return Tags(
            listed=db.execute(SQL["listed"], {"most": MOST}).fetchall(),
            removed=db.execute(SQL["removed"], {"page_size": REMOVED}).fetchall(),
            history=db.execute(SQL["history"], {"tag_id": chosen, "page_size": HISTORY}).fetchall()
            if chosen
            else [],
        )
