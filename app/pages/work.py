"""Who waits for us, who has what: lists of conversations, acts on several at once, and the panel of the chosen one."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from app import bulk, guard, markup, outcome, panel, work, work_head
from app.access.roles import Permission
from app.live import topics
from app.views import list_html
from app.work import Which


@guard.live(topics.WORK)
def conversations(since: datetime, shown: dict[tuple[str, int, int], work.Work]) -> None:
    viewer = guard.viewer()
    which, days = work_head.chosen()
    size = bulk.size(which)
    found = work.work(viewer, which, days, since, size=size, shown=shown.get((which, days, size)))
    shown[which, days, size] = found
    work_head.draw(found)
    outcome.draw(bulk.PART)
    if which is Which.NEW and found.rows:
        st.button(
            "I have seen these", icon=":material/done_all:", key="seen", on_click=bulk.act_on_list,
            args=(lambda person: work.looked(person, found, since),),
        )  # fmt: skip
    if not found.rows:
        markup.show(list_html.empty(*work_head.LISTS[which][1:], "task_alt"))
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


work_head.as_asked()
since = work.looked_at(guard.viewer())
left, right = st.columns([2.2, 1], gap="medium")
with left, st.container(key="work", gap=None):
    conversations(since, {})
with right:
    chosen()
