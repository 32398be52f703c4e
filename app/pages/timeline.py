"""One customer's messages over all channels, newest in sight; what arrives appears by itself."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from app import (
    about,
    address,
    around,
    filter_bar,
    guard,
    jump,
    layout,
    markup,
    navigation,
    read,
    timeline_pages,
)
from app.access.roles import Permission
from app.live import changes, following, topics
from app.shown import Shown
from app.views import clock, list_html, message_html

#: So long an arrival counts as new on the way back to it.
NEW_SECONDS = 120
EARLIER = ":material/expand_less:"


@guard.live(lambda shown, playable: topics.timeline(shown.customer_id))
def newest(shown: Shown, playable: frozenset[str]) -> None:
    changes = shown.changes
    if not following.follow(guard.viewer(), shown):
        # Head and messages as they are now.
        del st.session_state["shown"]
        st.rerun()
    if shown.wanted and shown.changes > changes:
        # What the filter leaves and hides is counted with the whole page.
        st.rerun()
    if not shown.newest:
        timeline_pages.nothing(shown)
    pages = [(page, shown.above_newest(index)) for index, page in enumerate(shown.newest)]
    timeline_pages.draw(pages, layout.sight(playable, shown.by_id, shown.names))
    markup.show(message_html.jump(shown.arrived_within(NEW_SECONDS, datetime.now(UTC))))


@guard.live()
def older(shown: Shown, playable: frozenset[str]) -> None:
    if st.session_state.pop("wants_earlier", False):
        following.further_back(guard.viewer(), shown)
    pages = [(page, shown.above_older(index)) for index, page in enumerate(shown.older)]
    timeline_pages.draw(pages, layout.sight(playable, shown.by_id, shown.names))
    if not shown.reached_first:
        st.button("Earlier messages", icon=EARLIER, key="earlier", on_click=want_earlier)
    elif shown.oldest is not None:
        markup.show(
            f'<p class="first">The first message{" that passes" if shown.wanted else ""}</p>'
        )


def want_earlier() -> None:
    """The first day on the newest page may begin on an earlier one now: both are drawn again."""
    st.session_state["wants_earlier"] = True
    st.rerun(["older", "newest"])


customer_id, wanted = address.customer(), address.wanted()
mark = changes.mark()
opened = read.timeline(guard.viewer(), customer_id, wanted) if customer_id else None
if opened is None:
    timeline_pages.nobody(customer_id)

now = datetime.now(UTC)
markup.show(layout.DESK_STYLE)
markup.show(list_html.customer_head(opened.customer, layout.zone(), now))
tools = st.container(key="tools", horizontal=True, gap="small")
with tools:
    jump.draw(customer_id, wanted)
    if guard.viewer().may(Permission.READ_EVENTS):
        query = address.of_events(customer=customer_id)
        navigation.link(
            address.AUDIT, label="Who saw this", icon=":material/policy:", query_params=query
        )
    filter_bar.bar(wanted, opened.choices, opened.counted, clock.day_of(now, layout.zone()))
if around.opens(opened, address.place(), wanted):
    st.stop()
shown: Shown | None = st.session_state.get("shown")
# What a person has unrolled stays unrolled as long as they stay here.
kept = shown is not None and (shown.customer_id, shown.wanted) == (customer_id, wanted)
if shown is None or not (kept and shown.take(opened.messages, now)):
    shown = Shown.only(customer_id, opened.messages, wanted, opened.next_before)
    st.session_state["shown"] = shown
shown.mark, shown.names = mark, list_html.names(opened.customer)
with st.container(key="desk", horizontal=True, gap=None):
    with st.container(key="timeline", gap=None):
        newest(shown, opened.playable_connections)
        older(shown, opened.playable_connections)
    with st.container(key="about"):
        alone = wanted.conversations[0] if len(wanted.conversations) == 1 else None
        about.about(guard.viewer(), customer_id, alone)
