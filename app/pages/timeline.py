"""One customer's messages over all channels, newest in sight; what arrives appears by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import streamlit as st

from app import about, address, clock, following, frame, list_html, message_html, news, read, topics
from app.shown import Page, Row, Shown
from app.sight import Sight

#: So long an arrival counts as new on the way back to it.
NEW_SECONDS = 120
EARLIER = ":material/expand_less:"


def draw(pages: Sequence[tuple[Page, Row | None]], sight: Sight) -> None:
    for page, above in pages:
        older_day = clock.day_of(above["sent_at"], sight.zone) if above else None
        # What a reply quotes may have come to the screen since the page was drawn.
        quoted = page.answered & sight.on_screen.keys()
        key = (older_day, clock.day_of(sight.now, sight.zone), frozenset(quoted))
        st.html(page.drawn(key, partial(message_html.page, sight=sight, older_day=older_day)))


@frame.live(lambda shown, playable: topics.timeline(shown.customer_id))
def newest(shown: Shown, playable: frozenset[str]) -> None:
    if not following.follow(frame.viewer(), shown):
        # Head and messages as they are now.
        del st.session_state["shown"]
        st.rerun()
    if not shown.newest:
        st.html(
            list_html.empty(
                "No messages yet",
                "What this customer sends or is sent appears here by itself.",
                "mark_chat_unread",
            )
        )
    pages = [(page, shown.above_newest(index)) for index, page in enumerate(shown.newest)]
    draw(pages, frame.sight(playable, shown.by_id))
    st.html(message_html.jump(shown.arrived_within(NEW_SECONDS, datetime.now(UTC))))


@frame.live()
def older(shown: Shown, playable: frozenset[str]) -> None:
    if st.session_state.pop("wants_earlier", False) and shown.oldest and not shown.reached_first:
        rows = read.earlier_messages(frame.viewer(), shown.customer_id, shown.oldest)
        shown.add_older(rows, read.PAGE_SIZE)
    pages = [(page, shown.above_older(index)) for index, page in enumerate(shown.older)]
    draw(pages, frame.sight(playable, shown.by_id))
    if shown.oldest is not None and shown.reached_first:
        st.html('<p class="first">The first message</p>')
    elif shown.oldest is not None:
        st.button("Earlier messages", icon=EARLIER, key="earlier", on_click=want_earlier)


def want_earlier() -> None:
    """The first day on the newest page may begin on an earlier one now: both are drawn again."""
    st.session_state["wants_earlier"] = True
    st.rerun(["older", "newest"])


customer_id = address.customer()
mark = news.mark()
opened = read.timeline(frame.viewer(), customer_id) if customer_id else None
if opened is None:
    st.html(
        list_html.empty(
            "There is no such customer" if customer_id else "No customer chosen",
            "Find one under Customers.",
            "forum",
        )
    )
    st.stop()

st.html(list_html.customer_head(opened.customer, frame.zone(), datetime.now(UTC)))
shown: Shown | None = st.session_state.get("shown")
# What a person has unrolled stays unrolled as long as they stay here.
kept = shown is not None and shown.customer_id == customer_id
if shown is None or not (kept and shown.take(opened.messages, datetime.now(UTC))):
    shown = Shown.opened(customer_id, opened.messages, read.PAGE_SIZE)
    st.session_state["shown"] = shown
shown.mark = mark
with st.container(key="desk", horizontal=True, gap=None):
    with st.container(key="timeline", gap=None):
        newest(shown, opened.playable_connections)
        older(shown, opened.playable_connections)
    with st.container(key="about"):
        about.head(opened.customer)
        about.about(frame.viewer(), customer_id)
