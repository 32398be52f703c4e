"""What is asked of the log of events, as a person meets it. The address holds it and nothing else does."""

from __future__ import annotations

from datetime import date
from typing import Any

import streamlit as st

from app import address, customer_picker, events_csv, guard, markup
from app.read_events import Seen
from app.views import list_html
from warehouse import filters

#: The widgets' keys in the session: they stand for what the address says, and never otherwise.
KEY = "events_"


def bar(given: dict[str, str], seen: Seen) -> None:
    """Draw it, and the way to the file of what it asks for."""
    with st.container(key="event_bar", horizontal=True, vertical_alignment="bottom", gap="small"):
        _choice("person", "Person or program", given, seen.people)
        _choice("action", "Action", given, seen.actions)
        _day("from", "From", given)
        _day("to", "Until", given)
        asked = given.get("customer", "")
        if asked:
            st.button(
                list_html.plain(seen.names.get(asked, asked)) or "?",
                key=f"{KEY}no_customer",
                icon=":material/close:",
                icon_position="right",
                help="Ask about every customer",
                on_click=lambda: address.keep_events(customer=""),
            )
        else:
            with st.popover("Customer", icon=":material/person_search:"):
                customer()
        markup.show(list_html.export(events_csv.link(given), events_csv.MOST_LINES))


def _choice(name: str, label: str, given: dict[str, str], choices: list[str]) -> None:
    chosen = given.get(name, "")
    # What the address asks for can be chosen, whether or not it ever did anything.
    known = choices if not chosen or chosen in choices else [chosen, *choices]
    st.session_state[KEY + name] = chosen or None
    st.selectbox(
        list_html.plain(label),
        known,
        index=None,
        placeholder="Any",
        key=KEY + name,
        on_change=lambda: address.keep_events(**{name: st.session_state[KEY + name] or ""}),
        width=210,
    )


def _day(name: str, label: str, given: dict[str, str]) -> None:
    st.session_state[KEY + name] = _as_day(given.get(name, ""))
    limits: dict[str, Any] = {
        "min_value": filters.EARLIEST,
        "max_value": filters.LATEST,
        "format": "DD/MM/YYYY",
    }

    def keep() -> None:
        day = st.session_state[KEY + name]
        address.keep_events(**{name: day.isoformat() if day else ""})

    st.date_input(list_html.plain(label), None, key=KEY + name, on_change=keep, width=150, **limits)


def _as_day(given: str) -> date | None:
    return filters.Filter.read({"from": [given]}).since


@guard.live()
def customer() -> None:
    """A customer to choose: a fragment, so that the log is not read anew with every look for one."""
    row = customer_picker.choose(f"{KEY}customer")
    if row is not None and st.button("Who saw them", key=f"{KEY}ask_customer", type="primary"):
        address.keep_events(customer=row["customer_id"])
        st.rerun()
