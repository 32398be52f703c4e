"""Signing in as the form does it: a one-time token, traded for the cookie of a session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app import database
from app.access import sessions
from app.access.sessions import Viewer
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
    opened = _opened(user_name)
    name = sessions.cookie_name()
    database.close()
    return f"{name}={opened}"


@contextmanager
def reading_as(settings: Settings, user_name: str) -> Iterator[Viewer]:
    """Somebody who is signed in, for what the app reads in this process during the block."""
    database.use(settings)
    try:
        viewer = sessions.viewer_of(_opened(user_name), ip="127.0.0.1", touch=False)
        assert viewer is not None
        yield viewer
    finally:
        database.close()


def _opened(user_name: str) -> str:
    opened = sessions.open_session(
        sessions.start_token(user_name), ip="127.0.0.1", user_agent="benchmark"
    )
    assert opened is not None
    return opened
