"""Where a message came from and what it said before, as HTML: its versions, its sources, their exact bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.views import attachment_html, body_html, clock, escape, shapes
from app.views.attachment_html import size
from app.views.components import channel_icon, icon
from app.views.sight import Sight
from media.provenance import RawRow

Row = dict[str, Any]

#: So much of a raw body is shown; the rest is counted.
SHOWN_BYTES = 20_000
#: Headers beyond these are counted: a sender chooses how many come.
MOST_HEADERS = 60
VERSIONS = {
    "original": ("draft", "As it was received first"),
    "edited": ("edit", "Edited"),
    "unsent": ("undo", "Unsent"),
    "removed at the provider": ("delete", "Removed at the provider"),
}
DOORS = {"webhook": ("bolt", "Webhook"), "history": ("history", "History")}


def head(row: Row, sight: Sight) -> str:
    """Which message a panel is about."""
    way = "Sent by us" if row["direction"] == "outbound" else "Received"
    status = "deleted" if row["is_deleted"] else row["status"]
    said = f", {escape.line(status)}" if status and status != "received" else ""
    return (
        f'<div class="panel-head">{channel_icon(row["channel"])}<h2>This message</h2></div>'
        f'<p class="by">{way} {_when(row["sent_at"], sight)}{said}</p>'
    )


def versions(message: Row, rows: Sequence[Row], attachments: Sequence[Row], sight: Sight) -> str:
    """Every text that a message had, the first one first; what came with it where it is hidden elsewhere."""
    came_with = ""
    if message["removal"] == "unsent":
        came_with = attachment_html.attachments({**message, "attachments": attachments}, sight)
    listed = "".join(_version(row, sight) for row in rows)
    return f'<ol class="versions">{listed}</ol>{came_with}'


def _version(row: Row, sight: Sight) -> str:
    glyph, said = VERSIONS.get(row["kind"], ("edit_note", str(row["kind"])))
    text = str(row["body"] or "")
    shown = body_html.folded(text) if text.strip() else ""
    if not shown and row["kind"] in ("original", "edited"):
        shown = '<p class="note">No text</p>'
    return f'<li><p class="label">{icon(glyph)} {escape.line(said)} {_when(row["revised_at"], sight)}</p>{shown}</li>'


def source(row: Row, sight: Sight, *, opens: bool = False) -> str:
    """One raw row behind a message: door, receipt, proof.

    Args:
        opens: whether the line leads to the exact bytes, so that it says so.
    """
    glyph, door = DOORS.get(row["via"], ("help", str(row["via"])))
    more = f'<span class="opens">{icon("data_object")} Exact bytes</span>' if opens else ""
    return (
        f'<div class="line source">{icon(glyph)}<span class="name">{escape.line(door)}</span>'
        f'<span class="proof">{_proof(row)}</span><bdi class="ref">{escape.line(row["raw_ref"])}</bdi>'
        f'<span class="when">{_when(row["received_at"], sight)}</span>{more}</div>'
    )


def _proof(row: Row) -> str:
    """What is known about who sent it: `signature` is what the warehouse says of the row."""
    said = shapes.words(row.get("signature")) or "unknown"
    return (
        f"Signature {escape.line(said)}"
        if row["via"] == "webhook"
        else escape.line(said).capitalize()
    )


def raw(row: RawRow, sight: Sight) -> str:
    """The exact bytes of a raw row as text, with what came around them."""
    body = row.body
    shown = body[:SHOWN_BYTES].decode("utf-8", "backslashreplace")
    left_out = len(body) - SHOWN_BYTES
    more = (
        f'<p class="note">{left_out:,} more bytes are kept and not shown here.</p>'
        if left_out > 0
        else ""
    )
    facts = [
        ("Reference", escape.line(row.raw_ref)),
        ("Received", _when(row.received_at, sight)),
        ("Connection", escape.line(row.connection_id)),
        ("Proof", escape.line(row.signature or "unknown")),
        ("Type", escape.line(row.content_type or "unknown")),
        ("Size", size(len(body))),
    ]
    return (
        f'<div class="raw"><dl>{"".join(f"<dt>{name}</dt><dd><bdi>{said}</bdi></dd>" for name, said in facts)}</dl>'
        f"{_headers(shapes.mapping(row.headers))}"
        f'<pre dir="ltr">{escape.body(shown) or "Empty"}</pre>{more}</div>'
    )


def no_such_row() -> str:
    """A reference that leads nowhere: mistyped, or destroyed since."""
    return f'<p class="note">{icon("search_off")} <span>There is no such raw row, or no longer.</span></p>'


def _headers(headers: Row) -> str:
    if not headers:
        return ""
    rows = "".join(
        f"<dt>{escape.line(name)}</dt><dd><bdi>{escape.line(_value(value))}</bdi></dd>"
        for name, value in list(headers.items())[:MOST_HEADERS]
    )
    more = len(headers) - MOST_HEADERS
    return (
        f"<details><summary>{len(headers)} headers</summary><dl>{rows}</dl>"
        f"{f'<p class=note>and {more} more</p>' if more > 0 else ''}</details>"
    )


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _when(moment: Any, sight: Sight) -> str:
    if moment is None:
        return "at an unknown time"
    return f'<time datetime="{moment.isoformat()}">{clock.full(moment, sight.zone)}</time>'
