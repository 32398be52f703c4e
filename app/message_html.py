"""Rows of `marts.timeline` as HTML: pure functions, one string per page of the list.

A page is one element of the browser, not one per message, so that a customer with ten thousand
messages stays light. All that others wrote goes through `app.inert`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from app import clock, inert
from warehouse.channels import registry

Row = dict[str, Any]

#: A body is folded when it is longer than this, and folded here.
FOLD_CHARACTERS = 1_400
FOLD_LINES = 18
#: No browser page carries more of one body; what is left out is said.
MOST_CHARACTERS = 200_000
#: Words, icon and class of each status. A received message says nothing: that it is here says it.
STATUS = {
    "queued": ("Queued", "schedule", ""),
    "sent": ("Sent", "check", ""),
    "delivered": ("Delivered", "done_all", ""),
    "read": ("Read", "done_all", "good"),
    "failed": ("Failed", "error", "bad"),
    "completed": ("Completed", "check", ""),
    "missed": ("Missed", "phone_missed", "bad"),
    "deleted": ("Deleted", "delete", "muted"),
}
SEEN_VIA = {"webhook": ("bolt", "as it happened (webhook)"), "history": ("history", "from history")}
ATTACHMENT_ICONS = {
    "image": "image", "audio": "mic", "video": "movie", "text": "description", "application": "draft",
}  # fmt: skip
KINDS = {
    "voicemail": "Voicemail", "media": "Media", "location": "Location", "contacts": "Contacts",
    "interactive": "Answer to a menu", "story": "Story", "system": "System notice",
    "unsupported": "Of a kind this channel does not show",
}  # fmt: skip


def page(
    rows: Sequence[Row], zone: ZoneInfo, now: datetime, *, older_day: date | None = None
) -> str:
    """A page of messages, oldest first, with a divider before each day.

    Args:
        older_day: the day of the message before the first one, when it is on the page above.
    """
    today = clock.day_of(now, zone)
    days: list[str] = []
    for day, of_day in groupby(rows, key=lambda row: clock.day_of(row["sent_at"], zone)):
        name = clock.day_name(day, today)
        divider = f'<h3 class="day"><time datetime="{day}">{name}</time></h3>'
        messages = "".join(message(row, zone) for row in of_day)
        days.append(f"<section>{'' if day == older_day else divider}{messages}</section>")
    return f'<div class="messages">{"".join(days)}</div>'


def jump(arrived: int) -> str:
    """The way back to the newest message; the style shows it when the list is scrolled away."""
    words = f"{arrived} new" if arrived else "Newest"
    return f'<a class="jump" href="#newest">{icon("arrow_downward")} {words}</a><i id="newest"></i>'


def icon(name: str, title: str = "") -> str:
    """A glyph of the icon font that Streamlit brings along."""
    said = f' role="img" aria-label="{inert.line(title)}" title="{inert.line(title)}"'
    return f'<span class="icon"{said if title else " aria-hidden=true"}>{inert.line(name)}</span>'


def message(row: Row, zone: ZoneInfo) -> str:
    """One message: head line, subject, body, folded quote, attachments."""
    ours = row["direction"] == "outbound"
    deleted = bool(row["is_deleted"])
    classes = " ".join(
        name for name, holds in (("message", True), ("ours", ours), ("deleted", deleted)) if holds
    )
    subject = inert.line(row["subject"])
    return "".join(
        [
            f'<article class="{classes}" data-message="{inert.line(row["message_id"])}">',
            _head(row, zone, ours=ours),
            f'<h4 class="subject" dir="auto">{subject}</h4>' if subject else "",
            _body(row),
            _quote(row["quoted_body"]),
            _attachments(row["attachments"] or []),
            _reactions(row["reactions"]),
            "</article>",
        ]
    )


def _head(row: Row, zone: ZoneInfo, *, ours: bool) -> str:
    channel = registry().get(row["channel"])
    name = channel.name if channel else row["channel"]
    who = row["from_name"] or row["from_address"] or "unknown sender"
    to = [address for address in row["to_addresses"] or [] if address]
    # On SMS the other end says nothing new; on mail it may be a list.
    receivers = ", ".join(to[:3]) + (f" and {len(to) - 3} more" if len(to) > 3 else "")
    sent_at = row["sent_at"]
    return "".join(
        [
            '<header class="head">',
            icon(channel.icon if channel else "chat", name),
            icon("north_east" if ours else "south_west", "Sent by us" if ours else "Received"),
            f'<bdi class="who" title="{inert.line(row["from_address"])}">{inert.line(who)}</bdi>',
            f'<bdi class="to" title="{inert.line(", ".join(to))}">to {inert.line(receivers)}</bdi>'
            if receivers
            else "",
            '<span class="facts">',
            '<span class="edited">edited</span>' if _is_edited(row) else "",
            _status(row),
            _seen_via(row["seen_via"] or []),
            f'<time datetime="{sent_at.isoformat()}" title="{clock.full(sent_at, zone)}">'
            f"{clock.clock(sent_at, zone)}</time>",
            "</span></header>",
        ]
    )


def _is_edited(row: Row) -> bool:
    return (row.get("revision") or 0) > 0 and not row["is_deleted"]


def _status(row: Row) -> str:
    status = "deleted" if row["is_deleted"] else row["status"]
    if status not in STATUS:
        return ""
    words, glyph, kind = STATUS[status]
    reason = _failure(row.get("provider_metadata") or {}) if status == "failed" else ""
    tail = f": {inert.line(reason)}" if reason else ""
    return f'<span class="status {kind}">{icon(glyph)} {words}{tail}</span>'


def _failure(metadata: dict[str, Any]) -> str:
    """The provider's own reason, where it gave one."""
    said = metadata.get("error_message")
    code = metadata.get("error_code")
    return " ".join(str(part) for part in (said, f"({code})" if code else None) if part)


