"""What people decide about saved views: whether they may, then the decision itself (`warehouse/decisions/views.py`)."""

from __future__ import annotations

from app import address
from app.access.roles import Permission, require
from app.access.sessions import Viewer
from app.act import deciding
from app.database import Database
from app.read_saved import needed_to_change
from warehouse import decisions
from warehouse.refusals import Refused


@decisions.gives_way
def save(viewer: Viewer, name: str, url_path: str, query: str, *, is_shared: bool = False) -> str:
    """Keep an address under a name; returns the view's id.

    Raises:
        Forbidden: the role may not share.
        Refused: the name is unusable or taken, or there are too many.
    """
    page = url_path or address.ROOT_NAME
    leads = address.of_view(page, query)
    needed = Permission.SHARE_VIEWS if is_shared else Permission.READ
    with deciding(viewer, needed) as connection:
        return decisions.save_view(
            connection, viewer.actor, name, page=page, query=query, is_shared=is_shared,
            customer_ids=address.whose(leads[1]) if leads else [],
        )  # fmt: skip


@decisions.gives_way
def change(viewer: Viewer, view_id: str, version: int, name: str, *, is_shared: bool) -> None:
    """Call a view otherwise, show it to everybody or no longer.

    Raises:
        Forbidden: it is another's, and the role may not.
        Overtaken: somebody else changed it since.
        Refused: it is gone, or the name is unusable or taken.
    """
    with deciding(viewer, Permission.READ) as connection:
        _require_change(connection, viewer, view_id, is_shared=is_shared)
        decisions.change_view(
            connection, viewer.actor, view_id, name=name, is_shared=is_shared, expected=version
        )


@decisions.gives_way
def remove(viewer: Viewer, view_id: str, version: int) -> str:
    """Keep a view no longer; the id of the decision, which can be undone.

    Raises:
        Forbidden: it is another's, and the role may not.
        Overtaken: somebody else changed it since.
        Refused: it is gone.
    """
    with deciding(viewer, Permission.READ) as connection:
        _require_change(connection, viewer, view_id)
        return decisions.remove_view(connection, viewer.actor, view_id, expected=version)


@decisions.gives_way
def bring_back(viewer: Viewer, decision_id: str) -> None:
    """Take back that a view was removed, by whoever removed it.

    Raises:
        Forbidden: somebody else removed it, and the role may not.
        Refused: the name is taken by now, or something else was decided on it.
    """
    with deciding(viewer, Permission.READ) as connection:
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
    require(viewer.role, needed_to_change(row, viewer.user_name, is_shared=is_shared))
