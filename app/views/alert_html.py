"""Notices to admins, as HTML: whether they are switched on, and what became of the last ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.views import clock, escape
from app.views.components import icon

Row = dict[str, Any]
WAYS = {"webhook": ("webhook", "Webhook"), "mail": ("mail", "E-mail")}


def switched(ways: Sequence[str], recipients: int) -> str:
    """How admins are told, or how to switch it on."""
    if not ways:
        return (
            '<p class="tally">Nobody is told while nobody looks: <code>CRM_ALERT_WEBHOOK</code>, or '
            "<code>CRM_ALERT_MAIL_SERVER</code> and <code>CRM_ALERT_MAIL_FROM</code>, in <code>.env</code> "
            "switch it on.</p>"
        )
    said = {
        "webhook": "by webhook",
        "mail": f"by e-mail to {recipients} {'admin' if recipients == 1 else 'admins'}",
    }
    told = " and ".join(said[each] for each in ways)
    return f'<p class="tally">Admins are told {told} when something turns red, and when all is well again.</p>'


def alerts(rows: Sequence[Row], zone: ZoneInfo, now: datetime) -> str:
    """The last notices and what became of each."""
    lines = []
    for row in rows:
        glyph, way = WAYS.get(row["way"], ("campaign", row["way"]))
        if row["sent_at"]:
            state, kind, error = "sent", "", ""
        else:
            waits = row["next_try_at"]
            state = f"again {clock.short(waits, zone, now)}" if waits else "given up"
            kind = "bad"
            error = f'<p class="error"><bdi>{escape.line(row["error"] or "waits")}</bdi></p>'
        lines.append(
            f'<div class="line job {kind}"><b>{icon(glyph, way)} {escape.line(row["subject"])}</b>'
            f'<span class="preview">{clock.short(row["made_at"], zone, now)}</span>'
            f'<span class="when" title="{clock.full(row["made_at"], zone)}">{escape.line(state)}</span>{error}</div>'
        )
    return "".join(lines)
