"""Saved views: which there are for somebody, and what they may do with them. Where each leads says `address.py`."""

from __future__ import annotations

from dataclasses import dataclass

from app import act, address
from app.access.roles import Permission, may, require
from app.access.sessions import Viewer
from app.database import Database, Row
from app.reading import reading
from warehouse import decisions
from warehouse.queries import queries
from warehouse.refusals import Refused

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
        may_change=may(viewer.role, _needed(row, viewer)),
    )


def _needed(row: Row, viewer: Viewer, *, is_shared: bool = False) -> Permission:
    """What it takes to change a view, perhaps into a shared one."""
    if row["owner"] != viewer.user_name:
        return Permission.MANAGE_VIEWS
    return Permission.SHARE_VIEWS if row["is_shared"] or is_shared else Permission.READ


def save(viewer: Viewer, name: str, url_path: str, query: str, *, is_shared: bool = False) -> str:
    """Keep an address under a name; returns the view's id.

    Raises:
        Forbidden: the role may not share.
        Refused: the name is unusable or taken, or there are too many.
    """
    page = url_path or address.ROOT_NAME
    leads = address.of_view(page, query)
    needed = Permission.SHARE_VIEWS if is_shared else Permission.READ
    with act.deciding(viewer, needed) as connection:
        return decisions.save_view(
            connection, viewer.actor, name, page=page, query=query, is_shared=is_shared,
            customer_ids=address.whose(leads[1]) if leads else [],
        )  # fmt: skip


def change(viewer: Viewer, view_id: str, version: int, name: str, *, is_shared: bool) -> None:
    """Call a view otherwise, show it to everybody or no longer.

    Raises:
        Forbidden: it is another's, and the role may not.
        Overtaken: somebody else changed it since.
        Refused: it is gone, or the name is unusable or taken.
    """
    with act.deciding(viewer, Permission.READ) as connection:
        _require_change(connection, viewer, view_id, is_shared=is_shared)
        decisions.change_view(
            connection, viewer.actor, view_id, name=name, is_shared=is_shared, expected=version
        )


def remove(viewer: Viewer, view_id: str, version: int) -> str:
    """Keep a view no longer; the id of the decision, which can be undone.

    Raises:
        Forbidden: it is another's, and the role may not.
        Overtaken: somebody else changed it since.
        Refused: it is gone.
    """
    with act.deciding(viewer, Permission.READ) as connection:
        _require_change(connection, viewer, view_id)
        return decisions.remove_view(connection, viewer.actor, view_id, expected=version)


def bring_back(viewer: Viewer, decision_id: str) -> None:
    """Take back that a view was removed, by whoever removed it.

    Raises:
        Forbidden: somebody else removed it, and the role may not.
        Refused: the name is taken by now, or something else was decided on it.
    """
    with act.deciding(viewer, Permission.READ) as connection:
        is_removal = decisions.actions_of(connection, decision_id) == {"view.remove"}
        if (
            decisions.decision(connection, decision_id)["actor"] != viewer.user_name
            or not is_removal
        ):
            require(viewer.role, Permission.MANAGE_VIEWS)
        decisions.undo(connection, viewer.actor, decision_id, "taken back on the page")


def _require_change(
    connection: Database, viewer: Viewer, view_id: str, *, is_shared: bool = False
) -> None:
    row = decisions.view(connection, view_id)
    if row["owner"] != viewer.user_name and not row["is_shared"]:
        raise Refused("there is no such view any more")
    require(viewer.role, _needed(row, viewer, is_shared=is_shared))
