"""Rows of a timeline as HTML: pure functions, one string per page of the list.

A page is one element of the browser, not one per message, so that a customer with ten thousand
messages stays light. All that others wrote goes through `app.views.escape`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from app.views import (
    attachment_html,
    body_html,
    call_html,
    clock,
    correction_html,
    escape,
    kind_html,
    people_html,
    shapes,
    thread_html,
)
from app.views.components import channel_icon, icon
from app.views.drawn_cache import DrawnCache
from app.views.sight import Sight

Row = dict[str, Any]

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
LONGEST_NOTICE = 400
#: The address of a message is known to the browser (assets/keys.js).
LINK_TO = (
    '<button type="button" class="link-to" title="Copy link to this message">'
    f"{icon('link', 'Copy link to this message')}</button>"
)
#: Messages of one sender on one channel within this time are drawn as a group.
RUN = timedelta(minutes=5)
SAME_SENDER = ("channel", "direction", "from_address", "from_name", "to_addresses", "connection_id")
#: Kinds that always stand by themselves.
APART = frozenset({"system", "email", *call_html.KINDS})


def page(rows: Sequence[Row], sight: Sight, *, older_day: date | None = None) -> str:
    """A page of messages, oldest first, with a divider before each day.

    Args:
        older_day: the day of the message before the first one, when it is on the page above.
    """
    today = clock.day_of(sight.now, sight.zone)
    days: list[str] = []
    for day, grouped in groupby(rows, key=lambda row: clock.day_of(row["sent_at"], sight.zone)):
        name, of_day = clock.day_name(day, today), list(grouped)
        divider = f'<h3 class="day"><time datetime="{day}">{name}</time></h3>'
        messages = "".join(
            message(row, sight, follows=_follows(before, row))
            for before, row in zip([None, *of_day], of_day, strict=False)
        )
        days.append(f"<section>{'' if day == older_day else divider}{messages}</section>")
    return f'<div class="messages">{"".join(days)}</div>'


def _follows(before: Row | None, row: Row) -> bool:
    """Whether it goes on where the same sender stopped a moment ago: then its head need not say all of it again."""
    return (
        before is not None
        and row["kind"] not in APART
        and before["kind"] not in APART
        and all(before[name] == row[name] for name in SAME_SENDER)
        and row["sent_at"] - before["sent_at"] < RUN
    )


def jump(arrived: int) -> str:
    """The way back to the newest message; the style shows it when the list is scrolled away."""
    words = f"{arrived} new" if arrived else "Newest"
    return f'<a class="jump" href="#newest">{icon("arrow_downward")} {words}</a><i id="newest"></i>'


_cache = DrawnCache()


def message(row: Row, sight: Sight, *, follows: bool = False) -> str:
    """One message: head line, what it answers, its content, reactions. Drawn once for the same sight of it.

    Args:
        follows: it goes on where the one before stopped.
    """
    answered_id = row.get("in_reply_to")
    key = (
        row["message_id"],
        sight.may_read_revisions,
        row["connection_id"] in sight.playable_connections,
        sight.zone.key,
        sight.names.get(str(row.get("counterpart_identity"))),
        follows,
    )
    answered = sight.on_screen.get(answered_id) if answered_id else None
    return _cache.drawn(key, row, answered, lambda: _message(row, sight, follows=follows))


def _message(row: Row, sight: Sight, *, follows: bool) -> str:
    if row["kind"] == "system":
        return _notice(row, sight)
    classes = ["message"]
    classes += ["ours"] if row["direction"] == "outbound" else []
    classes += ["follows"] if follows else []
    classes += ["deleted"] if row["is_deleted"] else []
    return "".join(
        [
            _begin(row, " ".join(classes)),
            _head(row, sight),
            thread_html.reply(row, sight),
            _content(row, sight),
            thread_html.reactions(row, sight),
            "</article>",
        ]
    )


def _begin(row: Row, classes: str) -> str:
    return (
        f'<article class="{classes}" tabindex="-1" id="{thread_html.anchor(row["message_id"])}"'
        f' data-message="{escape.line(row["message_id"])}">'
    )


def _notice(row: Row, sight: Sight) -> str:
    """What the service itself says: one slim line, a warning where it may be another person now."""
    # WhatsApp: perhaps another person or another device from here on.
    warns = "identity_changed" in str(shapes.metadata(row).get("system"))
    return (
        f"{_begin(row, 'message system warns' if warns else 'message system')}<p>"
        f"{channel_icon(row['channel'])}"
        f"{icon('warning' if warns else 'info')}"
        f'<span dir="auto">{escape.line(str(row["body"] or "System notice")[:LONGEST_NOTICE])}</span>'
        f"{_time(row, sight)}</p></article>"
    )


def _head(row: Row, sight: Sight) -> str:
    ours = row["direction"] == "outbound"
    return "".join(
        [
            '<header class="head">',
            channel_icon(row["channel"]),
            icon("north_east" if ours else "south_west", "Sent by us" if ours else "Received"),
            people_html.people(row, sight.names),
            kind_html.chips(row),
            '<span class="facts">',
            _edited(row, sight),
            _status(row),
            _seen_via(row["seen_via"] or []),
            _thread(row),
            LINK_TO,
            _time(row, sight),
            "</span></header>",
        ]
    )


def _thread(row: Row) -> str:
    """The way to the conversation of a mail alone; on other channels it is all that stands there."""
    if row["kind"] != "email" or not row.get("thread_key"):
        return ""
    conversation = escape.line(f"{row['channel']}|{row['thread_key']}")
    return (
        f'<button type="button" class="link-to only-thread" data-conversation="{conversation}"'
        f' title="Show this conversation alone">{icon("forum", "Show this conversation alone")}</button>'
    )


def _time(row: Row, sight: Sight) -> str:
    """When, and the way to everything that is known about this message."""
    sent_at = row["sent_at"]
    full = clock.full(sent_at, sight.zone)
    return (
        f'<a class="about" href="{thread_html.page_of(row["message_id"])}" target="_blank"'
        f' title="{full}. About this message">'
        f'<time datetime="{sent_at.isoformat()}">{clock.clock(sent_at, sight.zone)}</time></a>'
    )


def _edited(row: Row, sight: Sight) -> str:
    """That the text is not the first one; a link to the earlier ones for those who may read them."""
    removed = 1 if row.get("removal") or row["is_deleted"] else 0
    if (row.get("revision") or 0) <= removed:
        return ""
    # Some edits say that there is a new text and not which.
    words = "edited, new text not told" if shapes.metadata(row).get("edit_untold") else "edited"
    if not sight.may_read_revisions:
        return f'<span class="edited">{words}</span>'
    return (
        f'<a class="edited" href="{thread_html.page_of(row["message_id"], versions=True)}" target="_blank"'
        f' title="Earlier versions">{words}</a>'
    )


def _status(row: Row) -> str:
    status = "deleted" if row["is_deleted"] else row["status"]
    # Of a call its own line says it better.
    if status not in STATUS or (row["kind"] in call_html.KINDS and status != "deleted"):
        return ""
    words, glyph, kind = STATUS[status]
    reason = _failure(shapes.metadata(row)) if status == "failed" else ""
    tail = f": {escape.line(reason)}" if reason else ""
    return f'<span class="status {kind}">{icon(glyph)} {words}{tail}</span>'


def _failure(told: dict[str, Any]) -> str:
    """The provider's own reason, where it gave one."""
    said = told.get("error_message")
    code = told.get("error_code")
    return " ".join(str(part) for part in (said, f"({code})" if code else None) if part)


