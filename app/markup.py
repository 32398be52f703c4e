"""What the app has drawn as HTML, on its way to the page."""

from __future__ import annotations

import streamlit as st


class _Markup(str):
    """Streamlit takes a plain string for the name of a file until it has looked, and its margin for an accident."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


def show(body: str) -> None:
    """Put a piece of HTML on the page where the run stands.

    `st.html` with a string asks the file system each time, and where fifty people are at work each such question gives
    the interpreter to somebody else.
    """
    st.html(_Markup(body))
