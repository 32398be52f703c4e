"""The head of the page Work: which list of conversations, and within which days they wrote. The address holds both."""

from __future__ import annotations

import streamlit as st

from app import address
from app.work import Which, Work

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
#: Each choice as the address says it: its name, and its days.
WITHIN = {
    "7-days": ("7 days", 7), "30-days": ("30 days", 30), "90-days": ("90 days", 90), "any-time": ("Any time", 36_500),
}  # fmt: skip
USUALLY = "30-days"


def as_asked() -> None:
    """Choose what the address asks for, the same for whoever follows a link; without one as it was left."""
    listed, within = address.work_list(), address.work_within()
    if listed in set(Which):
        st.session_state["work_list"] = Which(listed)
        st.session_state["work_within"] = within if within in WITHIN else USUALLY
        return
    # Said again, so that it outlives a look at another page.
    st.session_state["work_list"] = st.session_state.get("work_list", Which.MINE)
    st.session_state["work_within"] = st.session_state.get("work_within", USUALLY)


def chosen() -> tuple[Which, int]:
    """The list and its days."""
    return Which(st.session_state["work_list"]), WITHIN[st.session_state["work_within"]][1]


def draw(found: Work) -> None:
    """The choices, each list with how many stand on it."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="work_head"):
        st.segmented_control(
            "List", list(Which), key="work_list", required=True, label_visibility="collapsed",
            format_func=lambda each: _label(each, found.counts, is_cut=found.is_cut), on_change=_keep,
        )  # fmt: skip
        st.selectbox(
            "Wrote within", WITHIN, format_func=lambda each: WITHIN[each][0], key="work_within", width=130,
            on_change=_keep,
        )  # fmt: skip


def _keep() -> None:
    address.keep_work(st.session_state["work_list"], st.session_state["work_within"])


def _label(which: Which, counts: dict[str, int], *, is_cut: bool) -> str:
    number = counts.get(which.value, 0)
    late = f", {counts['overdue']} overdue" if which is Which.DUE and counts["overdue"] else ""
    return f"{LISTS[which][0]} ({number:,}{'+' * is_cut}{late})" if number else LISTS[which][0]
