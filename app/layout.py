"""What stands round every page: the sign-in form, who is signed in, and the notice when something is stale."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app import database, guard, read
from app.access import sessions, sign_in
from app.access.roles import Permission
from app.access.sessions import Viewer
from app.views import clock, list_html
from app.views.sight import Sight

STYLE = Path(__file__).parent / "style.css"
#: A file of ours: Streamlit would fetch an emoji or a Material icon from elsewhere.
ICON = Path(__file__).parent / "icon.svg"
#: A delivery that waits longer than this for the fold means that nobody folds.
STALE_SECONDS = 5 * 60
#: How the fold stands is asked for this often, however many pages are opened.
STATE_SECONDS = 5.0


def zone() -> ZoneInfo:
    """`CRM_TIMEZONE`: how times are shown, and whose days are meant."""
    return database.settings().zone


def sight(
    playable_connections: frozenset[str] = frozenset(),
    on_screen: dict[str, dict[str, Any]] | None = None,
    names: Mapping[str, str] | None = None,
) -> Sight:
    """What this viewer may see of a message, here and now."""
    return Sight(
        zone=zone(),
        now=datetime.now(UTC),
        may_read_revisions=guard.viewer().may(Permission.READ_REVISIONS),
        playable_connections=playable_connections,
        on_screen=on_screen or {},
        names=names or {},
    )


def go(path: str) -> None:
    """Send the browser to a path of ours with a whole page load, as cookies need it.

    Streamlit has no call for it; its own sign-in sends this message to the browser.
    """
    context = get_script_run_ctx()
    if context is not None:
        message = ForwardMsg()
        message.auth_redirect.url = path
        context.enqueue(message)
    st.stop()


def sign_in_page(path: str) -> None:
    """The form; on success the browser fetches its cookie and comes back to `path`."""
    answers: list[sign_in.Answer] = []

    def check(user_name: str, password: str) -> bool:
        answers.append(sign_in.attempt(user_name, password, ip=guard.address()))
        return answers[-1].user_name is not None

    with st.container(key="sign_in_box"):
        st.html('<div class="product">Correspondence</div>')
        sign_in.SignInForm(check).draw()
        for answer in answers:
            if answer.user_name:
                token = sessions.start_token(answer.user_name)
                go(f"/session/start?{urlencode({'token': token, 'next': path})}")
            st.error(answer.sentence)


def account(person: Viewer) -> None:
    """Who is signed in, and the way out."""
    with (
        st.container(key="account"),
        st.popover(list_html.plain(person.display_name[:40]), icon=":material/person:"),
    ):
        st.html(list_html.signed_in_as(person.display_name, person.role.value))
        if st.button("Sign out", key="sign_out", width="stretch"):
            # It revokes the session and clears the cookie in one answer.
            go("/session/end")


_state: tuple[dict[str, Any], float] = {}, 0.0


def notice() -> None:
    """One line above the page when what it shows may be behind: the same for everybody, asked for now and then."""
    global _state
    if not _state[0] or time.monotonic() - _state[1] > STATE_SECONDS:
        _state = read.warehouse_state(), time.monotonic()
    sentence = stale(_state[0], datetime.now(UTC))
    if sentence:
        st.html(list_html.banner(sentence))


def stale(state: dict[str, Any], now: datetime) -> str | None:
    """What to say about the models; nothing while they keep up."""
    if state["error"]:
        since = state["failing_since"]
        lasting = f"; none has worked for {_ago(since, now)}" if since else ""
        return (
            f"The last fold failed{lasting}. What arrives is kept, and shown once a fold works again. "
            f"{state['error'][:300]}"
        )
    waiting = state["waiting_since"]
    if waiting and (now - waiting).total_seconds() > STALE_SECONDS:
        return (
            f"Nothing has been folded for {_ago(waiting, now)}. What arrives is kept, and shown once "
            "the fold runs again."
        )
    return None


def _ago(moment: datetime, now: datetime) -> str:
    return clock.ago((now - moment).total_seconds())
