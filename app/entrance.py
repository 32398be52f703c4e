"""What stands before the first page: the form, another password where somebody else chose it, the second factor.

No session begins, and no token for one is given out, before the last step is done. What was proved is kept in the
memory of the app for the tab in which it was proved, and forgotten after some minutes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import streamlit as st

from app import factor_box, guard, layout, markup
from app.access import changing, second_factor, sessions, sign_in
from app.access.sign_in import Answer
from app.views import list_html
from warehouse.password_rules import LONGEST, SHORTEST
from warehouse.refusals import Refused

#: So long what was proved counts.
PROVED_SECONDS = 5 * 60
KEY = "proved"


@dataclass(frozen=True, kw_only=True)
class _Proved:
    answer: Answer
    at: float

    @property
    def stands(self) -> bool:
        return time.monotonic() - self.at < PROVED_SECONDS


def draw(path: str) -> None:
    """The step that comes next; behind the last one the browser fetches its cookie and comes back to `path`."""
    with st.container(key="sign_in_box"):
        markup.show('<div class="product">Correspondence</div>')
        proved: _Proved | None = st.session_state.get(KEY)
        if proved is not None and proved.stands:
            _next_step(proved.answer, path)
            return
        st.session_state.pop(KEY, None)
        _form(path)


def _form(path: str) -> None:
    answers: list[Answer] = []

    def check(user_name: str, password: str) -> bool:
        answers.append(sign_in.attempt(user_name, password, ip=guard.address()))
        return answers[-1].user_name is not None

    sign_in.SignInForm(check).draw()
    for answer in answers:
        if answer.user_name:
            _go_on(answer, path)
        st.error(answer.sentence)


def _go_on(answer: Answer, path: str) -> None:
    """To the step that is left, or in."""
    assert answer.user_name is not None
    if answer.must_change or answer.has_factor or answer.needs_factor:
        st.session_state[KEY] = _Proved(answer=answer, at=time.monotonic())
        st.rerun()
    st.session_state.pop(KEY, None)
    _enter(answer.user_name, path)


def _next_step(answer: Answer, path: str) -> None:
    assert answer.user_name is not None
    if answer.has_factor:
        # Before another password: that is the decision of somebody who is wholly proved.
        _code(answer, path)
    elif answer.must_change:
        _another_password(answer, path)
    else:
        user_name = answer.user_name
        st.caption("Your role sees what others did: it needs a second factor.")
        factor_box.set_up(user_name, lambda: _go_on(replace(answer, needs_factor=False), path))


def _code(answer: Answer, path: str) -> None:
    assert answer.user_name is not None
    with st.form("second_factor", border=True):
        st.subheader("Second factor", anchor=False)
        typed = st.text_input(
            "Code", autocomplete="one-time-code", max_chars=40,
            help="The six digits that your authenticator shows, or one of the recovery codes that you kept.",
        )  # fmt: skip
        if not st.form_submit_button("Sign in"):
            return
    try:
        second_factor.check(answer.user_name, typed, ip=guard.address())
    except Refused as why:
        st.error(list_html.sentence(str(why)))
        return
    _go_on(replace(answer, has_factor=False), path)


def _another_password(answer: Answer, path: str) -> None:
    """The password was chosen by somebody else, who knows it."""
    assert answer.user_name is not None
    with st.form("first_password", border=True):
        st.subheader("Choose a password of your own", anchor=False)
        st.caption(
            f"The present one was chosen by somebody else. {SHORTEST:d} to {LONGEST:d} characters of any kind; "
            "a few words that have nothing to do with each other are easy to keep in mind."
        )
        chosen = st.text_input("New password", type="password", autocomplete="new-password")
        again = st.text_input("The same again", type="password", autocomplete="new-password")
        if not st.form_submit_button("Change and sign in"):
            return
    try:
        if chosen != again:
            raise Refused("the two are not the same")
        changing.change(answer.user_name, answer.password_hash, chosen, ip=guard.address())
    except Refused as why:
        st.error(list_html.sentence(str(why)))
        return
    _go_on(replace(answer, must_change=False), path)


def _enter(user_name: str, path: str) -> None:
    token = sessions.start_token(user_name)
    layout.go(f"/session/start?{urlencode({'token': token, 'next': path})}")
