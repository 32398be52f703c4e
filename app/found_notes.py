"""Notes of ours among what a search found: above the messages, marked, each leading to where it stands."""

from __future__ import annotations

import streamlit as st

from app import finding, guard, lines, markup
from app.views import search_html
from warehouse.note_search import FoundNotes


@guard.live()
def notes(typed: str, answer: finding.Answer, pages: list[FoundNotes]) -> None:
    rows = [row for page in pages for row in page.rows]
    if st.session_state.pop("wants_notes", False):
        pages.append(finding.further_notes(guard.viewer(), typed, rows[-1]))
        rows += pages[-1].rows
    markup.show(search_html.note_tally(pages[0].count, shown=len(rows)))
    with st.container(key="found_notes", gap=None):
        lines.notes(rows, answer.query)
    if len(rows) < pages[0].count:
        st.button("More notes", icon=":material/expand_more:", key="more_notes", on_click=_want)


def _want() -> None:
    st.session_state["wants_notes"] = True
