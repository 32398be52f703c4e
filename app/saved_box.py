"""The views of every page's head: those there are, and the present address under a new name."""

from __future__ import annotations

import streamlit as st

from app import act_saved, address, guard, markup, navigation, read_saved
from app.access.roles import Permission
from app.views import list_html, saved_html
from warehouse.decisions.views import LONGEST_VIEW_NAME

OPEN, NAME, SHARED, REFUSED = "views_open", "view_name", "view_shared", "view_refused"


def draw(url_path: str) -> None:
    """The button; what it opens is read when it is opened."""
    # A view that was chosen in it led here.
    st.session_state[OPEN] = False
    with st.container(key="views_box"):
        views_box(url_path)


@guard.live()
def views_box(url_path: str) -> None:
    box = st.popover("Views", icon=":material/bookmarks:", key=OPEN, on_change="rerun")
    if not box.open:
        return
    with box, st.container(key="views", gap="small"):
        listed = read_saved.views(guard.viewer())
        if not listed:
            st.caption("A search or a filter can be kept here under a name.")
        for view in listed:
            line(view)
        _new(url_path)
        navigation.link(address.SAVED, label="Manage views", icon=":material/tune:")


def line(view: read_saved.View) -> None:
    """A view that is opened by choosing it."""
    with st.container(key=f"row_view_{view.view_id}", gap=None):
        owner = "" if view.owner == guard.viewer().user_name else view.owner
        markup.show(saved_html.line(view.name, view.script, view.parameters, owner))
        navigation.link(
            view.script, label=list_html.link_label(view.name), query_params=view.parameters
        )


def _new(url_path: str) -> None:
    query = address.asked_of(url_path)
    refused = st.session_state.pop(REFUSED, None)
    if refused:
        markup.show(list_html.banner(refused))
    if not query:
        return

    def keep() -> None:
        name, is_shared = st.session_state[NAME], bool(st.session_state.get(SHARED))
        st.session_state[REFUSED] = guard.attempt(
            lambda person: act_saved.save(person, name, url_path, query, is_shared=is_shared)
        )
        if not st.session_state[REFUSED]:
            st.session_state[NAME] = ""

    with st.form("save_view", border=False):
        st.text_input("Keep what is shown as", key=NAME, max_chars=LONGEST_VIEW_NAME)
        if guard.viewer().may(Permission.SHARE_VIEWS):
            st.toggle("For everybody", key=SHARED)
        st.form_submit_button("Save view", icon=":material/bookmark_add:", on_click=keep)
