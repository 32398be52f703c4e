"""Tags for those who look after them: how often each is used; renamed, coloured, described, merged, removed, undone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import streamlit as st

from app import act, act_tags, guard, layout, read_tags
from app.access.sessions import Viewer
from app.database import Row
from app.views import list_html, tag_html
from warehouse.decisions import COLOURS
from warehouse.decisions.tags import LONGEST_DESCRIPTION, LONGEST_TAG

CHOSEN, REFUSED = "tag_chosen", "tags_refused"


@guard.live()
def tags() -> None:
    found = read_tags.tags(guard.viewer(), st.session_state.get(CHOSEN))
    left, right = st.columns([2, 1], gap="medium")
    with left, st.container(key="tag_list", gap=None):
        if not found.listed:
            advice = "Whoever tags a conversation or a message makes its tag."
            st.html(list_html.empty("No tags yet", advice, "sell"))
        for heading, rows in (("", found.listed), ("Removed", found.removed)):
            if rows and heading:
                st.html(f'<h3 class="part">{heading}</h3>')
            for row in rows:
                _line(row)
    with right, st.container(key="tag_panel", gap="small"):
        if refused := st.session_state.pop(REFUSED, None):
            st.html(list_html.banner(refused))
        chosen = found.one(st.session_state.get(CHOSEN))
        if chosen is None:
            st.html(tag_html.missing())
            return
        st.html(tag_html.heading(chosen))
        if not chosen.get("removed_at"):
            _form(chosen, [row for row in found.listed if row is not chosen])
        _history(found.history)


def _line(row: Row) -> None:
    with st.container(key=f"row_tag_{row['tag_id']}", gap=None):
        st.html(tag_html.line(row, is_chosen=row["tag_id"] == st.session_state.get(CHOSEN)))
        label = list_html.link_label(row["name"], "Choose")
        st.button(label, key=f"choose_{row['tag_id']}", on_click=_choose, args=(row["tag_id"],))


def _choose(tag_id: str) -> None:
    st.session_state[CHOSEN] = tag_id


def _form(row: Row, others: list[Row]) -> None:
    tag_id, version = row["tag_id"], row["version"]
    key = f"{tag_id}_{version}"
    with st.form(f"tag_{key}", border=False):
        name = st.text_input("Name", row["name"], max_chars=LONGEST_TAG, key=f"name_{key}")
        now = COLOURS.index(row["colour"]) if row["colour"] in COLOURS else 0
        colour = st.selectbox("Colour", COLOURS, now, format_func=str.capitalize, key=f"colour_{key}")  # fmt: skip
        said = st.text_area("What it is for", row["description"], max_chars=LONGEST_DESCRIPTION, key=f"said_{key}")  # fmt: skip
        if st.form_submit_button("Save", type="primary"):
            _try(lambda who: act_tags.change(who, tag_id, version, name=name, colour=colour, description=said))  # fmt: skip
    names = {each["tag_id"]: list_html.plain(each["name"]) or "?" for each in others}
    with st.container(horizontal=True, vertical_alignment="bottom", key="tag_acts"):
        into = st.selectbox("Merge into", names, None, format_func=names.get, key=f"into_{key}")
        if st.button("Merge", disabled=into is None, key=f"merge_{key}") and into:
            _try(lambda who: act_tags.merge(who, tag_id, version, into), into)
    if st.button("Remove this tag", icon=":material/delete:", key=f"remove_{key}"):
        _try(lambda who: act_tags.remove(who, tag_id, version))


def _history(history: list[Row]) -> None:
    now = datetime.now(UTC)
    for row in history:
        with st.container(key=f"decided_{row['decision_id']}", gap=None):
            st.html(tag_html.decided(row, layout.zone(), now))
            word = "Redo" if row["undoes"] else "Undo"
            undo = f"undo_{row['decision_id']}"
            if not row["undone_at"] and st.button(word, key=undo, type="tertiary"):
                _try(lambda who, of=row["decision_id"]: act.undo(who, of, "taken back on the page"))


def _try(change: Callable[[Viewer], object], chosen: str | None = None) -> None:
    """Do it, and draw what is now."""
    st.session_state[REFUSED] = guard.attempt(change)
    if chosen and not st.session_state[REFUSED]:
        st.session_state[CHOSEN] = chosen
    st.rerun(scope="fragment")


st.html("<h2>Tags</h2>")
tags()
