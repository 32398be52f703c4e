"""The parts of the page Retention: classes and who agreed, holds, destructions by two people, certificates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import streamlit as st

from app import act_privacy, customer_picker, guard, layout, markup, read_privacy
from app.access.sessions import Viewer
from app.case_panel import REFUSED, attempt
from app.database import Row
from app.views import list_html, privacy_html
from warehouse.decisions.holds import LONGEST_REASON
from warehouse.decisions.retaining import Due

COUNTED = "retention_counted"


def classes(rows: list[Row]) -> None:
    """Every class, with what is due of it once it was counted."""
    zone = layout.zone()
    counted: dict[str, Due] = st.session_state.get(COUNTED, {})
    for row in rows:
        class_id = row["class_id"]
        with st.container(key=f"class_{class_id}", gap="small"):
            markup.show(privacy_html.retention_class(row, zone))
            if class_id in counted:
                markup.show(privacy_html.preview(counted[class_id], zone))
            _agree(row)
    if st.button("Count what is due", key="count_due", icon=":material/calculate:"):
        st.session_state[COUNTED] = {
            each.class_id: each for each in read_privacy.due(guard.viewer())
        }
        st.rerun(scope="fragment")


def _agree(row: Row) -> None:
    class_id, key = row["class_id"], f"{row['class_id']}_{row['version']}"
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"acts_{class_id}"):
        if not row["is_approved"]:
            if st.button("Approve", key=f"approve_{key}"):
                attempt(lambda person: act_privacy.approve_class(person, class_id, standing=False))
            if st.button("Approve for every night", key=f"stand_{key}"):
                attempt(lambda person: act_privacy.approve_class(person, class_id, standing=True))
        elif st.button("Apply it now", key=f"apply_{key}"):
            attempt(lambda person: act_privacy.apply_class(person, class_id))
        with st.popover("Change"), st.form(f"change_{key}", border=False):
            keep = st.text_input("Keep for", row["keep"], max_chars=40, key=f"keep_{key}")
            reason = st.text_area("Why so long", row["reason"], max_chars=500, key=f"why_{key}")
            if st.form_submit_button("Change it"):
                attempt(lambda person: act_privacy.change_class(
                    person, row, keep=keep, reason=reason
                ))  # fmt: skip


def holds(rows: list[Row]) -> None:
    """What must not be destroyed yet."""
    zone = layout.zone()
    if not rows:
        markup.show(list_html.said("Nothing is held"))
    for row in rows:
        hold_id = row["hold_id"]
        with st.container(key=f"held_{hold_id}", horizontal=True, vertical_alignment="center"):
            markup.show(privacy_html.hold(row, zone))
            with st.popover("Release"), st.form(f"release_{hold_id}", border=False):
                reason = st.text_input("Why", max_chars=LONGEST_REASON, key=f"reason_{hold_id}")
                if st.form_submit_button("Release the hold"):
                    attempt(partial(act_privacy.release_hold, hold_id=hold_id, reason=reason))
    with st.expander("Hold a customer", key="new_hold"):
        _of_customer("hold", "Hold", "Claim 17", act_privacy.place_hold)


def tasks(rows: list[Row], me: str) -> None:
    """Destructions that are proposed and done, exports, classes that are applied."""
    zone, now = layout.zone(), datetime.now(UTC)
    if not rows:
        markup.show(list_html.said("Nothing was asked for yet"))
    for row in rows:
        task_id = row["task_id"]
        with st.container(key=f"task_{task_id}", gap=None):
            markup.show(privacy_html.task(row, zone, now))
            if row["state"] == "running":
                markup.show(privacy_html.running(row))
            if row["state"] == "proposed":
                with st.container(horizontal=True, key=f"proposed_{task_id}"):
                    is_mine = row["asked_by"] == me
                    help_ = "Another person agrees" if is_mine else "Nothing brings it back"
                    if st.button(
                        "Agree: destroy", key=f"agree_{task_id}", disabled=is_mine, help=help_
                    ):
                        attempt(partial(act_privacy.agree, task_id=task_id))
                    if st.button("Take it back", key=f"drop_{task_id}"):
                        attempt(partial(act_privacy.drop, task_id=task_id))
    with st.expander("Destroy a customer", key="new_destruction"):
        markup.show(
            list_html.said("All of theirs goes, raw and files too, once another person agrees")
        )
        _of_customer("destroy", "Propose it", "Asked for it", act_privacy.ask_destruction)


def _of_customer(
    what: str, label: str, example: str, act: Callable[[Viewer, str, str], None]
) -> None:
    chosen = customer_picker.choose(f"{what}_customer")
    with st.form(f"{what}_form", border=False, clear_on_submit=True):
        reason = st.text_input(
            "Why, naming nobody", max_chars=LONGEST_REASON, placeholder=list_html.plain(example)
        )
        if st.form_submit_button(list_html.plain(label)):
            if chosen is None:
                st.session_state[REFUSED] = "Choose a customer first."
                st.rerun(scope="fragment")
            customer_id = chosen["customer_id"]
            attempt(lambda person: act(person, customer_id, reason))
