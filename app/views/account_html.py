"""One's own sessions as HTML. What a browser says of itself is anybody's text."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.views import clock, escape
from app.views.components import icon

Row = dict[str, Any]

#: What browsers and systems call themselves, the more particular first.
BROWSERS = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip


def session(row: Row, zone: ZoneInfo, now: datetime, *, is_this: bool) -> str:
    """Which browser, from where, since when, used last when."""
    mark = ' <span class="chip">this one</span>' if is_this else ""
    seen = "now" if is_this else clock.short(row["last_seen_at"], zone, now)
    return (
        f'<div class="line session">{icon("devices")}'
        f'<span class="who"><b>{_browser(row["user_agent"])}</b>{mark}</span>'
        f'<span class="preview"><bdi>{escape.line(row["ip"] or "unknown address")}</bdi>, since '
        f"{clock.short(row['started_at'], zone, now)}, last used {seen}</span></div>"
    )


def _browser(said: str | None) -> str:
    """A browser in words, as far as it says what it is."""
    text = said or ""
    browser = next((name for mark, name in BROWSERS if re.search(rf"\b{mark}\w*/", text)), "")
    system = next((name for mark, name in SYSTEMS if mark in text), "")
    return " on ".join(part for part in (browser, system) if part) or "A browser"
