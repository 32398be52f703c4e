"""Who waits for us, who has what: lists of conversations, acts on several at once, and the panel of the chosen one."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from app import address, bulk, guard, outcome, panel, work
from app.access.roles import Permission
from app.live import topics
from app.views import list_html
from app.work import Which

#: Each list: its name, and what stands there when it is empty.
LISTS = {
    Which.MINE: ("My work", "Nothing is yours", "Take a conversation from Unassigned."),
    Which.UNASSIGNED: (
        "Unassigned",
        "Nobody waits unattended",
        "Who writes appears here by itself.",
    ),
    Which.OPEN: ("All open", "Everything is answered", "Who writes appears here by itself."),
    Which.WAITING: ("Waiting", "Nothing waits for others", "Put a conversation aside as waiting."),
    Which.DUE: ("Due", "Nothing has a date", "Give a conversation a date when you hand it over."),
    Which.NEW: ("New", "Nothing came in since you looked", "What comes in appears here by itself."),
}
DAYS = {7: "7 days", 30: "30 days", 90: "90 days", 36_500: "Any time"}


def label(which: Which, counts: dict[str, int], *, is_cut: bool) -> str:
    number = counts.get(which.value, 0)
    late = f", {counts['overdue']} overdue" if which is Which.DUE and counts["overdue"] else ""
    return f"{LISTS[which][0]} ({number:,}{'+' * is_cut}{late})" if number else LISTS[which][0]


@guard.live(topics.WORK)
def conversations(since: datetime, shown: dict[tuple[str, int, int], work.Work]) -> None:
    viewer = guard.viewer()
    which = Which(st.session_state["work_list"])
    days = st.session_state.get("work_days") or 30
    size = bulk.size(which)
    found = work.work(viewer, which, days, since, size=size, shown=shown.get((which, days, size)))
    shown[which, days, size] = found
    with st.container(horizontal=True, vertical_alignment="bottom", key="work_head"):
        st.segmented_control(
            "List", list(Which), key="work_list", required=True, label_visibility="collapsed",
            format_func=lambda each: label(each, found.counts, is_cut=found.is_cut),
            on_change=lambda: address.keep_work_list(st.session_state["work_list"]),
        )  # fmt: skip
        st.selectbox("Wrote within", DAYS, format_func=DAYS.__getitem__, key="work_days", width=130)
    outcome.draw(bulk.PART)
    if which is Which.NEW and found.rows:
        st.button(
            "I have seen these", icon=":material/done_all:", key="seen", on_click=bulk.act_on_list,
            args=(lambda person: work.looked(person, found, since),),
        )  # fmt: skip
    if not found.rows:
        st.html(list_html.empty(LISTS[which][1], LISTS[which][2], "task_alt"))
        return
    if viewer.may(Permission.ORGANISE):
        bulk.bar(viewer, found.rows)
    bulk.lines(viewer, which, found)


@guard.live()
def chosen() -> None:
    row = st.session_state.get("work_chosen")
    if row is None:
        st.caption("Choose a conversation to see its panel.")
        return
    panel.panel(guard.viewer(), row["customer_id"] or "", row["conversation_id"], follows=True)


asked, kept = address.work_list(), st.session_state.get("work_list", Which.MINE)
st.session_state["work_list"] = Which(asked) if asked in set(Which) else kept
st.session_state.setdefault("work_days", 30)
since = work.looked_at(guard.viewer())
left, right = st.columns([2.2, 1], gap="medium")
with left, st.container(key="work", gap=None):
    conversations(since, {})
with right:
    chosen()
