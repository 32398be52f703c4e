"""One's own way in: where one is signed in, the password, the second factor."""

from __future__ import annotations

import streamlit as st

from app import guard, markup, outcome, own_account, read_account


@guard.live()
def way_in() -> None:
    person = guard.viewer()
    outcome.draw(own_account.PART)
    found = read_account.way_in(person)
    markup.show('<h3 class="part">Where you are signed in</h3>')
    own_account.sessions(found, person)
    markup.show('<h3 class="part">Password</h3>')
    own_account.password()
    markup.show('<h3 class="part">Second factor</h3>')
    own_account.factor(found, person)


markup.show("<h2>Your account</h2>")
with st.container(key="account_page", gap="small"):
    way_in()
