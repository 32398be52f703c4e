"""The pages of a timeline on the screen: each is one element of the browser, drawn again only when it changed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NoReturn

import streamlit as st

from app import markup
from app.shown import Page, Row, Shown
from app.views import clock, list_html, message_html
from app.views.sight import Sight


def draw(pages: Sequence[tuple[Page, Row | None]], sight: Sight) -> None:
    """Draw pages, each with the message above it."""
    for page, above in pages:
        older_day = clock.day_of(above["sent_at"], sight.zone) if above else None
        # What a reply quotes may have come to the screen since the page was drawn.
        quoted = page.answered & sight.on_screen.keys()
        key = (older_day, clock.day_of(sight.now, sight.zone), frozenset(quoted))
        markup.show(page.drawn(key, partial(message_html.page, sight=sight, older_day=older_day)))


def nothing(shown: Shown) -> None:
    """Why there is nothing to see."""
    title, advice, glyph = (
        "No messages yet",
        "What this customer sends or is sent appears here by itself.",
        "mark_chat_unread",
    )
    if shown.wanted:
        title, glyph = "No message passes the filter", "filter_alt_off"
        advice = "Remove a part of it above, or clear it."
    if not shown.reached_first:
        title, glyph = "Nothing passes the filter so far", "manage_search"
        advice = "Earlier messages were not looked through yet."
    markup.show(list_html.empty(title, advice, glyph))


def nobody(customer_id: str) -> NoReturn:
    """Say why there is no timeline; the page ends here."""
    said = "There is no such customer" if customer_id else "No customer chosen"
    markup.show(list_html.empty(said, "Find one under Customers.", "forum"))
    st.stop()
