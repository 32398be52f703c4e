"""One customer's messages over all channels, newest in sight; what arrives appears by itself."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from app import (
    about,
    address,
    around,
    filter_bar,
    guard,
    jump,
    layout,
    markup,
    navigation,
    read,
    timeline_pages,
    timeline_parts,
)
from app.access.roles import Permission
from app.live import changes
from app.shown import Shown
from app.views import list_html

customer_id, wanted = address.customer(), address.wanted()
mark = changes.mark()
opened = read.timeline(guard.viewer(), customer_id, wanted) if customer_id else None
if opened is None:
    timeline_pages.nobody(customer_id)

now = datetime.now(UTC)
markup.show(layout.DESK_STYLE)
markup.show(list_html.customer_head(opened.customer, layout.zone(), now))
shown: Shown | None = st.session_state.get("shown")
# What a person has unrolled stays unrolled as long as they stay here.
kept = shown is not None and (shown.customer_id, shown.wanted) == (customer_id, wanted)
if shown is None or not (kept and shown.take(opened.messages, now)):
    shown = Shown.only(customer_id, opened.messages, wanted, opened.next_before)
shown.mark, shown.names = mark, list_html.names(opened.customer)
read_last = [opened]
with st.container(key="tools", horizontal=True, gap="small"):
    jump.draw(customer_id)
    if guard.viewer().may(Permission.READ_EVENTS):
        query = address.of_events(customer=customer_id)
        navigation.link(
            address.AUDIT, label="Who saw this", icon=":material/policy:", query_params=query
        )
    with st.container(key="filtered", horizontal=True, gap="small"):
        if address.place():
            filter_bar.bar(wanted, opened.choices)
        else:
            timeline_parts.filtered(shown, read_last)
        left = st.container(key="left")
if around.opens(opened, address.place(), wanted):
    with left:
        timeline_parts.counted(customer_id, read_last)
    st.stop()
st.session_state["shown"] = shown
with st.container(key="desk", horizontal=True, gap=None):
    with st.container(key="timeline", gap=None):
        timeline_parts.newest(shown, opened.playable_connections)
        timeline_parts.older(shown, opened.playable_connections)
    with st.container(key="about"):
        alone = wanted.conversations[0] if len(wanted.conversations) == 1 else None
        about.about(guard.viewer(), customer_id, alone)
with left:
    timeline_parts.counted(customer_id, read_last)
