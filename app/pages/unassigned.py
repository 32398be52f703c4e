"""Who is nobody yet, those who wrote first: make a customer of them, or link them to one."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from app import act, address, guard, layout, read
from app.access.roles import Permission
from app.database import Row
from app.live import topics
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
        st.error(f"{str(refusal)[0].upper()}{str(refusal)[1:]}.")


#: The lists: how each is read, what its people are, and what stands there when it is empty.
LISTS = {
    "Wrote to us": (
        read.unassigned,
        "waiting, newest first",
        ("Everybody is known", "Who writes for the first time appears here by itself."),
    ),
    # Whom we wrote to, or who stood in a copy: nobody waits for an answer, and yet such a mail is found.
    "Never wrote": (
        read.never_wrote,
        "who never wrote to us, newest first",
        ("Nobody", "Whom we write to and who is no customer appears here by itself."),
    ),
}


@guard.live(topics.QUEUE)
def queue(which: str, pages: list[Row | None], shown: dict[int, read.Found]) -> None:
    look, words, empty = LISTS[which]
    viewer = guard.viewer()
    lists = [look(viewer, before, shown=shown.get(index)) for index, before in enumerate(pages)]
    shown.update(enumerate(lists))
    if not lists[0].rows:
        st.html(list_html.empty(*empty, "task_alt"))
        return
    st.html(list_html.counted(lists[0].matched, words, is_cut=lists[0].is_cut))
    for row in [row for each in lists for row in each.rows]:
        with st.container(key=f"row_{row['identity']}", gap=None):
            st.html(list_html.waiting(row, layout.zone(), datetime.now(UTC)))
            if viewer.may(Permission.DECIDE_CUSTOMER):
                label = list_html.link_label(row["display_name"] or row["identity"], "Decide on")
                if st.button(label, key=f"decide_{row['identity']}"):
                    st.session_state["deciding"] = row
                    st.rerun()
    last = lists[-1].rows
    if len(last) == read.LIST_SIZE and st.button("More", key="more"):
        pages.append(last[-1])
        st.rerun(scope="fragment")


with st.container(key="queue", gap=None):
    which = st.segmented_control("Who", LISTS, default="Wrote to us", label_visibility="collapsed")
    # The positions and what they show live as long as the page is on the screen; a full run begins anew.
    queue(which or "Wrote to us", [None], {})
if chosen_row := st.session_state.pop("deciding", None):
    decide(chosen_row)
