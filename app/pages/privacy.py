"""What people ask of us under the Privacy Act and what may be a breach, each with its day; what is due first."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from app import case_panel, guard, incident_panel, layout, markup, read_privacy
from app.case_panel import CHOSEN
from app.live import topics
from app.read_privacy import Requests
from app.views import list_html, privacy_html


@guard.live(topics.PRIVACY)
def privacy(shown: list[Requests]) -> None:
    closed = st.session_state.get("privacy_closed", False)
    last = shown[0] if shown else None
    found = read_privacy.requests(guard.viewer(), closed=closed, shown=last)
    shown[:] = [found]
    left, right = st.columns([3, 2], gap="medium")
    with left, st.container(key="case_list", gap=None):
        listed(found)
        st.toggle("Also what is closed", key="privacy_closed")
    with right, st.container(key="case_panel", gap="small"):
        case_panel.refusal()
        chosen = st.session_state.get(CHOSEN)
        cases = [row for row in found.cases if row["case_id"] == chosen]
        incidents = [row for row in found.incidents if row["incident_id"] == chosen]
        if cases:
            case_panel.draw(cases[0])
        elif incidents:
            incident_panel.draw(incidents[0])
        with st.expander("Open a request of a person", key="new_case"):
            case_panel.opening()
        with st.expander("Open an incident", key="new_incident"):
            incident_panel.opening()


def listed(found: Requests) -> None:
    zone, now = layout.zone(), datetime.now(UTC)
    if not found.cases and not found.incidents:
        advice = "What people ask for is answered within thirty days, and a suspicion of a breach assessed."
        markup.show(list_html.empty("Nothing is open", advice, "verified_user"))
    chosen = st.session_state.get(CHOSEN)
    drawn = [
        (row["is_closed"], row["due_at"], row["incident_id"], row["title"], privacy_html.incident_line(
            row, zone, now, is_chosen=row["incident_id"] == chosen
        ))
        for row in found.incidents
    ] + [
        (row["outcome"] is not None, row["due_at"], row["case_id"], row["name"] or "", privacy_html.case_line(
            row, zone, now, is_chosen=row["case_id"] == chosen
        ))
        for row in found.cases
    ]  # fmt: skip
    # What is due first stands first, whatever it is.
    for _, _, its_id, name, html in sorted(drawn):
        line(its_id, name, html)


def line(its_id: str, name: str, drawn: str) -> None:
    with st.container(key=f"row_case_{its_id}", gap=None):
        markup.show(drawn)
        label = list_html.link_label(name, "Choose")
        st.button(label, key=f"choose_{its_id}", on_click=case_panel.keep_chosen, args=(its_id,))


markup.show("<h2>Privacy</h2>")
privacy([])
