"""Saved views: one's own and those that are shared; called otherwise, shared, removed by whoever may."""

from __future__ import annotations

import streamlit as st

from app import act_saved, guard, markup, read_saved, saved_box
from app.access.roles import Permission
from app.views import list_html
from warehouse.decisions.views import LONGEST_VIEW_NAME


@guard.live()
def listed() -> None:
    _outcome()
    views = read_saved.views(guard.viewer())
    if not views:
        advice = "Search or filter, then keep it under a name: Views, above."
        markup.show(list_html.empty("No views yet", advice, "bookmarks"))
    for heading, is_shared in (("Yours alone", False), ("Shared", True)):
        of_these = [view for view in views if view.is_shared is is_shared]
        if of_these:
            markup.show(f'<h3 class="part">{heading}</h3>')
        for view in of_these:
            with st.container(key=f"kept_{view.view_id}", horizontal=True, gap="small"):
                saved_box.line(view)
                if view.may_change:
                    _change(view)


def _change(view: read_saved.View) -> None:
    key = f"{view.view_id}_{view.version}"
    with st.popover("Change", key=f"change_view_{key}", type="tertiary"):
        st.text_input("Name", view.name, max_chars=LONGEST_VIEW_NAME, key=f"name_{key}")
        if guard.viewer().may(Permission.SHARE_VIEWS):
            st.toggle("For everybody", view.is_shared, key=f"shared_{key}")
        with st.container(horizontal=True):
            st.button("Save", type="primary", key=f"save_{key}", on_click=_save, args=(view, key))
            st.button("Remove", key=f"remove_{key}", on_click=_remove, args=(view,))


def _save(view: read_saved.View, key: str) -> None:
    name = st.session_state[f"name_{key}"]
    is_shared = bool(st.session_state.get(f"shared_{key}", view.is_shared))
    st.session_state["views_refused"] = guard.attempt(
        lambda person: act_saved.change(
            person, view.view_id, view.version, name, is_shared=is_shared
        )
    )


def _remove(view: read_saved.View) -> None:
    removed: list[str] = []
    st.session_state["views_refused"] = guard.attempt(
        lambda person: removed.append(act_saved.remove(person, view.view_id, view.version))
    )
    if removed:
        st.session_state["view_removed"] = (removed[0], view.name)


def _bring_back(decision_id: str) -> None:
    st.session_state.pop("view_removed", None)
    st.session_state["views_refused"] = guard.attempt(
        lambda person: act_saved.bring_back(person, decision_id)
    )


def _outcome() -> None:
    """What became of the last act, and the way back from a removal."""
    refused = st.session_state.pop("views_refused", None)
    if refused:
        markup.show(list_html.banner(refused))
    if "view_removed" in st.session_state:
        decision_id, name = st.session_state["view_removed"]
        with st.container(horizontal=True, vertical_alignment="center", key="view_removed"):
            st.caption(list_html.sentence(f"Removed {name}"))
            st.button("Undo", icon=":material/undo:", on_click=_bring_back, args=(decision_id,))


markup.show("<h2>Saved views</h2>")
with st.container(key="saved", gap=None):
    listed()
