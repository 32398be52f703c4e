"""What an invitation says, of its first event (RFC 5545): enough for one line on a page."""

from __future__ import annotations

import re
from typing import Any

TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z)?)?")
WANTED = {"SUMMARY", "LOCATION", "UID", "DTSTART", "DTEND", "ORGANIZER", "STATUS"}
VALUE_LIMIT = 1000
LINES_LIMIT = 20_000


def event_of(text: str) -> dict[str, Any] | None:
    """`{method, uid, summary, starts, ends, location}` where they are told; None where there is no event.

    Times are told as they stand there: `2026-08-03 10:00 UTC`, `2026-08-03 10:00 (Australia/Sydney)`, `2026-08-03`.
    """
    found: dict[str, Any] = {}
    inside = has_event = False
    for line in re.sub(r"\r?\n[ \t]", "", text).splitlines()[:LINES_LIMIT]:
        name, parameters, value = _line(line)
        if name == "METHOD":
            found["method"] = value[:40].lower()
        elif (name, value.upper()) == ("BEGIN", "VEVENT"):
            if has_event:
                break
            inside = has_event = True
        elif (name, value.upper()) == ("BEGIN", "VALARM"):
            inside = False
        elif (name, value.upper()) == ("END", "VALARM"):
            inside = True
        elif inside and name in WANTED:
            key = {"DTSTART": "starts", "DTEND": "ends"}.get(name, name.lower())
            said = _time(value, parameters) if key in ("starts", "ends") else _unescaped(value)
            if said:
                found.setdefault(key, said)
    return found if has_event else None


def _line(line: str) -> tuple[str, str, str]:
    """Name, parameters and value; the colon of a quoted parameter parts nothing."""
    match = re.match(r'([A-Za-z-]{1,40})((?:;[A-Za-z-]{1,40}=(?:"[^"]*"|[^";:]*))*):', line)
    return (match[1].upper(), match[2], line[match.end() :].strip()) if match else ("", "", "")


def _time(value: str, parameters: str) -> str | None:
    match = TIME.match(value)
    if match is None:
        return None
    day = f"{match[1]}-{match[2]}-{match[3]}"
    if match[4] is None:
        return day
    zone = re.search(r'TZID="?([^";:]{1,80})', parameters)
    where = " UTC" if match[6] else f" ({zone[1]})" if zone else ""
    return f"{day} {match[4]}:{match[5]}{where}"


def _unescaped(value: str) -> str:
    return re.sub(
        r"\\(.)", lambda match: " " if match[1] in "nN" else match[1], value[:VALUE_LIMIT]
    ).strip()
