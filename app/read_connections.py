"""What admins read of one connection, and of what they have asked its provider. Each function is one sight."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from app.access.roles import Permission
from app.access.sessions import Viewer
from app.database import Row
from app.reading import Reading, reading
from warehouse.queries import queries

SQL = queries("health")
REQUESTS = queries("connection_requests")
MAY = Permission.MANAGE_CONNECTIONS


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was asked of a provider, and whether anybody is there to ask it."""

    row: Row
    worker_lives: bool


def asked(viewer: Viewer, request_id: str) -> Asked | None:
    """One request; None where it is forgotten. Nobody's data: no event.

    Raises:
        Forbidden: the role may not.
    """
    with reading(viewer, MAY, "connection.view", "connection", request_id) as db:
        db.tells_nothing()
        row = db.execute(REQUESTS["one_request"], {"request_id": request_id}).fetchone()
        return _with_worker(db, row)


def newest(viewer: Viewer, connection_id: str, kind: str) -> Asked | None:
    """What was asked last of this kind; None where nothing was. Nobody's data: no event.

    Raises:
        Forbidden: the role may not.
    """
    with reading(viewer, MAY, "connection.view", "connection", connection_id) as db:
        db.tells_nothing()
        named = {"connection_id": connection_id, "kind": kind}
        row = db.execute(REQUESTS["newest_of_connection"], named).fetchone()
        return _with_worker(db, row)


def _with_worker(db: Reading, row: Row | None) -> Asked | None:
    if row is None:
        return None
    lives = db.execute(REQUESTS["worker_lives"]).fetchone()
    return Asked(row=row, worker_lives=bool(lives and lives["exists"]))


def connection(viewer: Viewer, connection_id: str, *, shown: Row | None = None) -> Row | None:
    """How one connection stands, with those of its keys that are no secrets; None where there is none.

    Args:
        shown: what the page shows already; the same again is no new sight and writes no event.

    Raises:
        Forbidden: the role may not.
    """
    with reading(viewer, MAY, "connection.view", "connection", connection_id) as db:
        found = db.execute(
            SQL["connections_now"], {"connection_id": connection_id, "now": datetime.now(UTC)}
        ).fetchone()
        if found is None or shown is not None:
            db.tells_nothing()
    return found
