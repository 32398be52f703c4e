"""What can be done with who waits in the queue: at one click where it is plain, for many at once where it is sure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import streamlit as st

from app import act, act_identity, guard, layout, markup, outcome, read_identity
from app.access.sessions import Viewer
from app.database import Row
from app.pressed import Pressed, within
from app.views import card_html, list_html, queue_html

#: The part of the page that says what became of a decision.
PART = "queue"
#: What was read for the queue as it stands on the screen; empty at first.
Suggested = list[dict[str, list[Row]]]


def lines(
    rows: Sequence[Row],
    suggested: Mapping[str, Sequence[Row]],
    *,
    may_decide: bool,
    are_marked: bool,
) -> None:
    """The lines of the queue, or of those who were marked as nobody's customer."""
    zone, now = layout.zone(), datetime.now(UTC)
    drawn = "".join(
        queue_html.marked(row, zone, now, may_decide=may_decide)
        if are_marked
        else queue_html.waiting(
            row, suggested.get(row["identity"], ()), zone, now, may_decide=may_decide
        )
        for row in rows
    )
    markup.show(within(PART, drawn))


def do(it: Pressed, rows: Sequence[Row], suggested: Mapping[str, Sequence[Row]]) -> None:
    """What was pressed in a line, of those that stood there and were suggested: nothing else can be meant."""
    row = next((row for row in rows if row["identity"] == it.of), None)
    if row is None:
        return
    identity, name = row["identity"], row["display_name"]
    found = next(
        (each for each in suggested.get(identity, ()) if each["customer_id"] == it.customer_id),
        None,
    )
    match it.act:
        case queue_html.DECIDE:
            st.session_state["deciding"] = row
            st.rerun()
        case queue_html.MAKE if name:
            done(
                lambda person: act.create_customer(
                    person, name, identity=identity, reason="Wrote to us for the first time"
                )
            )
        case queue_html.MARK:
            done(
                lambda person: act_identity.not_a_customer(
                    person, identity, reason="Marked in the queue"
                )
            )
        case queue_html.ACCEPT if found:
            done(lambda person: act_identity.accept(person, found))
        case queue_html.DISMISS if found:
            done(lambda person: act_identity.dismiss(person, identity, found["customer_id"]))
        case queue_html.BACK if row.get("decision_id"):
            done(lambda person: act.undo(person, row["decision_id"], "Brought back to the queue"))


def done(decide: Callable[[Viewer], object]) -> None:
    """Decide, and say what was refused; the list is drawn behind it."""
    if refused := guard.attempt(decide):
        outcome.say(PART, refused, is_done=False)


def at_once() -> None:
    """What may be done for many: shown before it is done."""
    with st.container(key="at_once", horizontal=True):
        if st.button("Accept sure suggestions", icon=":material/done_all:", key="accept_sure"):
            st.session_state["at_once"] = "accept"
            st.rerun()
        if st.button("Make all that have a name", icon=":material/group_add:", key="make_named"):
            st.session_state["at_once"] = "make"
            st.rerun()


def dialogs() -> None:
    """A dialog opens in the run of the whole page. What stands in it is read then, once: that, and nothing that comes
    meanwhile, is decided on."""
    asked = st.session_state.pop("at_once", None)
    if asked == "accept":
        accept_sure(read_identity.sure_suggestions(guard.viewer()))
    elif asked == "make":
        make_named(read_identity.named_and_waiting(guard.viewer()))


@guard.dialog("Accept sure suggestions", width="large")
def accept_sure(rows: Sequence[Row]) -> None:
    if not rows:
        markup.show(
            list_html.empty(
                "Nothing is sure", "What is suggested waits under each line.", "task_alt"
            )
        )
        return
    st.caption(
        list_html.sentence(
            f"These {len(rows)} have a score of {read_identity.SURE:.0%} or more, nothing holds them back, and "
            "each has one customer only. It is one decision, and is taken back as one."
        )
    )
    markup.show(
        card_html.pairs(
            [(row["identity"], row["name"], row["identities"], row["said"]) for row in rows]
        )
    )
    if st.button(list_html.plain(f"Link these {len(rows)}"), type="primary", key="accept_these"):
        done_with_all(rows, "linked", lambda person: act_identity.accept_all(person, rows))


@guard.dialog("Make all that have a name", width="large")
def make_named(rows: Sequence[Row]) -> None:
    if not rows:
        markup.show(
            list_html.empty(
                "Nobody to make",
                "Who waits has no full name, or may be somebody we know.",
                "task_alt",
            )
        )
        return
    st.caption(
        list_html.sentence(
            f"Of those who wrote to us, {len(rows)} with a full name, like nobody we know. Each becomes a "
            "customer, in one decision that is taken back as one."
        )
    )
    markup.show(card_html.pairs([(row["identity"], row["display_name"], (), "") for row in rows]))
    if st.button(list_html.plain(f"Make these {len(rows)}"), type="primary", key="make_these"):
        done_with_all(rows, "made", lambda person: act_identity.make_all(person, rows))


def done_with_all(rows: Sequence[Row], what: str, decide: Callable[[Viewer], int]) -> None:
    """Decide on all of these, and say of how many it holds: others may have decided on some meanwhile."""
    counts: list[int] = []
    if not guard.done(lambda person: counts.append(decide(person))):
        return
    left = len(rows) - counts[0]
    meanwhile = f" {left:,} left as they are: others decided on them meanwhile." if left else ""
    outcome.say(PART, f"{counts[0]:,} {what}.{meanwhile}")
    st.rerun()


def suggestions_of(rows: Sequence[Row], shown: Suggested) -> Mapping[str, list[Row]]:
    """For what the queue shows; `shown` keeps it for the next run of the fragment."""
    found = read_identity.suggestions(
        guard.viewer(), [row["identity"] for row in rows], shown=shown[0] if shown else None
    )
    shown[:] = [found]
    return found
