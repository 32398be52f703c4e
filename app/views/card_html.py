"""The identity card, suggestions, and what a merge would put together, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.views import clock, escape, identity_html, list_html
from app.views.components import note
from warehouse.decisions import Size

Row = dict[str, Any]


#: To somebody with limits, of whom there is more (app/access/limits.py).
PART = "There is more of them on channels that you do not see. None of it is shown here"
PART_OF_BOTH = "There is more of them on channels that you do not see: it goes with them and is not counted here"


def identities(
    rows: Sequence[Row], merged: Sequence[Row], zone: ZoneInfo, now: datetime, *, is_part: bool
) -> str:
    """Each identity with since when, by whom, why, and how many messages.

    Args:
        is_part: there are messages that whoever looks may not see.
    """
    lines = "".join(f"<li>{_identity(row, zone, now)}</li>" for row in rows)
    former = "".join(
        f"<li>was {escape.line(row['name'])} too, merged {clock.short(row['merged_at'], zone, now)}"
        f" by {escape.line(row['merged_by'])}</li>"
        for row in merged
    )
    none = f"<li class=none>{'none that you see' if is_part else 'no identity linked'}</li>"
    return (
        '<section class="identity-card" aria-label="Identities"><h3>Identities</h3>'
        f"<ul>{lines or none}{former}</ul>{note('visibility_off', PART) if is_part else ''}</section>"
    )


def archived(row: Row, zone: ZoneInfo, now: datetime) -> str:
    """That a customer is out of the lists, since when and by whom."""
    when = clock.short(row["archived_at"], zone, now)
    return note("archive", f"Archived {when} by {row['archived_by']}: in no list and no search")


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


def together(
    name: str, size: Size, other_name: str, other: Size, zone: ZoneInfo, now: datetime,
    *, known: Sequence[str] = (), other_known: Sequence[str] = (), is_part: bool = False,
) -> str:  # fmt: skip
    """What stands under each before, and under the one that stays after.

    Args:
        known, other_known: by which addresses each is known: two of one name are told apart by them.
        is_part: as for `identities`.
    """

    def told(each: Size) -> str:
        return (
            f"{list_html.count(each.messages, 'message')}, "
            f"{each.identities:,} {'identity' if each.identities == 1 else 'identities'}"
        )

    def apart(each: Size, addresses: Sequence[str]) -> str:
        last = f"last contact {clock.short(each.last_at, zone, now)}" if each.last_at else ""
        words = (f"<bdi>{escape.line(identity_html.words(one))}</bdi>" for one in addresses[:2])
        said = ", ".join(filter(None, [*words, last]))
        return f' <span class="none">{said}</span>' if said else ""

    sum_of = Size(
        identities=size.identities + other.identities, messages=size.messages + other.messages
    )
    rows = (
        (name, apart(size, known), "before", told(size)),
        (other_name, apart(other, other_known), "before", told(other)),
        (name, "", "after", told(sum_of)),
    )
    lines = "".join(
        f"<tr><th scope=row><bdi>{escape.line(who)}</bdi>{which}</th><td class=when>{when}</td><td>{what}</td></tr>"
        for who, which, when, what in rows
    )
    return (
        f'<table class="together"><caption>All messages of both are shown under one name. '
        f"It can be taken back exactly.</caption>{lines}</table>"
        f"{note('visibility_off', PART_OF_BOTH) if is_part else ''}"
    )


def grows(name: str, before: int, more: int) -> str:
    """How many messages stand under a customer before and after they are given some."""
    rows = (("before", before), ("after", before + more))
    lines = "".join(
        f"<tr><th scope=row><bdi>{escape.line(name)}</bdi></th><td class=when>{when}</td>"
        f"<td>{list_html.count(messages, 'message')}</td></tr>"
        for when, messages in rows
    )
    return f'<table class="together">{lines}</table>'


def suggestion(row: Row, zone: ZoneInfo, now: datetime) -> str:
    """One suggestion: whom, how sure, why, and what holds it back."""
    known = ", ".join(
        f"<bdi>{escape.line(identity_html.words(each))}</bdi>" for each in row["identities"][:2]
    )
    # Of two of one name without an address the id is all there is.
    known = known or f"no address, {escape.line(row['customer_id'][:8])}"
    last = f", last contact {clock.short(row['last_at'], zone, now)}" if row["last_at"] else ""
    held = (
        f'<div class="held">Held back: {escape.line(row["blocker"])}</div>'
        if row["blocker"]
        else ""
    )
    said = row["said"]
    return (
        f'<div class="suggestion"><span>Perhaps <b><bdi>{escape.line(row["name"])}</bdi></b>'
        f' <span class="none">({known}{last})</span></span>'
        f'<div class="why" dir="auto">{escape.line(said[:400])} · {row["score"]:.0%}</div>{held}</div>'
    )


def mark(row: Row, zone: ZoneInfo, now: datetime) -> str:
    """Who marked an identity as nobody's customer, and why."""
    return (
        f'<div class="why" dir="auto">{escape.line(row["marked_by"])}, '
        f"{clock.short(row['marked_at'], zone, now)}: {escape.line(row['reason'][:300])}</div>"
    )


def pairs(rows: Sequence[tuple[str, str, Sequence[str], str]]) -> str:
    """What would be decided at once: an identity, a name with the addresses that tell namesakes apart, and why."""
    lines = "".join(
        f"<tr><td>{identity_html.identity(identity)}</td><th scope=row><bdi>{escape.line(name)}</bdi>"
        f"{f' {identity_html.identities(known, 1)}' if known else ''}</th>"
        f'<td class="why" dir="auto">{escape.line(said[:300])}</td></tr>'
        for identity, name, known, said in rows
    )
    return f'<div class="pairs"><table class="together">{lines}</table></div>'
