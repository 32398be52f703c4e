"""Setting up a second factor, before a session or on the account's page: the key, a code of it, the codes to keep."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app import guard
from app.access import second_factor
from app.views import list_html
from warehouse.refusals import Refused

#: What is being set up in this tab; it is stored once a code of it was given.
SECRET, CODES = "factor_secret", "factor_codes"


def set_up(user_name: str, done: Callable[[], None], *, session_id: str | None = None) -> None:
    """Draw the step that comes next; `done` behind the last one."""
    if CODES in st.session_state:
        codes(done)
        return
    secret = st.session_state.setdefault(SECRET, second_factor.new_secret())
    with st.form("set_up_factor", border=True):
        st.subheader("Set up a second factor", anchor=False)
        st.caption(
            "Add an entry to an authenticator on your telephone with this key (time-based, 6 digits), "
            "and type the code it shows."
        )
        st.code(second_factor.written(secret), language=None)
        with st.expander("The key as an address"):
            st.code(second_factor.address(user_name, secret), language=None)
        typed = st.text_input("Code", autocomplete="one-time-code", max_chars=20)
        if not st.form_submit_button("Set it up"):
            return
    try:
        st.session_state[CODES] = second_factor.set_up(
            user_name, secret, typed, ip=guard.address(), session_id=session_id
        )
    except Refused as why:
        st.error(list_html.sentence(str(why)))
        return
    del st.session_state[SECRET]
    st.rerun()


def codes(done: Callable[[], None]) -> None:
    """The recovery codes, shown this once."""
    st.subheader("Keep these codes", anchor=False)
    st.caption("Each lets you in once if the telephone is lost. They are shown this once.")
    st.code("\n".join(st.session_state[CODES]), language=None)
    if st.button("I have kept them", key="kept_codes", type="primary"):
        del st.session_state[CODES]
        done()
