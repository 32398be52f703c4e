"""What admins decide about connections: whether they may, then the decision itself, with its event in one transaction.

What is asked of a provider is answered by the worker (`warehouse/connection_requests.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from app import database
from app.access.roles import Permission
from app.access.sessions import Viewer
from app.act import deciding
from warehouse import connection_requests, connections
from warehouse.events import record
from warehouse.refusals import Refused

MAY = Permission.MANAGE_CONNECTIONS


def check(
    viewer: Viewer,
    channel: str,
    values: dict[str, str],
    *,
    connection_id: str | None = None,
    drop_old: bool = False,
) -> str:
    """Have the provider asked with these keys; nothing is saved. Returns the request's id.

    Raises:
        Forbidden: the role may not.
        Refused: a value cannot be right; the text says which and why.
    """
    with deciding(viewer, MAY) as db:
        return connection_requests.ask_check(
            db, database.settings(), viewer.actor, channel, values,
            connection_id=connection_id, drop_old=drop_old,
        )  # fmt: skip


def save_new(
    viewer: Viewer, request_id: str, name: str, *, registers: bool, take_over: bool = False
) -> str:
    """Make the connection that was checked, and have our webhook registered; returns the connection's id.

    Raises:
        Forbidden: the role may not.
        Refused: there is nothing to save.
    """
    with deciding(viewer, MAY) as db:
        connection_id = connection_requests.save_new(db, viewer.actor, request_id, name)
        if registers:
            connection_requests.ask(
                db, viewer.actor, "register", connection_id, take_over=take_over
            )
    return connection_id


def save_changed(viewer: Viewer, request_id: str) -> str:
    """Give a connection the keys that were checked; returns its id. Raises as `save_new`."""
    with deciding(viewer, MAY) as db:
        return connection_requests.save_changed(db, viewer.actor, request_id)


def register(viewer: Viewer, connection_id: str, *, take_over: bool = False) -> str:
    """Have our webhook registered; returns the request's id. Raises as `save_new`."""
    with deciding(viewer, MAY) as db:
        return connection_requests.ask(
            db, viewer.actor, "register", connection_id, take_over=take_over
        )


def ask(viewer: Viewer, kind: str, connection_id: str) -> str:
    """Have the provider asked (`show`, `history`); returns the request's id. Raises as `save_new`."""
    with deciding(viewer, MAY) as db:
        return connection_requests.ask(db, viewer.actor, kind, connection_id)


def backfill(viewer: Viewer, connection_id: str, since: date | None = None) -> str:
    """Have the history pulled, from a day on or all that is not held; a paused one goes on. Raises as `save_new`."""
    options = {"since": f"{since.isoformat()}T00:00:00+00:00"} if since else {}
    with deciding(viewer, MAY) as db:
        connections.set_paused(db, connection_id, paused=False)
        return connection_requests.ask(db, viewer.actor, "pull", connection_id, **options)


def pause(viewer: Viewer, connection_id: str) -> None:
    """Let pulls rest within half a minute; what is pushed is received. Raises as `save_new`."""
    _change(viewer, "pause", connection_id, connections.set_paused, paused=True)


def resume(viewer: Viewer, connection_id: str) -> None:
    """Let pulls go on. Raises as `save_new`."""
    _change(viewer, "resume", connection_id, connections.set_paused, paused=False)
    _pull(viewer, connection_id)


def disable(viewer: Viewer, connection_id: str) -> None:
    """Stop pulling. What the provider pushes still lands. Raises as `save_new`."""
    _change(viewer, "disable", connection_id, connections.set_disabled, disabled=True)


def enable(viewer: Viewer, connection_id: str) -> None:
    """Pull again. Raises as `save_new`."""
    _change(viewer, "enable", connection_id, connections.set_disabled, disabled=False)
    _pull(viewer, connection_id)


def rename(viewer: Viewer, connection_id: str, name: str) -> None:
    """Call a connection otherwise. Raises as `save_new`."""
    name = connection_requests.check_name(name)
    _change(viewer, "rename", connection_id, connections.rename, {"name": name}, name=name)


def remove(viewer: Viewer, connection_id: str) -> None:
    """Forget the keys of a connection. What was received stays. Raises as `save_new`."""
    _change(viewer, "remove", connection_id, connections.remove)


def _change(
    viewer: Viewer,
    verb: str,
    connection_id: str,
    change: Callable[..., bool],
    detail: dict[str, object] | None = None,
    **given: Any,
) -> None:
    """Make a change of one connection, given as what says whether it is still there, and write it down."""
    with deciding(viewer, MAY) as db:
        if not change(db, connection_id, **given):
            raise Refused("this connection is not there any more")
        event = viewer.event(f"connection.{verb}", "connection", connection_id, detail=detail or {})
        record(db, event)


def _pull(viewer: Viewer, connection_id: str) -> None:
    """What was missed meanwhile. A channel without a history answers that it has none, and nobody is bothered by it."""
    with deciding(viewer, MAY) as db:
        connection_requests.ask(db, viewer.actor, "pull", connection_id)
