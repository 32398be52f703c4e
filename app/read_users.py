"""What admins read of users."""

from __future__ import annotations

from dataclasses import dataclass

from app.access.roles import Permission
from app.access.sessions import Viewer
from app.database import Row
from app.reading import reading
from warehouse import users


@dataclass(frozen=True, kw_only=True)
class Colleagues:
    """Everybody who may sign in or could, and the connections that somebody can be limited to."""

    users: list[Row]
    connections: list[Row]


def listed(viewer: Viewer) -> Colleagues:
    """Everybody who may sign in or could, with when each was here last.

    Raises:
        Forbidden: the role may not.
    """
    with reading(viewer, Permission.MANAGE_USERS, "user.view", "user", "*", on_primary=True) as db:
        return Colleagues(
            users=db.ask(users.listed),
            connections=db.execute(users.SQL["connections_to_choose"]).fetchall(),
        )
