"""The search box of every page: what is typed there leads to the page of results."""

from __future__ import annotations

import streamlit as st

from app import address, navigation
from warehouse.search_query import LONGEST


def draw(url_path: str) -> None:
    """The box; `/` brings the cursor into it (assets/search.js)."""
    typed = address.search() if url_path == "search" else ""
    if typed and (st.session_state.get("searched") != typed or "asked" not in st.session_state):
        # The address was opened, gone back to or led to: the box says what is shown.
        st.session_state["asked"] = st.session_state["searched"] = typed
    with st.container(key="search_box"):
        st.text_input(
            "Find messages",
            key="asked",
            placeholder="Find messages",
            icon=":material/search:",
            label_visibility="collapsed",
            max_chars=LONGEST,
            on_change=_ask,
        )
    if st.session_state.pop("wants_search", False):
        asked = st.session_state["searched"] = st.session_state["asked"].strip()
        navigation.go(address.FOUND, query_params=address.of_search(asked))


def _ask() -> None:
    # A page that another one led to begins without the box's words, and the browser tells them once more.
    if st.session_state["asked"].strip() != st.session_state.get("searched"):
        st.session_state["wants_search"] = True
