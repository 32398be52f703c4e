"""The dialog that makes a customer of who waits, or links them to one."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from app import act, address, guard, layout, read
from app.database import Row
from app.views import identity_html, list_html
from warehouse.refusals import Refused


@st.dialog("Who is this?", width="medium")
def decide(row: Row) -> None:
    person, identity = guard.viewer(), row["identity"]
    st.html(list_html.waiting(row, layout.zone(), datetime.now(UTC)))
    for note in identity_html.cautions(identity):
        st.info(note, icon=":material/info:")
    make, link = st.tabs(["New customer", "Existing customer"])
    try:
        with make, st.form("make", border=False):
            name = st.text_input("Name", value=row["display_name"] or "", max_chars=200)
            told = "Wrote to us for the first time" if row["last_inbound_at"] else "Written to"
            why = st.text_input("Reason", value=told, max_chars=1000)
            if st.form_submit_button("Make customer", type="primary"):
                customer_id = act.create_customer(person, name, identity=identity, reason=why)
                st.switch_page(address.TIMELINE, query_params=address.of_customer(customer_id))
        with link:
            typed = st.text_input("Search", placeholder="Name, phone or e-mail", max_chars=200)
            found = read.customers(person, typed).rows[:8] if typed.strip() else []
            names = {r["customer_id"]: list_html.choice(r) for r in found}
            chosen = st.radio("Customer", names, format_func=names.__getitem__) if names else None
            if typed.strip() and not names:
                st.caption("Nobody found.")
            reason = st.text_input("Reason for the link", max_chars=1000)
            if st.button("Link", type="primary", disabled=not chosen) and chosen:
                act.link_identity(person, identity, chosen, reason=reason)
                st.switch_page(address.TIMELINE, query_params=address.of_customer(chosen))
    except Refused as refusal:
        st.error(list_html.sentence(str(refusal)))