def _seen_via(doors: Iterable[str]) -> str:
    known = [SEEN_VIA[door] for door in sorted(doors) if door in SEEN_VIA]
    return "".join(icon(glyph, f"Seen {words}") for glyph, words in known)


def _content(row: Row, sight: Sight) -> str:
    if row.get("removal") == "unsent":
        return _unsent(row, sight)
    subject = escape.line(correction_html.shown(row, "subject"))
    return "".join(
        [
            _removed(row),
            f'<h4 class="subject" dir="auto">{subject}</h4>' if subject else "",
            kind_html.before_body(row),
            call_html.call(row) if row["kind"] in call_html.KINDS else _body(row),
            correction_html.beside(row, sight.zone),
            body_html.quote(row["quoted_body"]),
            attachment_html.attachments(row, sight),
        ]
    )


def _unsent(row: Row, sight: Sight) -> str:
    """Whoever wrote it took it back: what it said is for those who may read revisions, and on record."""
    link = (
        f' <a href="{thread_html.page_of(row["message_id"], versions=True)}" target="_blank">What it said</a>'
        if sight.may_read_revisions
        else ""
    )
    return f'<p class="note">{icon("undo")} <span>This message was unsent.{link}</span></p>'


def _removed(row: Row) -> str:
    if not row["is_deleted"]:
        return ""
    return (
        f'<p class="note">{icon("delete")} <span>This message was deleted where it came from. '
        "The record keeps it.</span></p>"
    )


def _body(row: Row) -> str:
    text = correction_html.shown(row, "body")
    designed = _designed(row)
    if not text.strip():
        return designed + kind_html.instead_of_body(row)
    pictures = attachment_html.placed(row)
    if shapes.metadata(row).get("is_bulk") is True:
        return designed + body_html.behind(text, "Sent to a list:", pictures)
    return designed + body_html.folded(text, pictures)


def _designed(row: Row) -> str:
    """The way to a mail as its sender designed it: what is stored of it may hold more than its words."""
    if row["kind"] != "email" or not shapes.metadata(row).get("raw_sha256"):
        return ""
    query = urlencode({"message": row["message_id"]}, errors="replace")
    return (
        f'<p class="designs"><a class="as-sent" href="/mail?{escape.line(query)}" target="_blank">'
        f"{icon('web')} <span>Show as designed</span></a></p>"
    )
