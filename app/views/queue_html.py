"""Who is nobody yet, as HTML: each with what can be done at one press (app/pressed.py)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from app.database import Row
from app.views import card_html, escape, list_html

DECIDE, MAKE, MARK, ACCEPT, DISMISS, BACK = "decide", "make", "mark", "accept", "dismiss", "back"


def waiting(
    row: Row, suggested: Sequence[Row], zone: ZoneInfo, now: datetime, *, may_decide: bool
) -> str:
    """A line of the queue; for who may decide with what is suggested, and the shortest ways out of it."""
    line = list_html.waiting(row, zone, now)
    if not may_decide:
        return f'<div class="row">{line}</div>'
    identity = row["identity"]
    answers = "".join(_suggestion(identity, found, zone, now) for found in suggested)
    name = list_html.plain(row["display_name"] or "")
    make = _button(MAKE, f"Make {name} a customer", identity) if row["display_name"] else ""
    mark = _button(MARK, "Not a customer", identity)
    return f'{_decides(line, row)}<div class="ways">{answers}<p>{make}{mark}</p></div>'


def marked(row: Row, zone: ZoneInfo, now: datetime, *, may_decide: bool) -> str:
    """A line of those who were marked; for who may decide with who marked it and why, and the way back."""
    line = list_html.waiting(row, zone, now)
    if not may_decide:
        return f'<div class="row">{line}</div>'
    back = _button(BACK, "Bring back", row["identity"])
    said = card_html.mark(row, zone, now)
    return f'{_decides(line, row)}<div class="ways">{said}<p>{back}</p></div>'


def _decides(line: str, row: Row) -> str:
    """The whole line is a button."""
    label = list_html.link_label(row["display_name"] or row["identity"], "Decide on")
    button = _button(
        DECIDE, "", row["identity"], more=f' class="leads" aria-label="{escape.line(label)}"'
    )
    return f'<div class="row">{line}{button}</div>'


def _suggestion(identity: str, found: Row, zone: ZoneInfo, now: datetime) -> str:
    customer_id = found["customer_id"]
    link = _button(ACCEPT, f"Link to {list_html.plain(found['name'])}", identity, customer_id)
    dismiss = _button(DISMISS, "Not them", identity, customer_id)
    return f"{card_html.suggestion(found, zone, now)}<p>{link}{dismiss}</p>"


def _button(act: str, words: str, identity: str, customer_id: str = "", *, more: str = "") -> str:
    about = f' data-customer="{escape.exact(customer_id)}"' if customer_id else ""
    return (
        f'<button type="button" data-act="{act}" data-of="{escape.exact(identity)}"{about}{more}>'
        f"{escape.line(words)}</button>"
    )
