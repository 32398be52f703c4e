"""On a timeline that was come to from a search: which of the matches this is, and the ways to the next ones."""

from __future__ import annotations

import streamlit as st

from app import address, database, navigation
from app.access.roles import Permission
from app.access.sessions import Viewer
from app.reading import reading
from app.views import list_html, search_html
from warehouse import search
from warehouse.filters import Filter
from warehouse.search_query import parse


def strip(viewer: Viewer, customer_id: str, position: str, typed: str, wanted: Filter) -> None:
    """Draw it; nothing where nobody searched.

    Args:
        position: where the message stands, as its sort key.
        wanted: the filter over the neighbours, kept on the way.
    """
    found = _beside(viewer, customer_id, position, typed) if typed else None
    if found is None or not found.count:
        return
    with st.container(key="matches", horizontal=True, vertical_alignment="center", gap="small"):
        st.html(search_html.place(found, typed))
        for way, label, glyph in (
            (found.newer, "Newer match", "arrow_downward"),
            (found.older, "Older match", "arrow_upward"),
        ):
            if way:
                navigation.link(
                    address.TIMELINE, label=list_html.plain(label), icon=f":material/{glyph}:",
                    query_params=address.of_place(customer_id, way, typed, wanted),
                )  # fmt: skip
        navigation.link(
            address.FOUND, label="All results", icon=":material/search:",
            query_params=address.of_search(typed),
        )  # fmt: skip


def _beside(viewer: Viewer, customer_id: str, position: str, typed: str) -> search.Beside | None:
    query = parse(typed, database.settings().zone)
    with reading(
        viewer, Permission.READ, "message.search", "customer", customer_id,
        customer_ids=[customer_id], detail={"query": search.shown_query(typed)},
    ) as db:  # fmt: skip
        found = db.ask(search.beside, query, customer_id, position)
        if found is None:
            db.tells_nothing()
        else:
            db.tells(count=found.count, is_exact=True)
    return found
