"""Connections to providers: how each stands, connecting another one in steps, and what can be done with one."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from app import address, connecting, connection_panel, examine, guard, layout, markup, navigation
from app.database import Row
from app.live import topics
from app.views import connection_html, list_html, model_tests_html
from warehouse.channels import registry

ANY = "any"


@guard.live(topics.CONNECTIONS)
def cards(shown: list[list[Row]]) -> None:
    rows = examine.connections(guard.viewer(), shown=shown[0] if shown else None)
    shown[:] = [rows]
    if not rows:
        markup.show(list_html.empty("No connection yet", "Add the first one.", "cable"))
        return
    now = datetime.now(UTC)
    with st.container(key="connection_cards", gap=None):
        for row in rows:
            with st.container(key=f"card_{row['connection_id']}", gap=None):
                markup.show(connection_html.card(row, layout.zone(), now))
                navigation.link(
                    address.CONNECTIONS,
                    label=list_html.link_label(row["name"], "Manage"),
                    icon=":material/tune:",
                    query_params=address.of_connection(row["connection_id"]),
                )
    markup.show(model_tests_html.summary(examine.model_tests(guard.viewer()), now))


with st.container(key="connections", gap="small"):
    if address.connection():
        connection_panel.draw(address.connection())
    elif address.adding():
        navigation.link(address.CONNECTIONS, label="All connections", icon=":material/arrow_back:")
        channel = registry().get(address.adding())
        if channel is None:
            connecting.choose()
        else:
            connecting.steps(channel)
    else:
        navigation.link(
            address.CONNECTIONS,
            label="Add a connection",
            icon=":material/add:",
            query_params=address.of_adding(ANY),
        )
        # Lives as long as the page is on the screen; a full run is a new sight.
        cards([])
