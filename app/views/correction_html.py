"""What was corrected of a message or of a customer, and what the person says against it, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.views import clock, escape
from app.views.components import icon

Row = dict[str, Any]


def shown(row: Row, field: str) -> str:
    """A field as it is to be shown: corrected where it was."""
    corrected = [each["value"] for each in row.get("corrections") or [] if each["field"] == field]
    return str((corrected and corrected[0]) or row[field] or "")


def beside(row: Row, zone: ZoneInfo) -> str:
    """Under a message: what stood there before, by whom it was corrected, and what the person says."""
    told = ""
    for each in row.get("corrections") or []:
        if each["value"]:
            told += (
                f'<details class="quote"><summary>{icon("edit_note")} Corrected {_when(each, zone)}:'
                f' as it was written</summary><blockquote class="body">{escape.body(str(row[each["field"]] or ""))}'
                "</blockquote></details>"
            )
    return told + disagreements(row.get("corrections") or [])


def disagreements(corrections: Sequence[Row]) -> str:
    """What the person says against what stands here."""
    return "".join(
        f'<p class="note">{icon("record_voice_over")} <span dir="auto">They disagree:'
        f" {escape.line(each['statement'])}</span></p>"
        for each in corrections
        if each["statement"]
    )


def _when(each: Row, zone: ZoneInfo) -> str:
    day = clock.day_of(datetime.fromisoformat(each["made_at"]), zone)
    return f"{clock.days(day, day)} by {escape.line(each['made_by'])}"
