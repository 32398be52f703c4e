"""A customer to choose: found by name or address, told apart by their addresses and last contact."""

from __future__ import annotations

import streamlit as st

from app import guard, layout, read
from app.database import Row
from app.views import list_html

#: More would be searched than chosen from.
MOST_SHOWN = 8


def choose(key: str, *, but: str = "") -> Row | None:
    """The chosen one; None while nothing is typed, or nobody is found.

    Args:
        key: of this place in the session.
        but: a customer who is not to choose from.
    """
    typed = st.text_input("Search", placeholder="Name, phone or e-mail", max_chars=200, key=key)
    # One more is asked for where one of them is left out; who is found is named in an event, so all are shown.
    rows = _found(key, typed, MOST_SHOWN + bool(but))
    found = {row["customer_id"]: row for row in rows if row["customer_id"] != but}
    if not found:
        if typed.strip():
            st.caption("Nobody found.")
        return None
    names = {each: list_html.choice(row, layout.zone()) for each, row in found.items()}
    chosen = st.radio("Customer", names, format_func=names.__getitem__, key=f"{key}_of")
    return found[chosen] if chosen else None


def _found(key: str, typed: str, most: int) -> list[Row]:
    """Read once for what is typed: a click acts on the one that stood there, and is no new sight."""
    known: tuple[str, list[Row]] | None = st.session_state.get(f"{key}_found")
    if known is None or known[0] != typed:
        person = guard.viewer()
        rows = read.customers(person, typed, page_size=most).rows if typed.strip() else []
        known = st.session_state[f"{key}_found"] = (typed, rows)
    return known[1]
