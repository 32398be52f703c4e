"""Notes of ours among what a search found: above the messages, marked, each leading to where it stands."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from app import address, finding, guard, layout, markup, navigation
from app.views import list_html, search_html
from warehouse.note_search import FoundNotes


@guard.live()
def notes(typed: str, answer: finding.Answer, pages: list[FoundNotes]) -> None:
    rows = [row for page in pages for row in page.rows]
    if st.session_state.pop("wants_notes", False):
        pages.append(finding.further_notes(guard.viewer(), typed, rows[-1]))
        rows += pages[-1].rows
    markup.show(search_html.note_tally(pages[0].count, shown=len(rows)))
    now = datetime.now(UTC)
    with st.container(key="found_notes", gap=None):
        namesakes = list_html.namesakes(rows, "customer_name")
        for row in rows:
            with st.container(key=f"row_{row['note_id']}", gap=None):
                apart = row["customer_id"] in namesakes
                markup.show(
                    search_html.note(row, answer.query, layout.zone(), now, tells_apart=apart)
                )
                page, query_params = address.of_note(row)
                label = list_html.link_label(row["customer_name"] or row["display_name"] or "note")
                navigation.link(page, label=label, query_params=query_params)
    if len(rows) < pages[0].count:
        st.button("More notes", icon=":material/expand_more:", key="more_notes", on_click=_want)


def _want() -> None:
    st.session_state["wants_notes"] = True
