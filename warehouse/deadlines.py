"""What is due to people and to the Commissioner, and how late it is: findings for the page Health, the line above every
page of those who answer for it, `./crm status` and the metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

#: Of thirty days the last ten: time enough to ask, and to do it.
NEARS = timedelta(days=10)
#: Whoever is to be told is told as soon as it can be done (s 26WL).
TELL_WITHIN = timedelta(days=3)
PREFIX = "due_"
WORDS = {
    ("case", "access"): "An access request",
    ("case", "correction"): "A request to correct",
    ("incident", "assess"): "The assessment of an incident",
}


def overdue(rows: Iterable[Mapping[str, Any]], now: datetime) -> list[tuple[str, str, str, str]]:
    """What nears its day or is past it, the latest first: kind (`bad`, `warn`), what, words, remedy. Names nobody."""
    found = []
    for row in sorted(rows, key=lambda each: each["due_at"]):
        left = row["due_at"] - now
        what = f"{PREFIX}{row['what']}"
        if row["kind"] == "notify":
            late = -left > TELL_WITHIN
            words = f"A breach was found notifiable {_days(-left)} ago, and nobody has noted that people were told"
            remedy = "Tell the Commissioner and the people, and note it: Privacy"
            found.append(("bad" if late else "warn", what, words, remedy))
            continue
        subject = WORDS[row["what"], row["kind"]]
        if left < timedelta(0):
            found.append(("bad", what, f"{subject} was due {_days(-left)} ago", "Open Privacy"))
        elif left <= NEARS:
            found.append(("warn", what, f"{subject} is due in {_days(left)}", "Open Privacy"))
    return found


def _days(span: timedelta) -> str:
    if span < timedelta(days=1):
        hours = max(1, int(span.total_seconds() // 3600))
        return f"{hours} hour{'s' if hours > 1 else ''}"
    return f"{span.days} day{'s' if span.days > 1 else ''}"
