"""Events that no model understood: by kind, with what can be done about one, and each to the exact bytes that came."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from app import address, examine, guard, layout, markup, navigation, quarantine_kinds, read
from app.access.roles import Permission
from app.access.sessions import Viewer
from app.live import topics
from app.quarantine_kinds import Kind
from app.views import list_html, origin_html, quarantine_html


@guard.live(topics.QUARANTINE)
def queue(pages: list[tuple[datetime, str] | None], shown: dict[int, read.Found]) -> None:
    person = guard.viewer()
    kinds = examine.quarantine_kinds(person)
    chosen = quarantine_kinds.chosen(kinds)
    lists = [
        examine.quarantined(person, before, kind=chosen, shown=shown.get(index))
        for index, before in enumerate(pages)
    ]
    shown.update(enumerate(lists))
    if quarantine_kinds.draw(kinds, chosen):
        # Another list than the one that was shown.
        pages[:] = [None]
        shown.clear()
        st.rerun(scope="fragment")
    if lists[0].rows:
        events(person, lists, chosen)
    last = lists[-1].rows
    if len(last) == examine.LIST_SIZE and st.button("More", key="more"):
        pages.append((last[-1]["received_at"], last[-1]["raw_ref"]))
        st.rerun(scope="fragment")


def events(person: Viewer, lists: list[read.Found], chosen: Kind | None) -> None:
    markup.show("<h3>Events</h3>")
    markup.show(
        quarantine_html.tally(lists[0].matched, is_cut=lists[0].is_cut, is_chosen=bool(chosen))
    )
    for number, row in enumerate(row for each in lists for row in each.rows):
        with st.container(key=f"row_{number}", gap=None):
            markup.show(quarantine_html.event(row, layout.sight()))
            if person.may(Permission.READ_RAW):
                navigation.link(
                    address.QUARANTINE,
                    label=list_html.link_label(row["raw_ref"], "Exact bytes of"),
                    query_params=address.of_raw(row["raw_ref"]),
                )


with st.container(key="quarantine", gap=None):
    if address.raw():
        navigation.link(
            address.QUARANTINE, label="All of the quarantine", icon=":material/arrow_back:"
        )
        row = examine.raw_row(guard.viewer(), address.raw())
        markup.show(origin_html.raw(row, layout.sight()) if row else origin_html.no_such_row())
    else:
        # Lives as long as the page is on the screen; a full run is a new sight.
        queue([None], {})
