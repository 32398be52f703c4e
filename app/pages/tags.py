"""Tags for those who look after them: how often each is used, and the panel of the chosen one."""

from __future__ import annotations

import streamlit as st

from app import guard, markup, read_tags, tag_panel
from app.database import Row
from app.tag_panel import CHOSEN
from app.views import list_html, tag_html


@guard.live()
def tags() -> None:
    found = read_tags.tags(guard.viewer(), st.session_state.get(CHOSEN))
    left, right = st.columns([2, 1], gap="medium")
    with left, st.container(key="tag_list", gap=None):
        if not found.listed:
            advice = "Whoever tags a conversation or a message makes its tag."
            markup.show(list_html.empty("No tags yet", advice, "sell"))
        for row in found.listed:
            line(row)
        if found.removed:
            markup.show('<h3 class="part">Removed</h3>')
        for row in found.removed:
            line(row)
    with right, st.container(key="tag_panel", gap="small"):
        tag_panel.refusal()
        chosen = found.one(st.session_state.get(CHOSEN))
        if chosen is None:
            markup.show(tag_html.missing())
        else:
            others = [row for row in found.listed if row is not chosen]
            tag_panel.draw(chosen, others, found.history)


def line(row: Row) -> None:
    with st.container(key=f"row_tag_{row['tag_id']}", gap=None):
        markup.show(tag_html.line(row, is_chosen=row["tag_id"] == st.session_state.get(CHOSEN)))
        label = list_html.link_label(row["name"], "Choose")
        st.button(label, key=f"choose_{row['tag_id']}", on_click=choose, args=(row["tag_id"],))


def choose(tag_id: str) -> None:
    st.session_state[CHOSEN] = tag_id


markup.show("<h2>Tags</h2>")
tags()
