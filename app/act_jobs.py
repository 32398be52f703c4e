"""What admins have the worker do again: whether they may, then the request (`warehouse/connection_requests.py`)."""

from __future__ import annotations

from app.access.roles import Permission
from app.access.sessions import Viewer
from app.act import deciding
from warehouse import connection_requests


def repeat(viewer: Viewer, job_id: int) -> None:
    """Do a failed job again.

    Raises:
        Forbidden: the role may not.
    """
    with deciding(viewer, Permission.MANAGE_CONNECTIONS) as db:
        connection_requests.ask_again(db, viewer.actor, job_id)
