"""The filter over messages as a person meets it: what to choose from, what is chosen as chips, what that leaves.

The address holds the filter and nothing else does: a widget that changes writes the address, and the page reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from app import address
from app.database import Row
from app.views import clock, list_html
from warehouse import filters
from warehouse.channels import registry
from warehouse.filters import EVERYTHING, Filter

PERIODS = {
    "today": "Today", "yesterday": "Yesterday", "7-days": "Last 7 days", "30-days": "Last 30 days",
    "this-month": "This month", "last-month": "Last month", "this-year": "This year",
}  # fmt: skip
DIRECTIONS = {"inbound": "Received", "outbound": "Sent by us"}
STATES = {"unassigned": "Unassigned", "assigned": "Assigned"}
#: The widgets' keys in the session: they stand for what the address says, and never otherwise.
KEY = "filter_"
PARTS = "parts_filtered"
#: So many are shown side by side.
FEW = 6
#: What a condition is called on a chip and over its widget.
NAMES = {
    "channels": "Channel", "directions": "Direction", "statuses": "Status", "kinds": "Kind",
    "connections": "Connection", "tags": "Tag", "assignees": "Assignee", "states": "Assignment",
}  # fmt: skip


def bar(wanted: Filter, choices: Row, parts: Sequence[str] = ()) -> None:
    """Draw it.

    Args:
        choices: a row of filter_choices.
        parts: the parts of the page that show what passes; they alone are drawn anew for another filter. Without them,
            and for another conversation, which stands elsewhere on the page too, all of it is.
    """
    st.session_state[PARTS] = tuple(parts)
    with st.container(key="filters", horizontal=True, gap="small"):
        with (
            st.popover("Filter", icon=":material/filter_list:"),
            st.container(key="filter_widgets"),
        ):
            _widgets(wanted, choices)
        for number, (name, value, words) in enumerate(_chips(wanted, choices)):
            st.button(
                list_html.plain(words) or "?",
                key=f"{KEY}chip_{number}",
                icon=":material/close:",
                icon_position="right",
                help="Remove this from the filter",
                on_click=_keep,
                args=(wanted.without(name, value),),
            )
        if wanted:
            st.button("Clear all", key=f"{KEY}clear", type="tertiary", on_click=_keep, args=(EVERYTHING,))  # fmt: skip


def _keep(wanted: Filter) -> None:
    same_conversations = address.wanted().conversations == wanted.conversations
    address.keep_wanted(wanted)
    if parts := st.session_state[PARTS]:
        st.rerun(parts if same_conversations else "app")


def _changed() -> None:
    """The filter as the widgets say it now."""
    names = (*NAMES, "period", "since", "until", "has_attachment")
    said: dict[str, Any] = {name: st.session_state.get(KEY + name) for name in names}
    period, since, until = said.pop("period") or "", said.pop("since"), said.pop("until")
    chosen: dict[str, Any] = {
        name: tuple(value or ()) for name, value in said.items() if name != "has_attachment"
    }
    made = Filter(**chosen, period=period, has_attachment=bool(said["has_attachment"]))
    # Whoever chooses days does not mean the period that stood there, and the other way round.
    if not period:
        made = replace(made, since=since, until=until)
    # What no widget says stays.
    made = replace(made, conversations=address.wanted().conversations)
    # Through the address, which knows what can be.
    _keep(Filter.read(made.address()))


def _days_changed() -> None:
    st.session_state[KEY + "period"] = None
    _changed()


def _widgets(wanted: Filter, choices: Row) -> None:
    held: dict[str, Any] = {
        **{name: list(getattr(wanted, name)) for name in NAMES},
        "period": wanted.period or None, "since": wanted.since, "until": wanted.until,
        "has_attachment": wanted.has_attachment,
    }  # fmt: skip
    for name, value in held.items():
        st.session_state[KEY + name] = value
    st.pills(
        "When",
        filters.PERIODS,
        format_func=PERIODS.__getitem__,
        key=f"{KEY}period",
        on_change=_changed,
    )
    first, last = st.columns(2)
    limits: dict[str, Any] = {
        "min_value": filters.EARLIEST,
        "max_value": filters.LATEST,
        "format": "DD/MM/YYYY",
    }
    first.date_input("From", None, key=f"{KEY}since", on_change=_days_changed, **limits)
    last.date_input("To, included", None, key=f"{KEY}until", on_change=_days_changed, **limits)
    for name, options in _options(wanted, choices).items():
        if options:
            # Few are seen at once, many are searched: Enter takes what is called so, and not all that are called alike.
            draw: Any = st.pills if len(options) <= FEW else st.multiselect
            more: dict[str, Any] = {"placeholder": "Any", "select_all": False}
            if len(options) <= FEW:
                more = {"selection_mode": "multi"}
            draw(
                NAMES[name],
                list(options),
                format_func=options.get,
                key=KEY + name,
                on_change=_changed,
                **more,
            )
    st.toggle("Has an attachment", key=f"{KEY}has_attachment", on_change=_changed)


def _options(wanted: Filter, choices: Row) -> dict[str, dict[str, str]]:
    """What can be chosen in each condition, with its words; what the address holds always can."""

    def own(values: Iterable[str]) -> dict[str, str]:
        return {each: list_html.plain(each) or each for each in values}

    options = {
        "channels": {slug: channel.name for slug, channel in registry().items()},
        "directions": DIRECTIONS,
        "kinds": {each: each.capitalize() for each in filters.KINDS},
        "statuses": {each: each.capitalize() for each in filters.STATUSES},
        "connections": {key: list_html.plain(name) for key, name in choices["connections"].items()},
        "tags": own(choices["tags"]),
        "assignees": own(choices["assignees"]),
        "states": STATES,
    }
    return {
        name: own(each for each in getattr(wanted, name) if each not in found) | found
        for name, found in options.items()
    }


def _chips(wanted: Filter, choices: Row) -> list[tuple[str, str, str]]:
    """Condition, value and words of each thing that is asked for."""
    chips: list[tuple[str, str, str]] = []
    if wanted.period:
        chips.append(("days", "", PERIODS[wanted.period]))
    elif wanted.since or wanted.until:
        chips.append(("days", "", clock.days(wanted.since, wanted.until)))
    for name, options in _options(wanted, choices).items():
        for value in getattr(wanted, name):
            chips.append((name, value, f"{NAMES[name]} {options[value]}"))
    chips += [("conversations", each, "One conversation") for each in wanted.conversations]
    if wanted.has_attachment:
        chips.append(("has_attachment", "", "Has an attachment"))
    return chips
