"""What admins decide about users: whether they may, then the change itself (`warehouse/users.py`)."""

from __future__ import annotations

from collections.abc import Sequence

from app.access.passwords import hash_password
from app.access.roles import Permission, UserRole
from app.access.sessions import Viewer
from app.act import deciding
from warehouse import users

MAY = Permission.MANAGE_USERS


def add(
    viewer: Viewer, user_name: str, *, display_name: str, email: str, role: UserRole, password: str
) -> None:
    """Let somebody sign in.

    Raises:
        Forbidden: the role may not.
        Refused: the name is taken or unusable, the address is none, or the password is not taken.
    """
    users.check_password(password, [user_name, display_name, email])
    # It takes a quarter of a second on purpose, and holds no transaction meanwhile.
    password_hash = hash_password(password)
    with deciding(viewer, MAY) as db:
        users.add(
            db, viewer.actor,
            user_name=user_name, display_name=display_name or user_name, email=email,
            role=role.value, password_hash=password_hash, is_first=True,
        )  # fmt: skip


def set_role(viewer: Viewer, user_name: str, role: UserRole) -> None:
    """Give somebody another role: they sign in anew. Raises as `disable`."""
    with deciding(viewer, MAY) as db:
        if role is not UserRole.ADMIN:
            users.check_an_admin_stays(db, user_name)
        users.set_role(db, viewer.actor, user_name, role.value)


def set_limits(
    viewer: Viewer, user_name: str, *, channels: Sequence[str], connections: Sequence[str]
) -> None:
    """Let somebody see these channels and connections alone, or everything: they sign in anew.

    Raises:
        Forbidden: the role may not.
        Refused: there is no such user, channel or connection, or their role cannot have limits.
    """
    with deciding(viewer, MAY) as db:
        users.set_limits(db, viewer.actor, user_name, channels=channels, connections=connections)


def disable(viewer: Viewer, user_name: str) -> None:
    """Refuse somebody from now on: they are signed out at once.

    Raises:
        Forbidden: the role may not.
        Refused: there is no such user, or nobody would be left who may do this.
    """
    with deciding(viewer, MAY) as db:
        users.check_an_admin_stays(db, user_name)
        users.disable(db, viewer.actor, user_name)


def enable(viewer: Viewer, user_name: str) -> None:
    """Let somebody in again. Raises as `disable`."""
    with deciding(viewer, MAY) as db:
        users.enable(db, viewer.actor, user_name)


def end_sessions(viewer: Viewer, user_name: str) -> None:
    """Sign somebody out everywhere. Raises as `disable`."""
    with deciding(viewer, MAY) as db:
        users.end_sessions(db, viewer.actor, user_name)
