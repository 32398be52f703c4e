"""What became of the last act on a part of a page, said above it: a sentence that outlasts the drawing.

An act changes what the part shows, and so a bell has it drawn once more a moment later: said in one drawing alone, it
would be gone before anybody has read it.
"""

from __future__ import annotations

import time

import streamlit as st

from app import markup
from app.views import list_html

#: So long it stands there, unless the next act says something else.
SECONDS = 20.0


def say(part: str, words: str, *, is_done: bool = True) -> None:
    """Say it where `draw` is called for this part.

    Args:
        is_done: False where it was refused.
    """
    st.session_state[f"outcome_{part}"] = (words, is_done, time.monotonic())


def draw(part: str) -> None:
    """What was said last of this part, while it is new."""
    words, is_done, at = st.session_state.get(f"outcome_{part}", ("", True, 0.0))
    if not words or time.monotonic() - at > SECONDS:
        st.session_state.pop(f"outcome_{part}", None)
    elif is_done:
        markup.show(list_html.said(words))
    else:
        markup.show(list_html.banner(words))
