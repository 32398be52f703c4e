"""The life of a session: opened once, looked at on every run, ended everywhere at once."""

from __future__ import annotations

import pytest

from app.access import sessions
from app.access.roles import UserRole
from tests.app.conftest import Correspondence


@pytest.fixture
def token(correspondence: Correspondence) -> str:
    correspondence.user("agent")
    opened = sessions.open_session(
        sessions.start_token("agent"), ip="192.0.2.1", user_agent="a browser"
    )
    assert opened is not None
    return opened


def look(token: str | None, *, touch: bool = True) -> sessions.Viewer | None:
    return sessions.viewer_of(token, ip="192.0.2.1", touch=touch)


def test_a_session_says_who_it_is(token: str, correspondence: Correspondence) -> None:
    viewer = look(token)
    assert viewer is not None
    assert (viewer.user_name, viewer.role) == ("agent", UserRole.AGENT)
    (event,) = correspondence.events("sign_in.succeed")
    assert (event["actor"], event["session_id"], event["ip"]) == (
        "agent",
        viewer.session_id,
        "192.0.2.1",
    )


def test_neither_token_is_stored(token: str, correspondence: Correspondence) -> None:
    rows = correspondence.execute("select sessions::text from crm.sessions")
    rows += correspondence.execute("select session_starts::text from crm.session_starts")
    assert len(rows) == 2
    assert all(token not in str(row) and token.encode().hex() not in str(row) for row in rows)


def test_a_start_token_opens_one_session(correspondence: Correspondence) -> None:
    correspondence.user("agent")
    start = sessions.start_token("agent")
    assert sessions.open_session(start, ip=None, user_agent=None)
    assert sessions.open_session(start, ip=None, user_agent=None) is None


def test_a_start_token_lives_a_minute(correspondence: Correspondence) -> None:
    correspondence.user("agent")
    start = sessions.start_token("agent")
    (left,) = correspondence.execute(
        "select extract(epoch from expires_at - now()) from crm.session_starts"
    )[0]
    assert 50 < left <= 60
    correspondence.execute("update crm.session_starts set expires_at = now() - interval '1 second'")
    assert sessions.open_session(start, ip=None, user_agent=None) is None


@pytest.mark.parametrize("wrong", ["", "x", "\0", "\ud800", "x" * 10_000])
def test_unknown_tokens_open_nothing(correspondence: Correspondence, wrong: str) -> None:
    assert sessions.open_session(wrong, ip=None, user_agent=None) is None
    assert look(wrong) is None


def test_a_user_disabled_before_the_redirect_gets_no_session(
    correspondence: Correspondence,
) -> None:
    correspondence.user("agent")
    start = sessions.start_token("agent")
    correspondence.execute("update crm.users set disabled_at = now()")
    assert sessions.open_session(start, ip=None, user_agent=None) is None


@pytest.mark.parametrize(
    "change",
    [
        "update crm.sessions set revoked_at = now()",
        "update crm.users set disabled_at = now()",
        "update crm.sessions set expires_at = now()",
        "update crm.sessions set last_seen_at = now() - interval '61 minutes'",
    ],
)
def test_what_ends_a_session_ends_it_at_the_next_look(
    token: str, correspondence: Correspondence, change: str
) -> None:
    assert look(token)
    correspondence.execute(change)
    assert look(token) is None


def test_a_change_of_role_bites_at_the_next_look(
    token: str, correspondence: Correspondence
) -> None:
    correspondence.execute("update crm.users set role = 'viewer'")
    viewer = look(token)
    assert viewer is not None
    assert viewer.role is UserRole.VIEWER


def test_a_page_that_refreshes_itself_keeps_nobody_signed_in(
    token: str, correspondence: Correspondence
) -> None:
    correspondence.execute("update crm.sessions set last_seen_at = now() - interval '59 minutes'")
    look(token, touch=False)
    idle = "select extract(epoch from now() - last_seen_at) > 3000 from crm.sessions"
    assert correspondence.execute(idle) == [(True,)]
    look(token, touch=True)
    assert correspondence.execute(idle) == [(False,)]


def test_a_session_lives_twelve_hours_at_most(token: str, correspondence: Correspondence) -> None:
    (hours,) = correspondence.execute(
        "select extract(epoch from expires_at - started_at) / 3600 from crm.sessions"
    )[0]
    assert hours == pytest.approx(12, abs=0.01)


def test_signing_out_ends_it_once_and_says_so(token: str, correspondence: Correspondence) -> None:
    sessions.end_session(token, ip="192.0.2.1")
    sessions.end_session(token, ip="192.0.2.1")
    assert look(token) is None
    (event,) = correspondence.events("sign_in.end")
    assert (event["actor"], event["role"]) == ("agent", "agent")


def test_one_of_two_sessions_ends(token: str) -> None:
    other = sessions.open_session(sessions.start_token("agent"), ip=None, user_agent=None)
    sessions.end_session(token, ip=None)
    assert look(token) is None
    assert look(other) is not None