def _seen_via(doors: Iterable[str]) -> str:
    known = [SEEN_VIA[door] for door in sorted(doors) if door in SEEN_VIA]
    return "".join(icon(glyph, f"Seen {words}") for glyph, words in known)


def _body(row: Row) -> str:
    text = str(row["body"] or "")
    if row["is_deleted"]:
        note = '<p class="note">This message was deleted where it came from.</p>'
        return note + (_folded(text) if text.strip() else "")
    if text.strip():
        return _folded(text)
    if row["kind"] in KINDS:
        return f'<p class="note">{KINDS[row["kind"]]}</p>'
    if not row["attachments"] and not row["subject"]:
        return '<p class="note">No text</p>'
    return ""


def _folded(text: str) -> str:
    """A body; a very long one shows its beginning and folds the rest."""
    kept = text[:MOST_CHARACTERS].strip("\n")
    cut = _fold_at(kept)
    block = f'<div class="body" dir="auto">{inert.body(kept[:cut])}</div>'
    if cut == len(kept):
        return block
    left_out = len(text) - len(kept) if len(text) > MOST_CHARACTERS else 0
    note = (
        f'<p class="note">{left_out:,} more characters are kept and not shown here.</p>'
        if left_out
        else ""
    )
    return (
        f'{block}<details class="rest"><summary>Show all ({len(text):,} characters)</summary>'
        f'<div class="body" dir="auto">{inert.body(kept[cut:].lstrip(chr(10)))}</div>{note}</details>'
    )


def _fold_at(text: str) -> int:
    """Where the fold comes: after a line or a word, and only when it hides more than a little."""
    ends = [match.end() for match in re.finditer("\n", text[: FOLD_CHARACTERS * 2])]
    limit = ends[FOLD_LINES - 1] if len(ends) >= FOLD_LINES else len(text)
    limit = min(limit, FOLD_CHARACTERS)
    if len(text) <= limit * 1.3 and len(ends) < FOLD_LINES * 1.3:
        return len(text)
    for end in ("\n", " "):
        found = text.rfind(end, limit // 2, limit)
        if found >= 0:
            return found + 1
    return limit


def _quote(quoted: str | None) -> str:
    if not quoted or not quoted.strip():
        return ""
    kept = quoted[:MOST_CHARACTERS].strip("\n")
    return (
        '<details class="quote"><summary title="Show the quoted text">Quoted text</summary>'
        f'<blockquote class="body" dir="auto">{inert.body(kept)}</blockquote></details>'
    )


def _attachments(attachments: Sequence[dict[str, Any]]) -> str:
    if not attachments:
        return ""
    return f'<ul class="attachments">{"".join(map(_attachment, attachments))}</ul>'


def _attachment(attachment: dict[str, Any]) -> str:
    kind = str(attachment.get("content_type") or "unknown type")
    glyph = ATTACHMENT_ICONS.get(kind.partition("/")[0], "draft")
    facts = [inert.line(kind)]
    # A sender's own claim in some channels, so it may be anything.
    claimed = str(attachment.get("size_bytes"))
    if re.fullmatch("[0-9]{1,15}", claimed):
        facts.append(size(int(claimed)))
    if attachment.get("state"):
        facts.append(inert.line(str(attachment["state"]).replace("_", " ")))
    name = inert.line(attachment.get("filename") or "unnamed")
    return (
        f'<li>{icon(glyph)}<bdi class="file">{name}</bdi>'
        f'<span class="facts">{" · ".join(facts)}</span></li>'
    )


def size(count: int) -> str:
    """`812 B`, `14 kB`, `3.2 MB`"""
    if count < 1_000:
        return f"{count} B"
    if count < 1_000_000:
        return f"{count / 1_000:.0f} kB"
    return f"{count / 1_000_000:.1f} MB"


def _reactions(reactions: object) -> str:
    """Reactions as the models fold them: an array of objects with an emoji."""
    if not isinstance(reactions, list):
        return ""
    marks = [r.get("emoji") for r in reactions if isinstance(r, dict) and r.get("emoji")]
    if not marks:
        return ""
    return f'<p class="reactions">{" ".join(inert.line(mark) for mark in marks)}</p>'
