"""Who may sign in, as HTML."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.views import clock, escape
from app.views.list_html import count

Row = dict[str, Any]


def line(row: Row, zone: ZoneInfo, now: datetime, *, is_chosen: bool) -> str:
    """One user: who, as what, and when here last."""
    seen = row["last_seen_at"]
    when = (
        f'<time datetime="{seen.isoformat()}" title="{clock.full(seen, zone)}">{clock.short(seen, zone, now)}</time>'
        if seen
        else '<span class="none">never</span>'
    )
    state = "disabled" if row["disabled_at"] else count(row["open_sessions"] or 0, "session")
    return (
        f'<div class="line user{" chosen" if is_chosen else ""}{" off" if row["disabled_at"] else ""}">'
        f'<bdi class="name">{escape.line(row["display_name"])}</bdi>'
        f'<span class="preview"><bdi>{escape.line(row["user_name"])}</bdi> · '
        f"<bdi>{escape.line(row['email'])}</bdi></span>"
        f'<span class="role">{escape.line(str(row["role"]).replace("_", " "))}</span>'
        f'<span class="count">{state}</span><span class="when">{when}</span></div>'
    )
