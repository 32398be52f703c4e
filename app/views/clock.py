"""Times as people read them, in `CRM_TIMEZONE`. Everything stored and passed about is aware UTC."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """The calendar day on which it happened here."""
    return moment.astimezone(zone).date()


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """`14:05`"""
    return moment.astimezone(zone).strftime("%H:%M")


def day_name(day: date, today: date) -> str:
    """`Today`, `Yesterday`, `Wednesday 4 March`, with the year where it is another one."""
    if day == today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    name = f"{day:%A} {day.day} {day:%B}"
    return name if day.year == today.year else f"{name} {day.year}"


def days(first: date | None, last: date | None) -> str:
    """`4 Mar 2026`, `4 Mar 2026 to 7 Mar 2026`, `from 4 Mar 2026`, `until 7 Mar 2026`; empty without either."""

    def one(day: date) -> str:
        return f"{day.day} {day:%b %Y}"

    if first and last:
        return one(first) if first == last else f"{one(first)} to {one(last)}"
    if first:
        return f"from {one(first)}"
    return f"until {one(last)}" if last else ""


def short(moment: datetime, zone: ZoneInfo, now: datetime) -> str:
    """For lists: `14:05` today, `Wed 14:05` within six days, then `4 Mar`, then `4 Mar 2024`."""
    there, here = moment.astimezone(zone), now.astimezone(zone)
    age_days = (here.date() - there.date()).days
    if age_days == 0:
        return f"{there:%H:%M}"
    if 0 < age_days < 7:
        return f"{there:%a %H:%M}"
    if there.year == here.year:
        return f"{there.day} {there:%b}"
    return f"{there.day} {there:%b %Y}"


def full(moment: datetime, zone: ZoneInfo) -> str:
    """`Wednesday 4 March 2026, 14:05:09 AEDT`"""
    there = moment.astimezone(zone)
    return f"{there:%A} {there.day} {there:%B %Y, %H:%M:%S %Z}"


def ago(seconds: float) -> str:
    """`40 seconds`, `3 minutes`, `2 hours`, `5 days`"""
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{int(seconds)} seconds"


def lasting(seconds: int) -> str:
    """`34 s`, `2 min 4 s`, `1 h 2 min`: how long a call took."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
