"""Who saw and did what: who saw this customer, what did this person look at. Each look at it is an event, too."""

from __future__ import annotations

import streamlit as st

from app import address, event_bar, events_csv, guard, layout, markup, read_events
from app.read_events import LIST_SIZE, Seen
from app.views import event_html, list_html

EARLIER = "wants_earlier_events"


@guard.live()
def listed(given: dict[str, str], pages: list[Seen]) -> None:
    if st.session_state.pop(EARLIER, False):
        last = pages[-1].rows[-1]
        before = (last["at"], last["event_id"])
        pages.append(read_events.events(guard.viewer(), events_csv.asked(given), before))
    for page in pages:
        markup.show(event_html.lines(page.rows, page.names, layout.zone()))
    if len(pages[-1].rows) == LIST_SIZE:
        st.button("Earlier", key="earlier_events", on_click=want_earlier)


def want_earlier() -> None:
    st.session_state[EARLIER] = True


given = address.events()
markup.show("<h2>Audit</h2>")
with st.container(key="audit", gap="small"):
    seen = read_events.events(guard.viewer(), events_csv.asked(given))
    event_bar.bar(given, seen)
    markup.show(event_html.headline(given, seen.names, has_analysts=seen.has_analysts))
    if seen.rows:
        # What was read stays as it is while the page is on the screen; a full run is a new sight.
        listed(given, [seen])
    else:
        markup.show(
            list_html.empty("No events", "Ask for another person, customer or time.", "policy")
        )
