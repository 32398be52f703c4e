"""What was not understood, as HTML: by kind, and event by event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.views import clock, escape
from app.views.components import channel_icon
from app.views.sight import Sight
from warehouse.channels import registry

Row = dict[str, Any]
#: A sentence that quotes what came may be long; the list shows as much of it.
LONGEST_REASON = 400
MOST_CONNECTIONS = 4


def tally(matched: int, *, is_cut: bool, is_chosen: bool = False) -> str:
    """How many wait, and the command that reads them again."""
    more = "More than " if is_cut else ""
    if is_chosen:
        return f'<p class="tally">{more}{matched:,} of this kind, newest first.</p>'
    return (
        f'<p class="tally">{more}{matched:,} in quarantine, newest first. After an update, '
        "<code>./crm replay --quarantined</code> reads all of them again.</p>"
    )


def kind(row: Row, sight: Sight, *, is_chosen: bool) -> str:
    """One kind: why it is not understood, how much of it there is, and since when."""
    channel = registry().get(row["channel"])
    events = row["events"]
    facts = [
        f"<b>{events:,} {'event' if events == 1 else 'events'}</b>",
        f"over {_connections(row['connections'])}" if row["connections"] else "",
        f"first {_when(row['first_at'], sight)}, last {_when(row['last_at'], sight)}"
        if events
        else "",
    ]
    if row["decision_id"]:
        facts.append(
            f"ignored since {_when(row['ignored_at'], sight)} by <bdi>{escape.line(row['ignored_by'])}</bdi>"
        )
    return (
        f'<div class="reason{" chosen" if is_chosen else ""}">{channel_icon(row["channel"])}'
        f'<div><p class="why">{escape.line(channel.name if channel else row["channel"])}: '
        f"<bdi>{escape.line(row['reason'][:LONGEST_REASON])}</bdi></p>"
        f'<p class="facts">{" · ".join(each for each in facts if each)}</p></div></div>'
    )


def _connections(names: Sequence[str]) -> str:
    shown = ", ".join(f"<bdi>{escape.line(each)}</bdi>" for each in names[:MOST_CONNECTIONS])
    more = len(names) - MOST_CONNECTIONS
    return f"{shown} and {more} more" if more > 0 else shown


def event(row: Row, sight: Sight) -> str:
    """One line of the quarantine: channel, connection, why, when."""
    received_at = row["received_at"]
    when = (
        f'<time datetime="{received_at.isoformat()}" title="{clock.full(received_at, sight.zone)}">'
        f"{clock.short(received_at, sight.zone, sight.now)}</time>"
        if received_at
        else "unknown"
    )
    return (
        f'<div class="line quarantined"><span class="channels">{channel_icon(row["channel"])}</span>'
        f'<bdi class="name">{escape.line(row["connection_name"] or row["connection_id"])}</bdi>'
        f'<span class="preview" dir="auto">{escape.line(row["reason"] or "no reason given")}</span>'
        f'<bdi class="ref">{escape.line(row["raw_ref"])}</bdi><span class="when">{when}</span></div>'
    )


def _when(moment: datetime | None, sight: Sight) -> str:
    if moment is None:
        return "at an unknown time"
    return (
        f'<time datetime="{moment.isoformat()}" title="{clock.full(moment, sight.zone)}">'
        f"{clock.short(moment, sight.zone, sight.now)}</time>"
    )
