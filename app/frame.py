"""The frame round every page: who is here, the notice when something is stale, and calm when the
warehouse is away. Every run of a script or fragment passes through `viewer_now`."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ParamSpec
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app import bell, clock, database, list_html, read, sessions, sign_in
from app.roles import Permission
from app.sessions import Viewer
from app.sight import Sight

P = ParamSpec("P")

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


def address() -> str:
    """The visitor's address; Streamlit gives none for this machine itself."""
    return st.context.ip_address or "127.0.0.1"


def viewer_now(*, touch: bool) -> Viewer | None:
    """Who holds the cookie of this page, as the database knows them now."""
    token = st.context.cookies.get(sessions.cookie_name())
    return sessions.viewer_of(token, ip=address(), touch=touch)


def viewer() -> Viewer:
    """The viewer of this run, whom main.py or `live` has found. Without one a page shows nothing."""
    found = st.session_state.get("viewer")
    if not isinstance(found, Viewer):
        raise PermissionError("a page ran without a session")
    return found


def sight(
    playable_connections: frozenset[str] = frozenset(),
    on_screen: dict[str, dict[str, Any]] | None = None,
    names: Mapping[str, str] | None = None,
) -> Sight:
    """What this viewer may see of a message, here and now."""
    return Sight(
        zone=zone(),
        now=datetime.now(UTC),
        may_read_revisions=viewer().may(Permission.READ_REVISIONS),
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
        answers.append(sign_in.attempt(user_name, password, ip=address()))
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
        st.popover(person.display_name[:40].replace("`", "'"), icon=":material/person:"),
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


def calm() -> None:
    """The page while the warehouse does not answer; it comes back by itself."""
    st.html(
        list_html.empty(
            "The database does not answer",
            "Nothing is lost: what arrives meanwhile is sent again by its provider. "
            "This page comes back by itself.",
            "cloud_off",
        )
    )

    @st.fragment
    def look() -> None:
        bell.hang("calm")
        if database.answers():
            st.rerun()

    look()


def live(
    topic: str | Callable[..., str] | None = None,
) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """A fragment that checks the session on each of its own runs, and goes calm with the warehouse.

    A fragment runs without main.py, so what main.py guards must be guarded here again.

    Args:
        topic: run it when this changes, too (app/topics.py); may be made of its arguments.
    """

    def decorate(draw: Callable[P, None]) -> Callable[P, None]:
        @functools.wraps(draw)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                person = _person_of_this_run()
                if person is not None:
                    if topic is not None:
                        its = topic if isinstance(topic, str) else topic(*args, **kwargs)
                        bell.hang(draw.__name__, its, person)
                    draw(*args, **kwargs)
                    return
            except database.TOO_SLOW:
                too_slow()
                return
            except database.AWAY:
                pass
            # main.py shows what is right now: the form, or that the warehouse is away.
            st.rerun()

        # The key lets one fragment's button run another one.
        return st.fragment(guarded, key=draw.__name__)

    return decorate


def _person_of_this_run() -> Viewer | None:
    """In a run of the whole page main.py has looked a moment ago; a fragment's own run looks itself."""
    context = get_script_run_ctx()
    if context is not None and not context.fragment_ids_this_run:
        return viewer()
    # A page that is told keeps nobody signed in.
    person = viewer_now(touch=not bell.was_rung())
    if person is not None:
        st.session_state["viewer"] = person
    return person


def too_slow() -> None:
    """The warehouse answers, but not within the time that a page may take."""
    st.html(
        list_html.empty(
            "This took too long", "Try again in a moment, or ask for less.", "hourglass_disabled"
        )
    )
