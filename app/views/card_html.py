"""The identity card, suggestions, and what a merge would put together, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.views import clock, escape, identity_html, list_html
from warehouse.decisions import Size

Row = dict[str, Any]


def identities(rows: Sequence[Row], merged: Sequence[Row], zone: ZoneInfo, now: datetime) -> str:
    """Each identity with since when, by whom, why, and how many messages."""
    lines = "".join(f"<li>{_identity(row, zone, now)}</li>" for row in rows)
    former = "".join(
        f"<li>was {escape.line(row['name'])} too, merged {clock.short(row['merged_at'], zone, now)}"
        f" by {escape.line(row['merged_by'])}</li>"
        for row in merged
    )
    return (
        '<section class="identity-card" aria-label="Identities"><h3>Identities</h3>'
        f"<ul>{lines or '<li class=none>no identity linked</li>'}{former}</ul></section>"
    )


def _identity(row: Row, zone: ZoneInfo, now: datetime) -> str:
    count = list_html.count(row["message_count"], "message")
    if row["same_as"]:
        why = f"goes with {escape.line(identity_html.words(row['same_as']))}, as WhatsApp tells"
    else:
        day = clock.short(row["linked_at"], zone, now)
        why = f"since {day}, by {escape.line(row['linked_by'])}: {escape.line(row['reason'][:300])}"
    return (
        f"{identity_html.identity(row['identity'])} <span class=count>{count}</span>"
        f'<div class="why" dir="auto">{why}</div>'
    )


def together(name: str, size: Size, other_name: str, other: Size) -> str:
    """What stands under each before, and under the one that stays after."""

    def told(each: Size) -> str:
        return (
            f"{list_html.count(each.messages, 'message')}, "
            f"{each.identities:,} {'identity' if each.identities == 1 else 'identities'}"
        )

    sum_of = Size(
        identities=size.identities + other.identities, messages=size.messages + other.messages
    )
    rows = (
        (escape.line(name), "before", told(size)),
        (escape.line(other_name), "before", told(other)),
        (escape.line(name), "after", told(sum_of)),
    )
    lines = "".join(
        f"<tr><th scope=row><bdi>{who}</bdi></th><td>{when}</td><td>{what}</td></tr>"
        for who, when, what in rows
    )
    return (
        f'<table class="together"><caption>All messages of both are shown under one name. '
        f"It can be taken back exactly.</caption>{lines}</table>"
    )


def suggestion(row: Row, zone: ZoneInfo, now: datetime) -> str:
    """One suggestion: whom, how sure, why, and what holds it back."""
    known = ", ".join(
        f"<bdi>{escape.line(identity_html.words(each))}</bdi>" for each in row["identities"][:2]
    )
    last = f", last contact {clock.short(row['last_at'], zone, now)}" if row["last_at"] else ""
    held = (
        f'<div class="held">Held back: {escape.line(row["blocker"])}</div>'
        if row["blocker"]
        else ""
    )
    said = row["said"]
    return (
        f'<div class="suggestion"><span>Perhaps <b><bdi>{escape.line(row["name"])}</bdi></b>'
        f' <span class="none">({known or "no address"}{last})</span></span>'
        f'<div class="why" dir="auto">{escape.line(said[:400])} · {row["score"]:.0%}</div>{held}</div>'
    )


def mark(row: Row, zone: ZoneInfo, now: datetime) -> str:
    """Who marked an identity as nobody's customer, and why."""
    return (
        f'<div class="why" dir="auto">{escape.line(row["marked_by"])}, '
        f"{clock.short(row['marked_at'], zone, now)}: {escape.line(row['reason'][:300])}</div>"
    )


def pairs(rows: Sequence[tuple[str, str, str]]) -> str:
    """What would be decided at once: an identity, a name, and why."""
    lines = "".join(
        f"<tr><td>{identity_html.identity(identity)}</td><th scope=row><bdi>{escape.line(name)}</bdi></th>"
        f'<td class="why" dir="auto">{escape.line(said[:300])}</td></tr>'
        for identity, name, said in rows
    )
    return f'<div class="pairs"><table class="together">{lines}</table></div>'
