"""The kinds of what was not understood, and what can be done about each: shown alone, read again, ignored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import streamlit as st

from app import act, act_quarantine, address, guard, layout, markup, navigation
from app.access.roles import Permission
from app.access.sessions import Viewer
from app.database import Row
from app.views import list_html, quarantine_html

#: The kind whose events are listed, and what was said of the last act.
CHOSEN, SAID = "quarantine_kind", "quarantine_said"
Kind = tuple[str, str]


def chosen(kinds: Sequence[Row]) -> Kind | None:
    """The kind whose events are listed alone, where it is still there."""
    its: Kind | None = st.session_state.get(CHOSEN)
    return its if its in {_kind(row) for row in kinds} else None


def draw(kinds: Sequence[Row], chosen: Kind | None) -> bool:
    """Every kind; whether another one was chosen just now."""
    if said := st.session_state.pop(SAID, None):
        markup.show(said)
    told = [row for row in kinds if not row["decision_id"]]
    ignored = [row for row in kinds if row["decision_id"]]
    if not told:
        rest = ", or is of a kind that is ignored" if ignored else ""
        words = f"Every event that came in was understood{rest}."
        markup.show(list_html.empty("Nothing is in quarantine", words, "task_alt"))
    asked = False
    for title, rows in (("By reason", told), ("Ignored", ignored)):
        if rows:
            markup.show(f"<h3>{title}</h3>")
        for row in rows:
            asked |= _one(row, chosen)
    return asked


def _one(row: Row, chosen: Kind | None) -> bool:
    its, asked = _kind(row), False
    # By what it is and not by its place: the list may be another one when a click arrives.
    number = hashlib.sha256("\0".join(its).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    with st.container(key=f"reason_{number}", gap=None):
        markup.show(quarantine_html.kind(row, layout.sight(), is_chosen=its == chosen))
        with st.container(
            key=f"reason_acts_{number}", horizontal=True, gap="small", vertical_alignment="center"
        ):
            if row["events"]:
                if its == chosen:
                    asked = st.button("Show all kinds", key=f"all_{number}")
                else:
                    asked = st.button("Show these alone", key=f"only_{number}")
                if st.button("Read again", key=f"again_{number}"):
                    _read_again(its)
            if row["decision_id"]:
                if st.button("Tell of it again", key=f"tell_{number}"):
                    _attempt(lambda person: act.undo(person, row["decision_id"], ""))
            elif st.button("Ignore from now on", key=f"ignore_{number}"):
                _attempt(lambda person: act_quarantine.ignore(person, *its))
            if row["events"] and guard.viewer().may(Permission.READ_RAW):
                navigation.link(
                    address.QUARANTINE, label="A sample, to the byte",
                    query_params=address.of_raw(row["newest_ref"]),
                )  # fmt: skip
    if asked:
        st.session_state[CHOSEN] = None if its == chosen else its
    return asked


def _read_again(its: Kind) -> None:
    rows: list[int] = []
    refused = guard.attempt(lambda person: rows.append(act_quarantine.read_again(person, *its)))
    told = (
        f"{list_html.count(rows[0], 'row')} will be read again within a moment; what is understood now leaves the list"
        if rows
        else ""
    )
    st.session_state[SAID] = list_html.banner(refused) if refused else list_html.said(told)
    st.rerun(scope="fragment")


def _attempt(change: Callable[[Viewer], object]) -> None:
    refused = guard.attempt(change)
    st.session_state[SAID] = list_html.banner(refused) if refused else None
    st.rerun(scope="fragment")


def _kind(row: Row) -> Kind:
    return row["channel"], row["reason"]
