"""The dialog that makes a customer of who waits, or links them to one."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from app import act, address, customer_picker, guard, layout, markup, navigation
from app.database import Row
from app.views import card_html, identity_html, list_html


@guard.dialog("Who is this?", width="medium")
def decide(row: Row) -> None:
    identity = row["identity"]
    markup.show(list_html.waiting(row, layout.zone(), datetime.now(UTC)))
    for note in identity_html.cautions(identity):
        st.info(note, icon=":material/info:")
    make, link = st.tabs(["New customer", "Existing customer"])
    with make, st.form("make", border=False):
        name = st.text_input("Name", value=row["display_name"] or "", max_chars=200)
        told = "Wrote to us for the first time" if row["last_inbound_at"] else "Written to"
        why = st.text_input("Reason", value=told, max_chars=1000)
        made: list[str] = []
        if st.form_submit_button("Make customer", type="primary") and guard.done(
            lambda person: made.append(
                act.create_customer(person, name, identity=identity, reason=why)
            )
        ):
            navigation.go(address.TIMELINE, query_params=address.of_customer(made[0]))
    with link:
        chosen = customer_picker.choose("link_search")
        if chosen:
            count, more = chosen["message_count"], row["message_count"]
            markup.show(card_html.grows(chosen["name"], count, more))
        reason = st.text_input("Reason for the link", max_chars=1000)
        if not st.button("Link", type="primary", disabled=not chosen) or not chosen:
            return
        customer_id = chosen["customer_id"]
        if guard.done(
            lambda person: act.link_identity(person, identity, customer_id, reason=reason)
        ):
            navigation.go(address.TIMELINE, query_params=address.of_customer(customer_id))
