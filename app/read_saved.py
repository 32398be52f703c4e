"""Which saved views there are for somebody. Where each leads says `address.py`."""

from __future__ import annotations

from dataclasses import dataclass

from app import address
from app.access.roles import Permission, may
from app.access.sessions import Viewer
from app.database import Row
from app.reading import reading
from warehouse.queries import queries

SQL = queries("saved_views")


@dataclass(frozen=True, kw_only=True)
class View:
    """A view as somebody sees it."""

    view_id: str
    name: str
    owner: str
    is_shared: bool
    version: int
    #: The script and the parameters that it leads to.
    script: str
    parameters: dict[str, list[str]]
    may_change: bool


def views(viewer: Viewer) -> list[View]:
    """Their own, then what others and they share. Names of addresses, and nothing behind them: no event."""
    with reading(viewer, Permission.READ, "view.list", "view", "*") as db:
        db.tells_nothing()
        rows = db.execute(SQL["listed"], {"user_name": viewer.user_name}).fetchall()
    return [made for row in rows if (made := _view(row, viewer))]


def _view(row: Row, viewer: Viewer) -> View | None:
    leads = address.of_view(row["page"], row["query"])
    if leads is None:
        return None
    return View(
        view_id=row["view_id"],
        name=row["name"],
        owner=row["owner"],
        is_shared=row["is_shared"],
        version=row["version"],
        script=leads[0],
        parameters=leads[1],
        may_change=may(viewer.role, needed_to_change(row, viewer.user_name)),
    )


def needed_to_change(row: Row, user_name: str, *, is_shared: bool = False) -> Permission:
    """What it takes to change a view, perhaps into a shared one."""
    if row["owner"] != user_name:
        return Permission.MANAGE_VIEWS
    return Permission.SHARE_VIEWS if row["is_shared"] or is_shared else Permission.READ
