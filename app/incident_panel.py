"""One incident and what can be done with it: whom an account saw, the statement, the decision."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import streamlit as st

from app import act_privacy, guard, layout, markup, read_privacy
from app.case_panel import attempt, keep_chosen, moment
from app.database import Row
from app.views import privacy_html
from warehouse.decisions.incidents import DECISIONS, LONGEST_TEXT, LONGEST_TITLE

DAYS = "DD/MM/YYYY"


def draw(row: Row) -> None:
    """The panel of an incident."""
    incident_id, zone = row["incident_id"], layout.zone()
    markup.show(privacy_html.incident(row, zone, datetime.now(UTC)))
    markup.show(privacy_html.statement(incident_id))
    if row["account"] and st.button("Whom did this account see?", key=f"seen_{incident_id}"):
        found = read_privacy.affected(guard.viewer(), incident_id)
        markup.show(privacy_html.affected(found.people, found.count or 0, zone))
    if row["notified_at"]:
        return
    _describe(row)
    _decide(row)
    if row["decision"] == "notifiable" and st.button(
        "People were told", key=f"told_{incident_id}", icon=":material/campaign:", type="primary"
    ):
        attempt(lambda person: act_privacy.note_notified(person, incident_id))


def _describe(row: Row) -> None:
    incident_id, version = row["incident_id"], row["version"]
    key = f"{incident_id}_{version}"
    with (
        st.expander("Write the statement", key=f"write_{key}"),
        st.form(f"describe_{key}", border=False),
    ):
        written: dict[str, Any] = {"max_chars": LONGEST_TEXT, "height": 110}
        what = st.text_area("What happened", row["description"], key=f"what_{key}", **written)
        kinds = st.text_area(
            "Which kinds of information", row["kinds"], key=f"kinds_{key}", **written
        )
        steps = st.text_area("What people are to do", row["steps"], key=f"steps_{key}", **written)
        account = st.text_input(
            "Whose account was it", row["account"] or "", max_chars=LONGEST_TITLE, key=f"account_{key}",
            placeholder="As the log names it; empty where it was none",
        )  # fmt: skip
        first = _day(row["seen_from"])
        last = _day(row["seen_until"] - timedelta(microseconds=1) if row["seen_until"] else None)
        begin = st.date_input("It saw things from", first, key=f"from_{key}", format=DAYS)
        end = st.date_input("Until the end of", last, key=f"until_{key}", format=DAYS)
        if st.form_submit_button("Save", type="primary"):
            attempt(lambda person: act_privacy.describe_incident(
                person, incident_id, expected=version, description=what, kinds=kinds, steps=steps,
                account=account, seen_from=_begin(begin), seen_until=_begin(end, further=1),
            ))  # fmt: skip


def _day(at: datetime | None) -> date | None:
    return at.astimezone(layout.zone()).date() if at else None


def _begin(day: date | None, further: int = 0) -> datetime | None:
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=further), time(), layout.zone())


def _decide(row: Row) -> None:
    incident_id = row["incident_id"]
    words = "Decide otherwise" if row["decision"] else "Decide"
    with st.expander(words, key=f"decide_{incident_id}"), st.form(f"decision_{incident_id}", border=False):  # fmt: skip
        decision = st.radio(
            "Is serious harm to somebody likely?", list(DECISIONS), format_func=DECISIONS.__getitem__,
            horizontal=True, key=f"is_{incident_id}",
        )  # fmt: skip
        reason = st.text_area("Why", max_chars=LONGEST_TEXT, key=f"why_{incident_id}", height=90)
        if st.form_submit_button("Note the decision"):
            attempt(lambda person: act_privacy.decide_incident(
                person, incident_id, decision=decision or "", reason=reason
            ))  # fmt: skip


def opening() -> None:
    """Open an incident."""
    with st.form("open_incident", border=False, clear_on_submit=True):
        title = st.text_input(
            "What happened", max_chars=LONGEST_TITLE, placeholder="In a few words, naming nobody"
        )
        day = st.date_input("First suspected on", "today", format=DAYS)
        if st.form_submit_button("Open the incident", type="primary"):
            attempt(lambda person: keep_chosen(
                act_privacy.open_incident(person, title, suspected_at=moment(day))
            ))  # fmt: skip
