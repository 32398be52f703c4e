"""The bell of a part of a page: a component without looks whose script (assets/news.js) hears the stream.

When it rings, Streamlit runs the fragment in which it hangs, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest
from streamlit.runtime import Runtime

from app import pressed
from app.access.sessions import Viewer
from app.live import changes, topics

FOLDER = Path(__file__).parents[1]
COMPONENT = "crm.news"

_mount: Callable[..., Any] | None = None


def register() -> None:
    """Make our components known to Streamlit; once, when its runtime has started.

    By a manifest, as an installed package would: the script then comes from our own address. A script given as text
    is loaded from a `blob:`, which the page's policy refuses.
    """
    global _mount
    manifest = ComponentManifest(
        name="crm",
        version="1",
        components=[ComponentConfig(name=name, asset_dir="assets") for name in ("news", "chosen")],
    )
    Runtime.instance().bidi_component_registry.register_from_manifest(manifest, FOLDER)
    _mount = st.components.v2.component(COMPONENT, js="news.js")


def load() -> None:
    """Bring our scripts to the page, also where no bell hangs on it: they hear keys and name things everywhere."""
    assert _mount is not None, "the app's lifespan has not begun"
    _mount(key="news_scripts", data={}, height=0)


def hang(
    name: str,
    topic: str | None = None,
    viewer: Viewer | None = None,
    mark: str | None = None,
    *,
    is_beside: bool = False,
) -> None:
    """Hang a bell into the fragment that runs.

    Args:
        topic: what it rings for; without one it rings when the database may be back.
        mark: `changes.mark()` from before the fragment read, so that nothing falls between; now where it has not read.
        is_beside: where several have to run, those that one reads run before it.
    """
    assert _mount is not None, "the app's lifespan has not begun"
    known: dict[str, Any] = {"mark": mark or changes.mark(), "beside": is_beside}
    if topic is not None and viewer is not None:
        known["ticket"] = topics.ticket(viewer.session_id, viewer.role, topic)
    told = _mount(
        key=f"news_{name}", data={"name": name, **known}, height=0, on_rung_change=_rung,
        on_pressed_change=_told,
    ).pressed  # fmt: skip
    if told:
        pressed.keep(name, told)


def _told() -> None:
    """What was pressed is read in the run that follows."""


def _rung() -> None:
    st.session_state["rung"] = True


def was_rung() -> bool:
    """Whether this run is due to a bell and not to a person. Asked once a run."""
    return bool(st.session_state.pop("rung", False))
