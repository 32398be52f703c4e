"""The dialog that makes a customer of what somebody told us: a name, and how they are reached."""

from __future__ import annotations

import streamlit as st

from app import act_identity, address, guard, navigation
from app.access.roles import Permission


def button() -> None:
    """The way to it, for those who may."""
    if guard.viewer().may(Permission.DECIDE_CUSTOMER) and st.button(
        "New customer", icon=":material/person_add:", key="new_customer"
    ):
        ask()


@guard.dialog("New customer", width="medium")
def ask() -> None:
    st.caption("Who wrote to us already waits under Unassigned, and is made a customer there.")
    with st.form("new_customer_form", border=False):
        name = st.text_input("Name", max_chars=200)
        phone = st.text_input("Phone", max_chars=60, placeholder="0491 570 006")
        email = st.text_input("E-mail", max_chars=320)
        why = st.text_input("Reason", value="Told us", max_chars=1000)
        made: list[str] = []
        if st.form_submit_button("Make customer", type="primary") and guard.done(
            lambda person: made.append(
                act_identity.make_customer(person, name, phone=phone, email=email, reason=why)
            )
        ):
            navigation.go(address.TIMELINE, query_params=address.of_customer(made[0]))
