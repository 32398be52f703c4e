"""The parts of the page about one's own account: where one is signed in, the password, the second factor."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from app import act_account, factor_box, guard, layout, markup, outcome
from app.access.sessions import Viewer
from app.read_account import WayIn
from app.views import account_html, list_html
from warehouse.password_rules import LONGEST, SHORTEST

PART = "account"


def sessions(found: WayIn, person: Viewer) -> None:
    """Where this person is signed in; any of it can be ended but the one that asks."""
    now = datetime.now(UTC)
    for row in found.sessions:
        own = row["session_id"] == person.session_id
        with st.container(key=f"session_{row['session_id']}", horizontal=True, gap="small"):
            markup.show(account_html.session(row, layout.zone(), now, is_this=own))
            if not own:
                end = (row["session_id"],)
                st.button("End", key=f"end_{row['session_id']}", on_click=end_one, args=end)
    if len(found.sessions) > 1:
        st.button("End all others", key="end_others", on_click=end_others)


def password() -> None:
    """Another one."""
    st.caption(
        f"{SHORTEST:d} to {LONGEST:d} characters of any kind. A change ends all other sessions."
    )
    with st.form("change_password", border=False, clear_on_submit=True):
        present = st.text_input("Present password", type="password", autocomplete="off")
        chosen = st.text_input("New password", type="password", autocomplete="new-password")
        again = st.text_input("The same again", type="password", autocomplete="new-password")
        if st.form_submit_button("Change it"):
            change(present, chosen, again)
            st.rerun(scope="fragment")


def factor(found: WayIn, person: Viewer) -> None:
    """Set up, or asked for a code of it."""
    if factor_box.CODES in st.session_state:
        factor_box.codes(st.rerun)
    elif not found.has_factor:
        if found.needs_factor:
            markup.show(
                list_html.banner(
                    "Your role needs a second factor: set it up before you are asked to."
                )
            )
        factor_box.set_up(person.user_name, st.rerun, session_id=person.session_id)
    else:
        st.caption("A code of your authenticator is asked for when you sign in.")
        with st.container(key="factor_acts", horizontal=True, vertical_alignment="bottom"):
            st.text_input(
                "Code", key="factor_code", max_chars=40, autocomplete="one-time-code", width=200
            )
            st.button("New recovery codes", key="renew_codes", on_click=renew_codes)
            if not found.needs_factor:
                st.button("Remove", key="remove_factor", on_click=remove_factor)


def renew_codes() -> None:
    typed = st.session_state.pop("factor_code", "")
    made: list[str] = []
    refused = guard.attempt(lambda person: made.extend(act_account.renew_codes(person, typed)))
    if made:
        st.session_state[factor_box.CODES] = made
    _tell(refused, "The former recovery codes count no more.")


def remove_factor() -> None:
    typed = st.session_state.pop("factor_code", "")
    refused = guard.attempt(lambda person: act_account.remove_factor(person, typed))
    _tell(refused, "No code is asked for any more.")


def end_one(session_id: str) -> None:
    _tell(
        guard.attempt(lambda person: act_account.end_session(person, session_id)),
        "That session has ended.",
    )


def end_others() -> None:
    ended: list[int] = []
    refused = guard.attempt(lambda person: ended.append(act_account.end_others(person)))
    _tell(refused, f"{sum(ended)} other sessions have ended.")


def change(present: str, chosen: str, again: str) -> None:
    if chosen != again:
        _tell("The two new ones are not the same.", "")
        return

    def attempted(person: Viewer) -> None:
        act_account.change_password(person, present, chosen)

    _tell(guard.attempt(attempted), "The password is another now. All other sessions have ended.")


def _tell(refused: str | None, done: str) -> None:
    outcome.say(PART, refused or done, is_done=refused is None)
