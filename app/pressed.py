"""Buttons in what a part of a page draws as HTML: a press has the part run, and the part asks which it was.

A list whose lines bear several buttons each is so one element, and not some hundred (app/lines.py). The script is
assets/pressed.js; it says what was pressed by the bell of the part (app/live/bell.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import streamlit as st

#: What comes from a browser is no longer than what a button can say.
LONGEST = 4_000


@dataclass(frozen=True)
class Pressed:
    """A button: `data-act`, `data-of` and `data-customer` as they were drawn. Somebody may have made them up."""

    act: str
    of: str
    customer_id: str = ""


def within(part: str, drawn: str) -> str:
    """HTML whose buttons belong to a part: a fragment of this name, with a bell."""
    return f'<div data-part="{part}">{drawn}</div>'


def keep(part: str, told: object) -> None:
    """What the bell of a part was told in this run."""
    st.session_state["pressed"] = (part, told)


def pressed(part: str) -> Pressed | None:
    """The button that was pressed in what this part drew, for which it runs; None where none was. Asked once a run."""
    whose, told = st.session_state.pop("pressed", ("", None))
    return read(told) if whose == part else None


def read(told: object) -> Pressed | None:
    """What the script sends: a list of two or three texts."""
    try:
        said = json.loads(str(told)[:LONGEST])
    except ValueError:
        return None
    if (
        isinstance(said, list)
        and 2 <= len(said) <= 3
        and all(isinstance(each, str) for each in said)
    ):
        return Pressed(*said)
    return None
