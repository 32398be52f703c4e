"""What can be done with a chosen tag, and what was: each act carries the version that was seen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import streamlit as st

from app import act, act_tags, guard, layout, markup
from app.access.sessions import Viewer
from app.database import Row
from app.views import list_html, tag_html
from warehouse.decisions import COLOURS
from warehouse.decisions.tags import LONGEST_DESCRIPTION, LONGEST_TAG

CHOSEN, REFUSED = "tag_chosen", "tags_refused"


def draw(chosen: Row, others: list[Row], history: list[Row]) -> None:
    """The panel of a tag; of a removed one its history alone, which leads back."""
    markup.show(tag_html.heading(chosen))
    if not chosen.get("removed_at"):
        _form(chosen)
        _acts(chosen, others)
    _history(history)


def refusal() -> None:
    """Why what was tried last was not done."""
    if refused := st.session_state.pop(REFUSED, None):
        markup.show(list_html.banner(refused))


def _form(row: Row) -> None:
    key = f"{row['tag_id']}_{row['version']}"
    with st.form(f"tag_{key}", border=False):
        name = st.text_input("Name", row["name"], max_chars=LONGEST_TAG, key=f"name_{key}")
        now = COLOURS.index(row["colour"]) if row["colour"] in COLOURS else 0
        colour = st.selectbox(
            "Colour", COLOURS, now, format_func=str.capitalize, key=f"colour_{key}"
        )
        description = st.text_area(
            "What it is for",
            row["description"],
            max_chars=LONGEST_DESCRIPTION,
            key=f"description_{key}",
        )
        if st.form_submit_button("Save", type="primary"):
            _try(
                lambda person: act_tags.change(
                    person, row["tag_id"], row["version"],
                    name=name, colour=colour, description=description,
                )
            )  # fmt: skip


def _acts(row: Row, others: list[Row]) -> None:
    tag_id, version = row["tag_id"], row["version"]
    key = f"{tag_id}_{version}"
    names = {each["tag_id"]: list_html.plain(each["name"]) or "?" for each in others}
    with st.container(horizontal=True, vertical_alignment="bottom", key="tag_acts"):
        into = st.selectbox(
            "Merge into", names, None, format_func=names.__getitem__, key=f"into_{key}"
        )
        if st.button("Merge", disabled=into is None, key=f"merge_{key}") and into:
            _try(lambda person: act_tags.merge(person, tag_id, version, into), into)
    if st.button("Remove this tag", icon=":material/delete:", key=f"remove_{key}"):
        _try(lambda person: act_tags.remove(person, tag_id, version))


def _history(history: list[Row]) -> None:
    now = datetime.now(UTC)
    for row in history:
        it = row["decision_id"]
        with st.container(key=f"decided_{it}", gap=None):
            markup.show(tag_html.decided(row, layout.zone(), now))
            word = "Redo" if row["undoes"] else "Undo"
            if not row["undone_at"] and st.button(word, key=f"undo_{it}", type="tertiary"):
                _try(partial(act.undo, decision_id=it, reason="taken back on the page"))


def _try(change: Callable[[Viewer], object], chosen: str | None = None) -> None:
    """Do it, and draw what is now.

    Args:
        chosen: the tag that is looked at from then on.
    """
    st.session_state[REFUSED] = guard.attempt(change)
    if chosen and not st.session_state[REFUSED]:
        st.session_state[CHOSEN] = chosen
    st.rerun(scope="fragment")
