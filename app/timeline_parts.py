"""The parts of a timeline that are drawn anew by themselves: its filter, its newest messages, and what came before.

What one of them changes of what is shown (`Shown`) the others draw.
"""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from app import address, filter_bar, guard, layout, markup, read, timeline_pages
from app.live import changes, following, topics
from app.shown import Shown
from app.views import clock, list_html, message_html

#: So long an arrival counts as new on the way back to it.
NEW_SECONDS = 120
#: The parts that another filter has drawn anew, in this order.
FILTERED = ("filtered", "newest", "older", "counted")
EARLIER = ":material/expand_less:"


@guard.live()
def filtered(shown: Shown, read_last: list[read.Opened]) -> None:
    """The filter. For another one what passes is read here, before the parts below draw it."""
    wanted = address.wanted()
    if wanted != shown.wanted:
        mark = changes.mark()
        found = read.timeline(guard.viewer(), shown.customer_id, wanted)
        if found is None:
            st.rerun()
            return
        read_last[:] = [found]
        shown.begin(found.messages, wanted, found.next_before)
        shown.mark = mark
    filter_bar.bar(wanted, read_last[0].choices, FILTERED)


@guard.live()
def counted(customer_id: str, read_last: list[read.Opened]) -> None:
    """What the filter leaves and hides, behind the messages: it takes longer than they do."""
    wanted = address.wanted()
    if wanted:
        found = read.counted(guard.viewer(), customer_id, wanted, read_last[0].newest)
        today = clock.day_of(datetime.now(UTC), layout.zone())
        days = clock.days(*wanted.days(today)) if wanted.period else ""
        markup.show(list_html.left_and_hidden(found, days))


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
