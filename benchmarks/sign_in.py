"""Signing in as the form does it: a one-time token, traded for the cookie of a session."""

from __future__ import annotations

from app import database
from app.access import sessions
from warehouse.settings import Settings


def token(settings: Settings, user_name: str) -> str:
    """What `/session/start` trades for a cookie, once."""
    database.use(settings)
    made = sessions.start_token(user_name)
    database.close()
    return made


def cookie(settings: Settings, user_name: str) -> str:
    """The header of somebody who is signed in."""
    database.use(settings)
    opened = sessions.open_session(
        sessions.start_token(user_name), ip="127.0.0.1", user_agent="benchmark"
    )
    assert opened is not None
    name = sessions.cookie_name()
    database.close()
    return f"{name}={opened}"
