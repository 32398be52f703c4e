"""Find a customer: by name, phone or mail address. The URL holds the search, so it can be shared."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from app import address, guard, layout, read
from app.live import topics
from app.views import list_html

typed = address.search()
if "search" not in st.session_state:
    st.session_state["search"] = typed
st.text_input(
    "Search customers",
    key="search",
    placeholder="Name, phone or e-mail",
    icon=":material/search:",
    label_visibility="collapsed",
    on_change=lambda: address.keep_search(st.session_state["search"]),
    max_chars=200,
)


@guard.live(topics.CUSTOMERS)
def customers(typed: str, shown: list[read.Found]) -> None:
    found = read.customers(guard.viewer(), typed, shown=shown[0] if shown else None)
    shown[:] = [found]
    if not found.rows:
        nobody(typed)
        return
    searched = bool(typed.strip())
    st.html(list_html.tally(len(found.rows), found.matched, is_cut=found.is_cut, searched=searched))
    with st.container(key="customer_list", gap=None):
        now = datetime.now(UTC)
        for row in found.rows:
            with st.container(key=f"row_{row['customer_id']}", gap=None):
                st.html(list_html.customer(row, layout.zone(), now))
                st.page_link(
                    address.TIMELINE,
                    label=list_html.link_label(row["name"]),
                    query_params=address.of_customer(row["customer_id"]),
                )


def nobody(typed: str) -> None:
    if typed:
        st.html(
            list_html.empty(
                "Nobody found",
                "Try a part of the name, of the number or of the address. Who wrote and is nobody's "
                "customer yet stands under Unassigned.",
                "search_off",
            )
        )
        return
    st.html(
        list_html.empty(
            "No customers yet",
            "Make them from the people who wrote, under Unassigned, or import a file with "
            "./crm customer import.",
            "group_add",
        )
    )


# Lives as long as the page is on the screen; a full run is a new sight.
customers(typed, [])
