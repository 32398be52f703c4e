"""What stands round every page: the sign-in form, who is signed in, and the notice when something is stale."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app import address, database, guard, health, markup, navigation, read
from app.access.roles import Permission
from app.access.sessions import Viewer
from app.views import clock, list_html
from app.views.sight import Sight

#: Read once: what lies in a file Streamlit would read in every run.
STYLE = f"<style>{(Path(__file__).parent / 'style.css').read_text()}</style>"
#: Of a page with a timeline, beside the other.
DESK_STYLE = f"<style>{(Path(__file__).parent / 'desk.css').read_text()}</style>"
#: A file of ours: Streamlit would fetch an emoji or a Material icon from elsewhere.
ICON = (
    "data:image/svg+xml;base64,"
    + base64.b64encode((Path(__file__).parent / "icon.svg").read_bytes()).decode()
)
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


def account(person: Viewer, paths: Sequence[str]) -> None:
    """Who is signed in, how the pages look, and the way out.

    Args:
        paths: of all pages, whose colours are chosen together.
    """
    with (
        st.container(key="account"),
        st.popover(list_html.plain(person.display_name[:40]), icon=":material/person:"),
    ):
        markup.show(list_html.signed_in_as(person.display_name, person.role.value))
        markup.show(list_html.looks(paths))
        navigation.link(address.ACCOUNT, label="Password and sessions", icon=":material/key:")
        if st.button("Sign out", key="sign_out", width="stretch"):
            # It revokes the session and clears the cookie in one answer.
            go("/session/end")


_state: tuple[dict[str, Any], float] = {}, 0.0


def notice() -> None:
    """One line above the page when what it shows may be behind, and for admins what else needs them; asked for now and
    then."""
    global _state
    if not _state[0] or time.monotonic() - _state[1] > STATE_SECONDS:
        _state = read.warehouse_state(), time.monotonic()
    person = st.session_state.get("viewer")
    sentence = stale(_state[0], datetime.now(UTC))
    if not sentence and isinstance(person, Viewer):
        sentence = health.line(person)
    if sentence:
        markup.show(list_html.banner(sentence))


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
