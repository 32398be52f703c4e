"""The identity card beside a timeline: by which addresses a customer is known, since when, by whom and why, and what
was decided about them, each with its way back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from app import (
    act,
    act_identity,
    address,
    customer_picker,
    guard,
    layout,
    markup,
    navigation,
    read_identity,
)
from app.access.roles import Permission
from app.access.sessions import Viewer
from app.database import Row
from app.live import topics
from app.views import card_html, correction_html, decision_html, identity_html, list_html


@guard.live(lambda customer_id, shown: topics.about(customer_id), is_beside=True)
def identity_card(customer_id: str, shown: list[dict[str, Any]]) -> None:
    """The card, which reads again when somebody decides on this customer; `shown` keeps what it read."""
    viewer = guard.viewer()
    found = read_identity.card(viewer, customer_id, shown=shown[0] if shown else None)
    if found is None:
        return
    shown[:] = [found]
    zone, now = layout.zone(), datetime.now(UTC)
    if said := correction_html.disagreements(found["customer"]["corrections"] or []):
        markup.show(said)
    markup.show(
        card_html.identities(
            found["identities"], found["merged"], zone, now, is_part=found["is_part"]
        )
    )
    if (into := found["customer"]["merged_into"]) is None and found["customer"]["archived_at"]:
        markup.show(card_html.archived(found["customer"], zone, now))
    if into is not None:
        navigation.link(
            address.TIMELINE, label="The customer they were merged into",
            query_params=address.of_customer(into),
        )  # fmt: skip
    may = viewer.may(Permission.DECIDE_CUSTOMER)
    if (
        may
        and found["customer"]["archived_at"] is None
        and st.button("Change who this is", key="change_who", icon=":material/edit:")
    ):
        st.session_state["changing"] = found
        st.rerun()
    with st.expander(f"Decisions ({len(found['decisions'])})"):
        for row in found["decisions"]:
            markup.show(decision_html.decision(row, zone, now))
            if may and row["undone_at"] is None:
                what, word = (
                    row["undoes_action"] or row["action"],
                    "Redo" if row["undoes"] else "Undo",
                )
                label = list_html.link_label(decision_html.words(what), word)
                if st.button(label, key=f"undo_identity_{row['decision_id']}", type="tertiary"):
                    st.session_state["undoing"] = row
                    st.rerun()


def dialogs(customer_id: str) -> None:
    """What a button of the card asked for; a dialog opens in the run of the whole page."""
    if (found := st.session_state.pop("changing", None)) is not None:
        st.session_state.pop("merge_weighed", None)
        change(found)
    elif (row := st.session_state.pop("undoing", None)) is not None:
        undo(row, customer_id)


@guard.dialog("Undo", width="medium")
def undo(row: Row, customer_id: str) -> None:
    markup.show(decision_html.decision(row, layout.zone(), datetime.now(UTC)))
    with st.form("undo", border=False):
        reason = st.text_input("Reason", max_chars=1000)
        if st.form_submit_button("Undo this decision", type="primary"):
            decided(customer_id, lambda person: act.undo(person, row["decision_id"], reason))


@guard.dialog("Change who this is", width="large")
def change(found: dict[str, Any]) -> None:
    customer: Row = found["customer"]
    own = [row for row in found["identities"] if row["same_as"] is None]
    customer_id, name = customer["customer_id"], customer["name"]
    same, other, called, gone = st.tabs(["Same person as…", "Not this person", "Name", "Archive"])
    with same:
        together(customer_id, name, [row["identity"] for row in own])
    with other:
        apart(customer_id, own)
    with called, st.form("rename", border=False):
        new_name = st.text_input("Name", value=name, max_chars=200)
        if st.form_submit_button("Rename", type="primary"):
            decided(customer_id, lambda person: act_identity.rename(person, customer_id, new_name))
    with gone, st.form("archive", border=False):
        st.caption(
            "They leave the lists and searches, and undo brings them back. Take their identities away first: "
            "nobody would see what was written under them."
            if own
            else "They leave the lists and searches, and undo brings them back."
        )
        why = st.text_input("Reason to archive", max_chars=1000)
        if st.form_submit_button("Archive", disabled=bool(own)):
            decided(customer_id, lambda person: act_identity.archive(person, customer_id, reason=why))  # fmt: skip


def decided(customer_id: str, decide: Callable[[Viewer], object]) -> None:
    """Decide, and show the timeline as it is then; where it is refused the dialog stays, and says why."""
    if guard.done(decide):
        navigation.go(address.TIMELINE, query_params=address.of_customer(customer_id))


def together(customer_id: str, name: str, known: list[str]) -> None:
    """Merge: the other one is chosen, both are counted, and a reason is given."""
    chosen = customer_picker.choose("merge_search", but=customer_id)
    if not chosen:
        return
    other = chosen["customer_id"]
    found = weighed(customer_id, other)
    sizes = found.sizes
    markup.show(
        card_html.together(
            name, sizes[customer_id], chosen["name"], sizes[other], layout.zone(), datetime.now(UTC),
            known=known, other_known=chosen["identities"], is_part=bool(found.beyond),
        )
    )  # fmt: skip
    reason = st.text_input("Reason for the merge", max_chars=1000)
    if st.button("Merge", type="primary", key="merge", disabled=not reason.strip()):
        decided(
            customer_id,
            lambda person: act_identity.merge(person, other, customer_id, reason=reason),
        )


def weighed(*customer_ids: str) -> read_identity.Weighed:
    """How much stands under each, read once for these two: a click is no new sight."""
    known = st.session_state.get("merge_weighed")
    if known is None or known[0] != customer_ids:
        known = (customer_ids, read_identity.compare(guard.viewer(), customer_ids))
        st.session_state["merge_weighed"] = known
    found: read_identity.Weighed = known[1]
    return found


def apart(customer_id: str, own: list[Row]) -> None:
    """Take identities away: back to the queue, to a customer of their own, or to another one."""
    identities = {row["identity"]: row["message_count"] for row in own}
    if not identities:
        st.caption("No identity is linked.")
        return
    taken = st.multiselect(
        "Which are somebody else's", list(identities), format_func=identity_html.words,
        select_all=False,
    )  # fmt: skip
    ways = ["Back to the queue", "A new customer", "Another customer"]
    way = st.radio("Where they go", ways, horizontal=True)
    name = st.text_input("Name of the new customer", max_chars=200) if way == ways[1] else ""
    chosen = customer_picker.choose("move_search", but=customer_id) if way == ways[2] else None
    if chosen and taken:
        more = sum(identities[each] for each in taken)
        markup.show(card_html.grows(chosen["name"], chosen["message_count"], more))
    reason = st.text_input("Reason", max_chars=1000, key="apart_reason")
    ready = taken and reason.strip() and (way != ways[2] or chosen)
    if not st.button("Take away", type="primary", key="apart", disabled=not ready):
        return
    if way == ways[1]:
        decided(
            customer_id,
            lambda person: act_identity.split(person, customer_id, taken, name, reason=reason),
        )
    else:
        to = chosen["customer_id"] if chosen else None
        decided(
            customer_id, lambda person: act_identity.take_away(person, taken, to, reason=reason)
        )
