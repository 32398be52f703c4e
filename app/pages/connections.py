"""How every connection to a provider stands, in words that are true."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from app import connection_html, examine, frame, list_html, model_tests_html, topics
from app.database import Row


@frame.live(topics.CONNECTIONS)
def cards(shown: list[list[Row]]) -> None:
    rows = examine.connections(frame.viewer(), shown=shown[0] if shown else None)
    shown[:] = [rows]
    if not rows:
        st.html(list_html.empty("No connection yet", "Add one with ./crm connection add.", "cable"))
        return
    now = datetime.now(UTC)
    st.html(connection_html.cards(rows, frame.zone(), now))
    st.html(model_tests_html.summary(examine.model_tests(frame.viewer()), now))


with st.container(key="connections", gap=None):
    # Lives as long as the page is on the screen; a full run is a new sight.
    cards([])
