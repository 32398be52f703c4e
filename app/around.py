"""A timeline opened at one of its messages: the message with its neighbours, and the ways on in both directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from app import (
    about,
    address,
    filtered,
    guard,
    layout,
    markup,
    matches,
    navigation,
    read,
    timeline_pages,
)
from app.access.roles import Permission
from app.access.sessions import Viewer
from app.database import Row
from app.live import topics
from app.reading import Reading, reading
from app.shown import Page
from app.views import list_html, thread_html
from warehouse.filters import BEHIND_ALL, EVERYTHING, FIRST, Filter
from warehouse.queries import queries

SQL = queries("timeline_at")
TIMELINE = queries("timeline")
#: Neighbours on either side at first, and how many further ones a button brings.
NEIGHBOURS, FURTHER = 20, 50
#: More than this is not held on one screen; from there the timeline is opened anew.
MOST = 1_000


@dataclass
class Place:
    """Where a timeline is open, and how much round it."""

    customer_id: str
    message_id: str
    #: Of its neighbours those that pass; the message itself stands there whatever it is.
    wanted: Filter = EVERYTHING
    before: int = NEIGHBOURS
    behind: int = NEIGHBOURS


@dataclass(frozen=True, kw_only=True)
class Around:
    """Messages round a place, oldest first."""

    rows: list[Row]
    is_first: bool
    is_last: bool
    #: Where the place stands in the timeline.
    position: str
    #: Whether the message that was asked for passes itself.
    passes: bool = True
    #: So far back as a filter looks there is nothing more that passes; further back there may be.
    is_cut: bool = False


def read_around(viewer: Viewer, place: Place, *, shown: Around | None = None) -> Around | None:
    """The messages; None where the place is no message of this timeline.

    Args:
        shown: what the page shows already; the same again is no new sight and writes no event.
    """
    at = {"customer_id": place.customer_id, "message_id": place.message_id}
    detail: dict[str, Any] = {"at": place.message_id[:200]}
    if place.wanted:
        detail["filter"] = place.wanted.address()
    with reading(
        viewer, Permission.READ, "timeline.view", "customer", place.customer_id,
        customer_ids=[place.customer_id], detail=detail,
    ) as db:  # fmt: skip
        found = db.execute(SQL["position_of"], at).fetchone()
        if found is None:
            db.tells_nothing()
            return None
        made = (_passing if place.wanted else _all)(db, place, found["sort_key"])
        if shown is not None and made.rows == shown.rows:
            db.tells_nothing()
    return made


def _all(db: Reading, place: Place, position: str) -> Around:
    before = db.execute(
        TIMELINE["timeline_page"],
        {
            "customer_id": place.customer_id,
            "from_key": FIRST,
            "before_key": position,
            "most": place.before,
        },
    ).fetchall()
    behind = _from(db, place, position, place.behind + 1)
    return Around(
        rows=[*before[::-1], *behind],
        is_first=len(before) < place.before,
        is_last=len(behind) <= place.behind,
        position=position,
    )


def _from(db: Reading, place: Place, position: str, most: int) -> list[Row]:
    return db.execute(
        SQL["timeline_from"],
        {
            "customer_id": place.customer_id,
            "from_key": position,
            "before_key": BEHIND_ALL,
            "most": most,
        },
    ).fetchall()


def _passing(db: Reading, place: Place, position: str) -> Around:
    """The message with the neighbours that pass; no further from it than a filter looks."""
    before = filtered.page(db, place.customer_id, place.wanted, position, place.before)
    behind = filtered.page_from(db, place.customer_id, place.wanted, position, place.behind + 1)
    passes = bool(behind) and behind[0]["message_id"] == place.message_id
    itself = [] if passes else _from(db, place, position, 1)
    return Around(
        rows=[*before.rows[::-1], *itself, *behind],
        is_first=len(before.rows) < place.before,
        is_last=len(behind) <= place.behind,
        position=position,
        passes=passes,
        is_cut=len(before.rows) < place.before and before.next_before is not None,
    )


def first_from(
    viewer: Viewer, customer_id: str, position: str, wanted: Filter = EVERYTHING
) -> str | None:
    """The first message of a timeline from a position on, of those that pass; None behind its last. Nothing is shown
    of it: no event."""
    with reading(
        viewer,
        Permission.READ,
        "timeline.view",
        "customer",
        customer_id,
        customer_ids=[customer_id],
    ) as db:
        db.tells_nothing()
        if wanted:
            found = filtered.page_from(db, customer_id, wanted, position, 1)
        else:
            asked = {
                "customer_id": customer_id,
                "from_key": position,
                "before_key": BEHIND_ALL,
                "most": 1,
            }
            found = db.execute(SQL["first_from"], asked).fetchall()
    return found[0]["message_id"] if found else None


def opens(opened: read.Opened, message_id: str, wanted: Filter) -> bool:
    """Draw the timeline at the message; False where it is not one of its messages, and nothing was drawn.

    Args:
        wanted: which of its neighbours are shown.
    """
    if not message_id:
        return False
    customer_id = opened.customer["customer_id"]
    place = st.session_state.get("place")
    asked = (customer_id, message_id, wanted)
    if not isinstance(place, Place) or (place.customer_id, place.message_id, place.wanted) != asked:
        place = Place(*asked)
    st.session_state["place"] = place
    found = read_around(guard.viewer(), place)
    if found is None:
        markup.show(
            '<p class="tally">The message that was asked for does not stand on this timeline.</p>'
        )
        return False
    matches.strip(guard.viewer(), customer_id, found.position, address.search(), wanted)
    with st.container(key="desk", horizontal=True, gap=None):
        with st.container(key="around", gap=None):
            around(place, opened, found, [])
        with st.container(key="about"):
            about.about(guard.viewer(), customer_id)
    return True


@guard.live(lambda place, opened, first, shown: topics.timeline(place.customer_id))
def around(place: Place, opened: read.Opened, first: Around, shown: list[Around]) -> None:
    """The messages as they are now.

    Args:
        first: what the whole page has read a moment ago, and which is drawn first.
        shown: what stands there; empty at first.
    """
    found = read_around(guard.viewer(), place, shown=shown[0]) if shown else first
    if found is None:
        st.rerun()
        return
    shown[:] = [found]
    if not found.is_first and place.before < MOST:
        st.button(
            "Earlier messages",
            icon=":material/expand_less:",
            key="before",
            on_click=_more,
            args=(place, FURTHER, 0),
        )
    if found.is_cut:
        markup.show(
            list_html.said(
                f"Only the {filtered.MOST_EXAMINED:,} messages before it were looked through"
            )
        )
    by_id = {row["message_id"]: row for row in found.rows}
    sought = thread_html.anchor(place.message_id)
    markup.show(
        f'<i class="sought" data-for="{sought}"></i><style>#{sought} {{ {SOUGHT} }}</style>'
    )
    if not found.passes:
        markup.show(
            list_html.said(
                "The message that was asked for does not pass the filter; those round it do"
            )
        )
    names = list_html.names(opened.customer)
    sight = layout.sight(opened.playable_connections, by_id, names)
    timeline_pages.draw([(Page(found.rows), None)], sight)
    if not found.is_last and place.behind < MOST:
        st.button(
            "Later messages",
            icon=":material/expand_more:",
            key="behind",
            on_click=_more,
            args=(place, 0, FURTHER),
        )
    navigation.link(
        address.TIMELINE, label="To the newest messages", icon=":material/keyboard_double_arrow_down:",
        query_params=address.of_customer(place.customer_id, place.wanted),
    )  # fmt: skip


SOUGHT = "outline: 2px solid var(--accent); outline-offset: -1px; border-radius: 0.4rem"


def _more(place: Place, before: int, behind: int) -> None:
    place.before = min(place.before + before, MOST)
    place.behind = min(place.behind + behind, MOST)
