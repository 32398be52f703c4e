"""Find a customer: by name, phone or mail address. The URL holds the search, so it can be shared."""

from __future__ import annotations

import streamlit as st

from app import address, customers_csv, guard, lines, markup, new_customer, read
from app.access.roles import Permission
from app.live import topics
from app.views import list_html

SORTS = {
    read.Sort.LATEST: "Latest contact",
    read.Sort.NAME: "Name",
    read.Sort.MADE: "Newest customer",
}

typed = address.search()
sort = customers_csv.sort_of(address.sort())
# The address says what is listed, also where a saved view led here from another list.
st.session_state["search"], st.session_state["sort"] = typed, sort
with st.container(key="customer_tools", horizontal=True, vertical_alignment="center"):
    st.text_input(
        "Search customers",
        key="search",
        placeholder="Name, phone or e-mail",
        icon=":material/search:",
        label_visibility="collapsed",
        on_change=lambda: address.keep_search(st.session_state["search"]),
        max_chars=200,
    )
    st.selectbox(
        "Sort by",
        SORTS,
        key="sort",
        format_func=SORTS.__getitem__,
        label_visibility="collapsed",
        on_change=lambda: address.keep_sort(st.session_state["sort"].value),
        width=180,
    )
    new_customer.button()
    if guard.viewer().may(Permission.EXPORT):
        markup.show(list_html.export(customers_csv.link(typed, sort), customers_csv.MOST_LINES))


@guard.live(topics.CUSTOMERS)
def customers(typed: str, sort: read.Sort, shown: list[read.Found]) -> None:
    found = read.customers(guard.viewer(), typed, sort=sort, shown=shown[0] if shown else None)
    shown[:] = [found]
    if not found.rows:
        nobody(typed)
        return
    markup.show(
        list_html.tally(
            len(found.rows), found.matched, is_cut=found.is_cut, searched=bool(typed.strip()),
            is_alike=found.is_alike, sort=SORTS[sort],
        )
    )  # fmt: skip
    if guard.viewer().may(Permission.EXPORT) and customers_csv.may_be_cut(found):
        markup.show(list_html.said(customers_csv.BOUND))
    with st.container(key="customer_list", gap=None):
        lines.customers(found.rows)


def nobody(typed: str) -> None:
    if typed:
        advice = (
            "Try a part of the name, of the number or of the address. Who wrote and is nobody's "
            "customer yet stands under Unassigned."
        )
        markup.show(list_html.empty("Nobody found", advice, "search_off"))
        return
    advice = "Make them of the people who wrote, under Unassigned, import a list, or type one in."
    markup.show(list_html.empty("No customers yet", advice, "group_add"))


# Lives as long as the page is on the screen; a full run is a new sight.
customers(typed, sort, [])
