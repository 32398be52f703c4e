"""The panel beside a timeline: tags, who has it, notes, and what was decided, with undo. A fragment of its own.

Choosing another conversation, and every act in here, runs this fragment alone: the timeline stays where it is. Each act
carries what the person saw (`assignment_id`, a note's version); who was second is told what the first did.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

import streamlit as st

from app import act, address, guard, layout, markup, navigation, outcome, work
from app.access.roles import Permission
from app.access.sessions import Viewer
from app.database import Row
from app.live import topics
from app.views import decision_html, list_html, work_html
from warehouse.decisions import KEEP

NOBODY = ""
#: The part of the page that says what was refused.
PART = "panel"


def panel(
    viewer: Viewer,
    customer_id: str,
    conversation_id: str | None,
    *,
    follows: bool = False,
) -> None:
    """Draw the panel where it is called.

    Args:
        customer_id: empty where the conversation is nobody's yet.
        conversation_id: the one that is chosen; None for the customer's newest.
        follows: it leads the panel whosever it is by now, and says whose; beside a timeline it is that customer's.
    """
    with st.container(key="panel", gap="small"):
        organised(customer_id, conversation_id, follows, [])


def _topic(customer_id: str, *_: Any) -> str:
    return topics.about(customer_id) if customer_id else topics.WORK


@guard.live(_topic, is_beside=True)
def organised(
    customer_id: str,
    conversation_id: str | None,
    follows: bool,
    shown: list[work.About],
) -> None:
    viewer = guard.viewer()
    # Chosen in here, until something else is chosen outside.
    outside = (customer_id, conversation_id)
    picked = st.session_state.get("panel_picked")
    if picked and picked[0] == outside:
        conversation_id = picked[1]
    found = work.about(
        viewer,
        customer_id,
        conversation_id,
        follows=follows,
        shown=shown[0] if shown else None,
    )
    shown[:] = [found]
    # The conversation that led here may be gone, and another of theirs stands there.
    if follows and found.chosen and "name" in found.chosen:
        _head(found, found.chosen)
    outcome.draw(PART)
    if found.chosen is None:
        st.caption("No conversation yet.")
    else:
        _choice(outside, found)
        markup.show(
            work_html.standing(found.chosen, layout.zone(), datetime.now(UTC), viewer.user_name)
        )
        if viewer.may(Permission.ORGANISE):
            _assignment(found.chosen, found.colleagues, viewer)
            tags_of("Tags", found.chosen["conversation_id"], found.chosen["tags"], found.tags)
    _notes(found, viewer)
    _history(found.history, viewer)


def _head(found: work.About, chosen: Row) -> None:
    """Whose conversation it is by now, and the way to their timeline."""
    markup.show(work_html.head(chosen))
    if found.customer_id:
        query = address.of_customer(found.customer_id)
        navigation.link(
            address.TIMELINE, label="Open the timeline", icon=":material/forum:", query_params=query
        )


def _choice(outside: tuple[str, str | None], found: work.About) -> None:
    if len(found.conversations) < 2 or found.chosen is None:
        return
    labels = {
        each["conversation_id"]: work_html.conversation_label(each) for each in found.conversations
    }

    def pick() -> None:
        st.session_state["panel_picked"] = (outside, st.session_state["panel_conversation"])

    st.session_state["panel_conversation"] = found.chosen["conversation_id"]
    st.selectbox(
        "Conversation",
        labels,
        format_func=lambda each: labels.get(each, each),
        key="panel_conversation",
        on_change=pick,
    )


def _assignment(chosen: Row, colleagues: list[Row], viewer: Viewer) -> None:
    """Who, how it stands, until when. The keys hold what was seen: decided meanwhile, it is drawn anew."""
    it, was = chosen["conversation_id"], chosen["assignment_id"]
    seen = {it: act.Seen(assignment_id=was, newest_key=chosen["last_sort_key"])}
    # What came in since may have opened it again.
    key = f"{was or 'none'}_{chosen['state']}_{it}"
    names = {NOBODY: "Nobody"} | {each["user_name"]: each["display_name"] for each in colleagues}
    if chosen["assignee"]:
        # Who may not have one any more still has this one.
        names.setdefault(chosen["assignee"], chosen["assignee"])
    done = chosen["state"] == "done"
    with st.container(horizontal=True, gap="small", key="panel_acts"):
        if chosen["assignee"] != viewer.user_name:
            _button("Take it", "person_add", f"take_{key}", seen, assignee=viewer.user_name)
        if done:
            _button("Reopen", "undo", f"reopen_{key}", seen, state="open")
        else:
            _button("Done", "task_alt", f"done_{key}", seen, state="done")
        with st.popover("Hand over", icon=":material/forward_to_inbox:"):
            st.selectbox(
                "To", names, index=list(names).index(chosen["assignee"] or NOBODY),
                format_func=lambda each: names.get(each, each), key=f"who_{key}",
            )  # fmt: skip
            st.segmented_control(
                "Stands", list(decision_html.STATES), default=chosen["state"], required=True,
                format_func=lambda each: decision_html.STATES[each][0], key=f"state_{key}",
            )  # fmt: skip
            due_now = (
                chosen["due_at"].astimezone(layout.zone()).date() if chosen["due_at"] else None
            )
            st.date_input("Due", value=due_now, format="DD/MM/YYYY", key=f"due_{key}")
            st.text_area(
                "What they should know", value=chosen["note"], max_chars=2_000, key=f"note_{key}"
            )
            st.button(
                "Save", type="primary", key=f"save_{key}", on_click=_hand_over, width="stretch",
                args=(key, seen, chosen, due_now),
            )  # fmt: skip


def _hand_over(key: str, seen: dict[str, act.Seen], chosen: Row, due_now: date | None) -> None:
    """What stands in the fields now: who types and clicks at once has typed it after the last run."""
    who, state, due, note = (
        st.session_state[f"{name}_{key}"] for name in ("who", "state", "due", "note")
    )
    _do(
        lambda person: act.assign(
            person, seen,
            # What nobody touched stays as it is by then.
            assignee=KEEP if who == (chosen["assignee"] or NOBODY) else who or None,
            state=KEEP if state == chosen["state"] else state,
            due_at=KEEP if due == due_now else _end_of(due),
            note=KEEP if note == chosen["note"] else note,
        )
    )  # fmt: skip


def _button(
    label: str, glyph: str, key: str, seen: dict[str, act.Seen], **change: str | None
) -> None:
    st.button(
        list_html.plain(label),
        icon=f":material/{glyph}:",
        key=key,
        on_click=_do,
        args=(lambda person: act.assign(person, seen, **change),),  # type: ignore[arg-type]
    )


def _end_of(day: Any) -> datetime | None:
    """Due until that day ends here."""
    if day is None:
        return None
    return datetime.combine(day, time(23, 59), tzinfo=layout.zone())


def tags_of(
    label: str, object_id: str, bearing: list[Row], known: list[Row], *, part: str = PART
) -> None:
    """The tags of a conversation or a message, to be put on and taken off; one that is typed is made.

    Args:
        part: of the page, that says what is refused.
    """
    now = [each["name"] for each in bearing]
    key = f"tags_{object_id}_{'|'.join(now)}"

    def change() -> None:
        wanted = set(st.session_state[key])
        on, off = wanted - set(now), set(now) - wanted
        _try(lambda person: act.retag(person, object_id, on=on, off=off), part)

    st.multiselect(
        list_html.plain(label),
        sorted({*now, *(each["name"] for each in known)}, key=str.casefold),
        default=now,
        accept_new_options=True,
        # Enter puts on the tag that is called so, and not all that are called alike.
        select_all=False,
        key=key,
        on_change=change,
        placeholder="Add a tag",
    )


def _notes(found: work.About, viewer: Viewer) -> None:
    markup.show('<h3 class="part">Notes</h3>')
    now = datetime.now(UTC)
    for note in found.notes:
        with st.container(key=f"note_{note['note_id']}", gap=None):
            markup.show(work_html.note(note, layout.zone(), now))
            if viewer.may(Permission.ORGANISE):
                _note_change(note)
    if not found.notes:
        st.caption("None yet. They are for us alone.")
    if not viewer.may(Permission.ORGANISE):
        return
    it = found.chosen["conversation_id"] if found.chosen else ""
    customer_id = found.customer_id

    def add() -> None:
        text = st.session_state["new_note"]
        on = {"customer_id": customer_id} if customer_id else {"conversation_id": it}
        if _try(lambda person: act.note(person, text, **on)):
            st.session_state["new_note"] = ""

    if customer_id or it:
        st.text_area("New note", key="new_note", max_chars=10_000, height=80)
        st.button("Add note", icon=":material/add_notes:", key="add_note", on_click=add)


def _note_change(note: Row) -> None:
    key = f"{note['note_id']}_{note['version']}"
    with st.popover("Change", key=f"change_{key}", type="tertiary"):
        st.text_area("Note", value=note["body"], max_chars=10_000, key=f"text_{key}")
        for label, stays in (("Save", True), ("Take away", False)):
            st.button(
                list_html.plain(label),
                key=f"{label}_{key}",
                on_click=_rewrite,
                args=(note, key, stays),
            )


def _rewrite(note: Row, key: str, stays: bool) -> None:
    """With what stands in the field now, as `_hand_over`."""
    text = st.session_state[f"text_{key}"] if stays else None
    _do(lambda person: act.change_note(person, note["note_id"], note["version"], text))


def _history(history: list[Row], viewer: Viewer) -> None:
    if not history:
        return
    with st.expander("History", icon=":material/history:"):
        now = datetime.now(UTC)
        for each in history:
            with st.container(key=f"decided_{each['decision_id']}", gap=None):
                markup.show(decision_html.decision(each, layout.zone(), now))
                if not each["undone_at"] and viewer.may(Permission.ORGANISE):
                    word = "Redo" if each["undoes"] else "Undo"
                    st.button(
                        word, key=f"history_undo_{each['decision_id']}", type="tertiary", on_click=_do,
                        args=(lambda person, decision_id=each["decision_id"]: act.undo(
                            person, decision_id, "taken back on the page"
                        ),),
                    )  # fmt: skip


def _try(change: Callable[[Viewer], object], part: str = PART) -> bool:
    """Do it; where it is refused the part says why."""
    refused = guard.attempt(change)
    if refused:
        outcome.say(part, refused, is_done=False)
    return refused is None


def _do(change: Callable[[Viewer], object]) -> None:
    """As `_try`, for what has nothing to do afterwards."""
    _try(change)
