"""From the head of a timeline to a day of it, or to its first message: it is opened there, with the neighbours."""

from __future__ import annotations

from datetime import date

import streamlit as st

from app import address, around, guard, layout, markup, navigation
from app.views import clock, list_html
from warehouse import filters
from warehouse.filters import Filter

OPEN, DAY, WANTED = "jump_open", "jump_day", "jump_wanted"
#: Every message stands behind it.
BEGINNING = ""


def draw(customer_id: str) -> None:
    """The button; what it opens asks for a day."""
    # What was chosen in it led here.
    st.session_state[OPEN] = False
    with st.container(key="jump"):
        jump_box(customer_id)


@guard.live()
def jump_box(customer_id: str) -> None:
    # As the address has it now: the filter may have changed while this stood here.
    missed, wanted = "", address.wanted()
    if WANTED in st.session_state:
        # A callback cannot lead to another address; the run that it begins does.
        missed = _go(customer_id, st.session_state.pop(WANTED), wanted)
    box = st.popover("Jump", icon=":material/event:", key=OPEN, on_change="rerun")
    if not box.open:
        return
    with box:
        st.date_input(
            "To the first message on or after",
            None,
            key=DAY,
            min_value=filters.EARLIEST,
            max_value=filters.LATEST,
            format="DD/MM/YYYY",
            on_change=_to_day,
        )
        if missed:
            markup.show(list_html.missed(missed))
        st.button(
            "To the first message", icon=":material/first_page:", key="jump_first", width="stretch",
            on_click=_want, args=(None,),
        )  # fmt: skip
        navigation.link(
            address.TIMELINE, label="To the newest messages", icon=":material/last_page:",
            query_params=address.of_customer(customer_id, wanted),
        )  # fmt: skip


def _to_day() -> None:
    if st.session_state[DAY] is not None:
        _want(st.session_state[DAY])


def _want(day: date | None) -> None:
    st.session_state[WANTED] = day


def _go(customer_id: str, day: date | None, wanted: Filter) -> str:
    """Go there; where nothing stands there, say so. A day begins as it does in `CRM_TIMEZONE`."""
    position = filters.sortable(filters.start_of_day(day, layout.zone())) if day else BEGINNING
    found = around.first_from(guard.viewer(), customer_id, position, wanted)
    if found is None:
        what = "No message that passes the filter" if wanted else "No message"
        return f"{what} {clock.days(day, None)} on" if day else f"{what} yet"
    # Chosen once more, the same day leads there once more.
    st.session_state[DAY] = None
    return navigation.go(
        address.TIMELINE, query_params=address.of_place(customer_id, found, wanted=wanted)
    )
