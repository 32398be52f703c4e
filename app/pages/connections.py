"""How every connection to a provider stands, in words that are true."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from app import examine, guard, layout
from app.database import Row
from app.live import topics
from app.views import connection_html, list_html, model_tests_html


@guard.live(topics.CONNECTIONS)
def cards(shown: list[list[Row]]) -> None:
    rows = examine.connections(guard.viewer(), shown=shown[0] if shown else None)
    shown[:] = [rows]
    if not rows:
        st.html(list_html.empty("No connection yet", "Add one with ./crm connection add.", "cable"))
        return
    now = datetime.now(UTC)
    st.html(connection_html.cards(rows, layout.zone(), now))
    st.html(model_tests_html.summary(examine.model_tests(guard.viewer()), now))


with st.container(key="connections", gap=None):
    # Lives as long as the page is on the screen; a full run is a new sight.
    cards([])
