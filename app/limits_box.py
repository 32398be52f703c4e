"""What of the correspondence a user sees, as an admin sets it on the page Users."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app import act_users
from app.access.sessions import Viewer
from app.database import Row
from warehouse.channels import registry


def limits(
    row: Row, connections: list[Row], attempt: Callable[[Callable[[Viewer], object]], None]
) -> None:
    """What of the correspondence they see; everything where nothing is chosen."""
    name = row["user_name"]
    channels = st.multiselect(
        "Sees only these channels", list(registry()), row["only_channels"] or [],
        format_func=lambda channel: registry()[channel].name,
        placeholder="None as a whole" if row["only_connections"] else "Every channel",
        key=f"channels_{name}", select_all=False,
    )  # fmt: skip
    names = {
        each["connection_id"]: f"{registry()[each['channel']].name}: {each['name']}"
        for each in connections
    }
    own = [each for each in row["only_connections"] or [] if each in names]
    only = st.multiselect(
        "And these connections", list(names), own,
        format_func=lambda connection_id: names[connection_id],
        placeholder="No others", key=f"connections_{name}", select_all=False,
    )  # fmt: skip
    is_as_before = (sorted(channels), sorted(only)) == (row["only_channels"] or [], own)
    if st.button("Save what they see", key="save_limits", disabled=is_as_before):
        attempt(
            lambda person: act_users.set_limits(person, name, channels=channels, connections=only)
        )
