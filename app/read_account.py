"""What somebody reads about their own sign-ins."""

from __future__ import annotations

from dataclasses import dataclass

from app.access.roles import Permission
from app.access.sessions import IDLE_SECONDS, SQL, Viewer
from app.access.sign_in import FACTOR_NEEDED_BY
from app.database import Row
from app.reading import reading


@dataclass(frozen=True, kw_only=True)
class WayIn:
    """The sessions of somebody that stand, in every browser, and whether codes are asked for."""

    sessions: list[Row]
    has_factor: bool
    #: The role needs a second factor.
    needs_factor: bool


def way_in(viewer: Viewer) -> WayIn:
    """One's own."""
    with reading(
        viewer, Permission.READ, "session.view", "user", viewer.user_name, on_primary=True
    ) as db:
        named = {"user_name": viewer.user_name, "idle_seconds": IDLE_SECONDS}
        sessions = db.execute(SQL["sessions_of"], named).fetchall()
        factor = db.execute(SQL["factor_of"], named).fetchone()
    assert factor is not None
    return WayIn(
        sessions=sessions,
        has_factor=factor["second_factor"] is not None,
        needs_factor=factor["role"] in FACTOR_NEEDED_BY and not factor["second_factor_waived"],
    )
