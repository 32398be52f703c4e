"""Conversations in a list of work, and how one stands, as HTML: pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.views import clock, escape, kind_html, list_html
from app.views.components import icon
from app.views.decision_html import STATES
from app.views.identity_html import identity
from warehouse.channels import registry

Row = dict[str, Any]

PREVIEW_CHARACTERS = 180


def row(found: Row, zone: ZoneInfo, now: datetime, me: str, *, tells_apart: bool = False) -> str:
    """One conversation of a list.

    Args:
        tells_apart: of another customer of the same name: the address says which.
    """
    subject = escape.line(found["subject"])
    preview = escape.line((found["body"] or "")[:PREVIEW_CHARACTERS]) or (
        kind_html.in_words(found) if found["kind"] else ""
    )
    return (
        '<div class="line work">'
        f'<span class="channels">{list_html.channels([found["channel"]])}</span>'
        f'<span class="who">{_who(found, tells_apart=tells_apart)}</span>'
        f'<span class="preview" dir="auto">{f"<b>{subject}</b> " if subject else ""}{preview}</span>'
        f'<span class="marks">{tags(found["tags"])}{_assignee(found, me)}{state(found)}'
        f"{_due(found, zone, now)}</span>"
        f'<span class="when">{asks(found, zone, now)}</span></div>'
    )


def head(found: Row) -> str:
    """Whose conversation the panel is about."""
    who = _who(found, tells_apart=True)
    return f'<div class="panel-head">{list_html.channels([found["channel"]])}<h2>{who}</h2></div>'


def _who(found: Row, *, tells_apart: bool) -> str:
    name = found["name"] or found["display_name"]
    if name:
        apart = f" {identity(found['counterpart_identity'] or '')}" if tells_apart else ""
        return f'<bdi class="name">{escape.line(name)}</bdi>{apart}'
    return f'<span class="name">{identity(found["counterpart_identity"] or "")}</span>'


def asks(found: Row, zone: ZoneInfo, now: datetime) -> str:
    """Whose turn it is, and for how long."""
    last = found["last_at"]
    ago = clock.ago(max(0.0, (now - last).total_seconds()))
    theirs = found["last_direction"] == "inbound"
    words = f"{'Theirs' if theirs else 'Ours'}, {ago} ago"
    title = f"The last message is {'theirs' if theirs else 'ours'}: {clock.full(last, zone)}"
    return (
        f'<time class="{"theirs" if theirs else "ours"}" datetime="{last.isoformat()}" title="{title}">'
        f"{icon('call_received' if theirs else 'call_made')} {words}</time>"
    )


def state(found: Row) -> str:
    """How it stands; open says nothing, as most are."""
    if found["state"] == "open":
        return ""
    words, glyph = STATES[found["state"]]
    return f'<span class="state {found["state"]}">{icon(glyph)} {words}</span>'


def _assignee(found: Row, me: str) -> str:
    if not found["assignee"]:
        return ""
    who = "You" if found["assignee"] == me else escape.line(found["assignee"])
    return f'<span class="assignee">{icon("person")} <bdi>{who}</bdi></span>'


def _due(found: Row, zone: ZoneInfo, now: datetime) -> str:
    due = found["due_at"]
    if not due:
        return ""
    late = due < now
    day = clock.day_name(clock.day_of(due, zone), clock.day_of(now, zone))
    return (
        f'<span class="due{" late" if late else ""}" title="{clock.full(due, zone)}">{icon("event")} '
        f"{'Overdue, ' if late else 'Due '}{day}</span>"
    )


def tags(known: Sequence[Row]) -> str:
    """Tags as chips: the colour is a dot beside the name, which says it alone."""
    return "".join(
        f'<span class="tag"><i class="dot {escape.line(each["colour"])}"></i>'
        f"<bdi>{escape.line(each['name'])}</bdi></span>"
        for each in known
    )


def standing(found: Row, zone: ZoneInfo, now: datetime, me: str) -> str:
    """The head of the panel: whose turn it is, who has it, what they were told."""
    note = (
        f'<p class="handed" dir="auto">{icon("sticky_note_2")} <bdi>{escape.body(found["note"])}</bdi></p>'
        if found["note"]
        else ""
    )
    by = (
        f'<p class="by">{escape.line(found["assigned_by"])}, {clock.short(found["assigned_at"], zone, now)}</p>'
        if found["assigned_by"]
        else ""
    )
    return (
        f'<div class="standing">{asks(found, zone, now)}'
        f'<span class="marks">{tags(found["tags"])}{_assignee(found, me)}{state(found)}{_due(found, zone, now)}</span>'
        f"{note}{by}</div>"
    )


def note(found: Row, zone: ZoneInfo, now: datetime) -> str:
    """One note: who, when, and the text as it was written."""
    where = "this conversation" if found["object_type"] == "conversation" else "the customer"
    anew = ", written anew" if found["version"] > 1 else ""
    return (
        f'<div class="our-note"><p dir="auto">{escape.body(found["body"])}</p>'
        f'<p class="by"><bdi>{escape.line(found["written_by"])}</bdi> on {where}, '
        f"{clock.short(found['written_at'], zone, now)}{anew}</p></div>"
    )


def conversation_label(found: Row) -> str:
    """A conversation in a list to choose from."""
    known = registry().get(found["channel"])
    who = (found["counterpart_identity"] or "").partition(":")[2]
    return f"{known.name if known else found['channel']} · {list_html.plain(who)[:40]}"
