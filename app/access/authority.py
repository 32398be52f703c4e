"""Whether somebody may, asked in the transaction in which they read or decide.

What a page knew when it was drawn is old: a dialog stands open for an hour while its person is signed out, disabled or
given another role. So `reading` and `deciding` ask here, and whatever reads or decides through them inherits it.
"""

from __future__ import annotations

import dataclasses

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.access import limits
from app.access.roles import Forbidden, Permission, UserRole, require
from app.access.sessions import IDLE_SECONDS, SQL, Viewer
from app.database import Database


class SessionEnded(Forbidden):
    """Signed out, expired, or disabled since the page was drawn."""


def viewer_within(
    connection: Database, viewer: Viewer, permission: Permission, *, holds: bool = False
) -> Viewer:
    """This person as this transaction finds them, who may do it. What it asks from here on is within their limits.

    Where a page asks and the session has ended or the role is another, the page is run anew and shows what is right.

    Args:
        holds: keep the session and the user as they are until the transaction ends, so that nothing is decided after it
            was forbidden. A reader needs no lock: what it has read before it was forbidden, it may show.

    Raises:
        SessionEnded: nobody is signed in in this session any more.
        Forbidden: the role may not.
    """
    query = SQL["viewer_held" if holds else "viewer_standing"]
    # The transaction begins in the same round trip.
    with connection.pipeline():
        cursor = connection.execute(
            query, {"session_id": viewer.session_id, "idle_seconds": IDLE_SECONDS}
        )
    row = cursor.fetchone()
    if row is None or row["user_name"] != viewer.user_name:
        _run_anew()
        raise SessionEnded("your session has ended: sign in again")
    role = UserRole(row["role"])
    if role is not viewer.role:
        _run_anew()
    require(role, permission)
    limited_to = limits.of(row)
    if limited_to is not None:
        limits.bound(connection, limited_to, decides=holds)
    return dataclasses.replace(viewer, role=role, limits=limited_to, read_after=row["read_after"])


def _run_anew() -> None:
    """Where this is a run of a page; elsewhere nothing happens. It ends the transaction, as errors do."""
    if get_script_run_ctx(suppress_warning=True) is not None:
        st.rerun()
