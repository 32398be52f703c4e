"""Who may see the page that runs: every run of a script or a fragment passes through `viewer_now`.

A fragment is guarded by `live`, a dialog by `dialog`, what a click decides by `attempt`: while the warehouse is away
or slow, and where something is refused, a sentence stands there instead of an error.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Literal, ParamSpec

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app import database, markup
from app.access import sessions
from app.access.roles import Forbidden
from app.access.sessions import Viewer
from app.live import bell
from app.views import list_html
from warehouse.refusals import Refused

P = ParamSpec("P")


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


def acting() -> Viewer:
    """Who has just clicked, as the database knows them now: what a click calls runs before `live` looks.

    Raises:
        Refused: nobody is signed in any more.
    """
    person = viewer_now(touch=True)
    if person is None:
        raise Refused("you are signed out by now")
    return person


def attempt(change: Callable[[Viewer], object]) -> str | None:
    """Do what was clicked; the sentence that says why it was not done, or None."""
    try:
        change(acting())
    except (Refused, Forbidden, *database.AWAY) as why:
        return _said(why)
    return None


def _said(why: Exception) -> str:
    """Why something was not done, as a sentence."""
    if isinstance(why, database.TOO_SLOW):
        return (
            "This took too long: nothing was changed. Try again in a moment, or with less at once."
        )
    if isinstance(why, database.AWAY):
        return "The database does not answer: nothing was changed. Try again in a moment."
    text = str(why)
    return f"{text[:1].upper()}{text[1:]}."


def done(change: Callable[[Viewer], object]) -> bool:
    """Do what was clicked in a dialog or a form, which then says why it was not done; whether it was."""
    refused = attempt(change)
    if refused:
        st.error(list_html.sentence(refused))
    return refused is None


Width = Literal["small", "medium", "large"]


def dialog(
    title: str, *, width: Width = "small"
) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """A dialog that checks the session on each of its own runs, as `live` does, and says in itself what is refused."""

    def decorate(draw: Callable[P, None]) -> Callable[P, None]:
        @functools.wraps(draw)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                if _person_of_this_run() is not None:
                    draw(*args, **kwargs)
                    return
            except (Refused, Forbidden, *database.AWAY) as why:
                st.error(list_html.sentence(_said(why)))
                return
            # main.py shows the form.
            st.rerun()

        return st.dialog(title, width=width)(guarded)

    return decorate


def calm() -> None:
    """The page while the warehouse does not answer; it comes back by itself."""
    markup.show(
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
    topic: str | Callable[..., str] | None = None, *, is_beside: bool = False
) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """A fragment that checks the session on each of its own runs, and goes calm with the warehouse.

    A fragment runs without main.py, so what main.py guards must be guarded here again.

    Args:
        topic: run it when this changes, too (app/live/topics.py); may be made of its arguments.
        is_beside: it stands beside what one reads, which runs first.
    """

    def decorate(draw: Callable[P, None]) -> Callable[P, None]:
        @functools.wraps(draw)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                person = _person_of_this_run()
                if person is not None:
                    if topic is not None:
                        its = topic if isinstance(topic, str) else topic(*args, **kwargs)
                        bell.hang(draw.__name__, its, person, is_beside=is_beside)
                    draw(*args, **kwargs)
                    return
            except database.TOO_SLOW:
                too_slow()
                return
            except Forbidden as refusal:
                forbidden(refusal)
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


def forbidden(refusal: Forbidden) -> None:
    """The role of this person does not allow what the page shows."""
    markup.show(list_html.empty("Not for this role", _said(refusal), "block"))


def too_slow() -> None:
    """The warehouse answers, but not within the time that a page may take."""
    markup.show(
        list_html.empty(
            "This took too long", "Try again in a moment, or ask for less.", "hourglass_disabled"
        )
    )
