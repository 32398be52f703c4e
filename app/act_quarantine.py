"""What admins decide about events that nobody understood: whether they may, then the decision or the request itself."""

from __future__ import annotations

from app.access.roles import Permission
from app.access.sessions import Viewer
from app.act import deciding
from warehouse import decisions, quarantine

MAY = Permission.MANAGE_CONNECTIONS


@decisions.gives_way
def ignore(viewer: Viewer, channel: str, reason: str) -> None:
    """Ignore a kind of event from now on.

    Raises:
        Forbidden: the role may not.
        Refused: there is none of this kind any more.
    """
    with deciding(viewer, MAY) as database:
        decisions.ignore_kind(database, viewer.actor, channel, reason)


def read_again(viewer: Viewer, channel: str, reason: str) -> int:
    """Have the raw rows behind a kind of event folded again; returns how many they are.

    Raises:
        Forbidden: the role may not.
    """
    with deciding(viewer, MAY) as database:
        return quarantine.read_again(database, viewer.actor, channel, reason)
