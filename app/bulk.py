"""Lines of a list that can be chosen, alone for the panel or several for one act on all of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import streamlit as st

from app import act, guard, layout, markup, outcome
from app.access.sessions import Viewer
from app.database import Row
from app.views import list_html, work_html
from app.work import LIST_SIZE, Which, Work

#: The part of the page that says what became of an act.
PART = "bulk"


def size(which: Which) -> int:
    """How many lines this list shows; another list than the one that was asked for more begins anew."""
    longer, lines = st.session_state.get("work_size", (which, LIST_SIZE))
    return int(lines) if longer == which else LIST_SIZE


def lines(viewer: Viewer, which: Which, found: Work) -> None:
    """The lines of a list, and more of them where there are."""
    now = datetime.now(UTC)
    namesakes = list_html.namesakes(found.rows)
    for row in found.rows:
        apart = row["customer_id"] in namesakes
        line(row, work_html.row(row, layout.zone(), now, viewer.user_name, tells_apart=apart))
    if len(found.rows) < found.counts[which.value]:
        st.button("More", key="more", on_click=_more, args=(which, size(which) + LIST_SIZE))


def _more(which: Which, lines: int) -> None:
    st.session_state["work_size"] = (which, lines)


def line(row: Row, drawn: str) -> None:
    """A line: a box to select it, and itself a button that opens its panel."""
    it = row["conversation_id"]
    name = row["name"] or row["display_name"] or row["counterpart_identity"] or it
    with st.container(key=f"work_row_{it}", gap=None, horizontal=True, vertical_alignment="center"):
        st.checkbox(
            f"Select {list_html.plain(name)}", key=f"pick_{it}", label_visibility="collapsed"
        )
        markup.show(drawn)
        st.button(
            f"Open the panel of {list_html.plain(name)}",
            key=f"choose_{it}",
            on_click=_choose,
            args=(row,),
        )


def _choose(row: Row) -> None:
    """The panel alone is drawn anew; the list keeps its place."""
    st.session_state["work_chosen"] = row
    st.rerun(["chosen"])


def picked(rows: list[Row]) -> dict[str, act.Seen]:
    """The selected ones of these, each with what stands on the screen of it."""
    return {
        row["conversation_id"]: act.Seen(
            assignment_id=row["assignment_id"], newest_key=row["last_sort_key"]
        )
        for row in rows
        if st.session_state.get(f"pick_{row['conversation_id']}")
    }


def bar(viewer: Viewer, rows: list[Row]) -> None:
    """What can be done with the selected ones; nothing while none is."""
    seen = picked(rows)
    with st.container(horizontal=True, key="bulk", vertical_alignment="center"):
        st.checkbox("Select all", key="pick_all", on_change=_pick_all, args=(rows,))
        if not seen:
            return
        markup.show(f'<p class="tally">{list_html.count(len(seen), "conversation")} selected</p>')
        for label, glyph, change in (
            ("Take", "person_add", {"assignee": viewer.user_name}),
            ("Done", "task_alt", {"state": "done"}),
            ("Waiting", "hourglass_top", {"state": "waiting"}),
        ):
            st.button(
                list_html.plain(label), icon=f":material/{glyph}:", key=f"bulk_{label}", on_click=_assign,
                args=(seen, change),
            )  # fmt: skip
        with st.popover("Tag", icon=":material/label:"):
            st.text_input("Tag", key="bulk_tag", max_chars=50)
            st.button("Put it on", key="bulk_tag_on", on_click=_tag, args=(seen,))


def _pick_all(rows: list[Row]) -> None:
    for row in rows:
        st.session_state[f"pick_{row['conversation_id']}"] = st.session_state["pick_all"]


def act_on_list(change: Callable[[Viewer], object]) -> None:
    """An act on a list as a whole; where it is refused that stands above it."""
    if refused := guard.attempt(change):
        outcome.say(PART, refused, is_done=False)


def _assign(seen: dict[str, act.Seen], change: dict[str, str]) -> None:
    _act(seen, lambda person: act.assign(person, seen, **change))  # type: ignore[arg-type]


def _tag(seen: dict[str, act.Seen]) -> None:
    name = st.session_state["bulk_tag"]
    if _act(seen, lambda person: act.tag(person, list(seen), name)):
        st.session_state["bulk_tag"] = ""


def _act(seen: dict[str, act.Seen], change: Callable[[Viewer], int]) -> bool:
    changed: list[int] = []
    refused = guard.attempt(lambda person: changed.append(change(person)))
    if refused:
        outcome.say(PART, f"Nothing was changed. {refused}", is_done=False)
        return False
    _done(seen, changed[0])
    return True


def _done(seen: dict[str, act.Seen], changed: int) -> None:
    for each in (*(f"pick_{it}" for it in seen), "pick_all"):
        st.session_state[each] = False
    outcome.say(PART, f"{list_html.count(changed, 'conversation')} changed.")
