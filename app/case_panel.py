"""One request of a person and what can be done with it: who asks, the export, how it ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time

import streamlit as st

from app import act_privacy, correction_box, customer_picker, guard, layout, markup
from app.access.sessions import Viewer
from app.database import Row
from app.views import list_html, privacy_html
from warehouse.decisions import GROUNDS, OUTCOMES
from warehouse.decisions.cases import KINDS, LONGEST_NAME, LONGEST_REASON

CHOSEN, REFUSED = "privacy_chosen", "privacy_refused"
#: In which an export is on its way.
UNDER_WAY = ("waiting", "running")


def draw(row: Row) -> None:
    """The panel of a request."""
    zone, now = layout.zone(), datetime.now(UTC)
    case_id = row["case_id"]
    markup.show(privacy_html.case(row, zone, now))
    if row["export"]:
        markup.show(privacy_html.export(row["export"]))
    if row["outcome"]:
        if st.button("Open it again", key=f"reopen_{case_id}"):
            attempt(lambda person: act_privacy.reopen_case(person, case_id))
        return
    if not row["identity_check"]:
        _check(case_id)
    elif row["kind"] == "access":
        is_under_way = bool(row["export"]) and row["export"]["state"] in UNDER_WAY
        label = "Write it anew" if row["export"] else "Write what we hold"
        if st.button(
            label, key=f"export_{case_id}", disabled=is_under_way, icon=":material/folder_zip:"
        ):
            attempt(lambda person: act_privacy.ask_export(person, case_id))
    if row["kind"] == "correction":
        correction_box.of_customer(row["customer_id"], attempt)
    _close(row)


def _check(case_id: str) -> None:
    with st.form(f"check_{case_id}", border=False):
        how = st.text_input(
            "How is it sure that it is them?",
            max_chars=LONGEST_REASON,
            placeholder="Called back under the number that we know",
            key=f"how_{case_id}",
        )
        if st.form_submit_button("Note who asks", type="primary"):
            attempt(lambda person: act_privacy.check_identity(person, case_id, how))


def _close(row: Row) -> None:
    case_id = row["case_id"]
    with st.expander("Close it", key=f"close_{case_id}"), st.form(f"end_{case_id}", border=False):
        outcome = st.radio(
            "How it ended", list(OUTCOMES), format_func=OUTCOMES.__getitem__, horizontal=True,
            key=f"outcome_{case_id}",
        )  # fmt: skip
        grounds: list[str] = []
        if row["kind"] == "access":
            grounds = st.multiselect(
                "Grounds of a refusal (APP 12.3)", list(GROUNDS), format_func=_ground,
                key=f"grounds_{case_id}", select_all=False,
            )  # fmt: skip
        reason = st.text_area(
            "What they are told", max_chars=LONGEST_REASON, key=f"reason_{case_id}", height=90
        )
        if st.form_submit_button("Close the request"):
            attempt(lambda person: act_privacy.close_case(
                person, case_id, outcome=outcome or "", reason=reason, grounds=grounds
            ))  # fmt: skip


def _ground(letter: str) -> str:
    return f"({letter}) {GROUNDS[letter]}"


def opening() -> None:
    """Open a request of a person."""
    chosen = customer_picker.choose("case_customer")
    with st.form("open_case", border=False, clear_on_submit=True):
        kind = st.radio("They ask for", list(KINDS), format_func=KINDS.__getitem__, horizontal=True)
        who = st.text_input(
            "Who asks, and how", max_chars=LONGEST_NAME, placeholder="Herself, by mail"
        )
        day = st.date_input("Received on", "today", format="DD/MM/YYYY")
        if st.form_submit_button("Open the request", type="primary"):
            if chosen is None:
                st.session_state[REFUSED] = "Choose first whose data it is about."
                st.rerun(scope="fragment")
            customer_id = chosen["customer_id"]
            attempt(lambda person: keep_chosen(act_privacy.open_case(
                person, customer_id, kind=kind or "", asked_by=who, received_at=moment(day)
            )))  # fmt: skip


def moment(day: date | None) -> datetime | None:
    """The beginning of a day here; of today, now."""
    if day is None or day == datetime.now(layout.zone()).date():
        return None
    return datetime.combine(day, time(), layout.zone())


def keep_chosen(its_id: str) -> None:
    """Show it beside the list."""
    st.session_state[CHOSEN] = its_id


def refusal() -> None:
    """Why what was tried last was not done."""
    if refused := st.session_state.pop(REFUSED, None):
        markup.show(list_html.banner(refused))


def attempt(change: Callable[[Viewer], object]) -> None:
    """Do what was clicked, and draw it as it is then."""
    st.session_state[REFUSED] = guard.attempt(change)
    st.rerun(scope="fragment")
