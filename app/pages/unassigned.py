"""Who is nobody yet, those who wrote first: make a customer of them, or link them to one."""

from __future__ import annotations

import streamlit as st

from app import guard, markup, outcome, pressed, read, read_identity, waiting_rows, who_is_this
from app.access.roles import Permission
from app.database import Row
from app.live import topics
from app.views import list_html

#: The lists: how each is read, what its people are, and what stands there when it is empty.
LISTS = {
    "Wrote to us": (
        read.unassigned,
        "waiting, newest first",
        ("Everybody is known", "Who writes for the first time appears here by itself."),
    ),
    # Whom we wrote to, or who stood in a copy: nobody waits for an answer, and yet such a mail is found.
    "Never wrote": (
        read.never_wrote,
        "who never wrote to us, newest first",
        ("Nobody", "Whom we write to and who is no customer appears here by itself."),
    ),
    "Not customers": (
        read_identity.not_customers,
        "marked as nobody's customer, the latest first",
        ("Nobody", "No-reply senders and spam stand here once you have marked them."),
    ),
}


@guard.live(topics.QUEUE)
def queue(
    which: str, pages: list[Row | None], shown: dict[int, read.Found], seen: waiting_rows.Suggested
) -> None:
    look, words, empty = LISTS[which]
    viewer = guard.viewer()
    may = viewer.may(Permission.DECIDE_CUSTOMER)
    if may and (it := pressed.pressed(waiting_rows.PART)):
        stood = [row for each in shown.values() for row in each.rows]
        waiting_rows.do(it, stood, seen[0] if seen else {})
    lists = [look(viewer, before, shown=shown.get(index)) for index, before in enumerate(pages)]
    shown.update(enumerate(lists))
    outcome.draw(waiting_rows.PART)
    if not lists[0].rows:
        markup.show(list_html.empty(*empty, "task_alt"))
        return
    markup.show(list_html.counted(lists[0].matched, words, is_cut=lists[0].is_cut))
    rows = [row for each in lists for row in each.rows]
    suggested = waiting_rows.suggestions_of(rows, seen) if which != "Not customers" else {}
    if may and which == "Wrote to us":
        waiting_rows.at_once()
    waiting_rows.lines(rows, suggested, may_decide=may, are_marked=which == "Not customers")
    last = lists[-1].rows
    if len(last) == read.LIST_SIZE and st.button("More", key="more"):
        pages.append(last[-1])
        st.rerun(scope="fragment")


with st.container(key="queue", gap=None):
    which = st.segmented_control("Who", LISTS, default="Wrote to us", label_visibility="collapsed")
    # The positions and what they show live as long as the page is on the screen; a full run begins anew.
    queue(which or "Wrote to us", [None], {}, [])
waiting_rows.dialogs()
if chosen_row := st.session_state.pop("deciding", None):
    who_is_this.decide(chosen_row)
