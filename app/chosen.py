"""The panel of a message that was chosen on a timeline: its tags, what it said before, where it came from.

Choosing is a component's trigger (assets/chosen.js) that runs this fragment alone: the timeline is not drawn anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from app import address, examine, guard, layout, markup, navigation, outcome, panel
from app.access.roles import Permission
from app.examine import Examined
from app.live import bell, changes, topics
from app.views import origin_html, thread_html, work_html

COMPONENT = "crm.chosen"
CHOSEN, VERSIONS = "message_chosen", "message_versions"
OUTLINE = "box-shadow: inset 0 0 0 2px var(--accent)"

_mount: Callable[..., Any] | None = None


def register() -> None:
    """Make the component known; once, behind `bell.register`, which makes the assets known."""
    global _mount
    _mount = st.components.v2.component(COMPONENT, js="chosen.js")


@guard.live()
def chosen_message(customer_id: str, shown: dict[str, Any]) -> None:
    """The panel of the chosen message; nothing while none is. `shown` keeps what it read."""
    assert _mount is not None, "the app's lifespan has not begun"
    picked = _mount(key="chosen", data={}, height=0, on_chosen_change=_told).chosen
    if picked:
        st.session_state[CHOSEN] = (customer_id, str(picked)[: address.LONGEST])
        st.session_state.pop(VERSIONS, None)
    whose, message_id = st.session_state.get(CHOSEN, ("", ""))
    if whose != customer_id:
        return
    mark = changes.mark()
    found = examine.message(guard.viewer(), message_id, shown=shown.get(message_id))
    if found is None:
        st.session_state.pop(CHOSEN)
        return
    if message_id not in shown:
        shown.clear()
    shown[message_id] = found
    # A reply, a receipt, an edit or a tag runs this again.
    bell.hang("chosen_message", topics.timeline(customer_id), guard.viewer(), mark, is_beside=True)
    anchor = thread_html.anchor(message_id)
    markup.show(
        f'<i class="chosen" data-for="{anchor}"></i><style>#{anchor} {{ {OUTLINE} }}</style>'
    )
    with st.container(key="chosen_message", gap="small"):
        _draw(found, message_id, shown)


def _draw(found: Examined, message_id: str, shown: dict[str, Any]) -> None:
    viewer, sight = guard.viewer(), layout.sight(found.playable_connections)
    outcome.draw("message")
    markup.show(origin_html.head(found.message, sight))
    if viewer.may(Permission.ORGANISE):
        known = found.known_tags
        panel.tags_of("Tags of this message", message_id, found.tags, known, part="message")
    elif found.tags:
        markup.show(f'<p class="marks">{work_html.tags(found.tags)}</p>')
    if found.message["revision"] and viewer.may(Permission.READ_REVISIONS):
        if st.session_state.get(VERSIONS) == message_id:
            earlier = examine.message_revisions(viewer, message_id, shown=shown.get("earlier"))
            shown["earlier"] = earlier
            markup.show(
                origin_html.versions(found.message, earlier.versions, earlier.attachments, sight)
            )
        else:
            st.button(
                "Show what it said before", icon=":material/history:", key="chosen_versions",
                on_click=_show_versions, args=(message_id,),
            )  # fmt: skip
    markup.show('<h3 class="part">Where it came from</h3>')
    markup.show("".join(origin_html.source(source, sight) for source in found.sources))
    with st.container(horizontal=True, vertical_alignment="center", key="chosen_ways"):
        navigation.link(
            address.ABOUT_MESSAGE, label="Everything about it", icon=":material/open_in_full:",
            query_params=address.of_message(message_id),
        )  # fmt: skip
        st.button(
            "Close", icon=":material/close:", key="chosen_close", type="tertiary", on_click=_close
        )


def _told() -> None:
    """The value itself is read in the run that follows."""


def _show_versions(message_id: str) -> None:
    st.session_state[VERSIONS] = message_id


def _close() -> None:
    st.session_state.pop(CHOSEN, None)
