"""What Twilio sends of SMS, as far as it stands in columns (docs/providers/twilio.md)."""

from __future__ import annotations

from quality.datasets import Table

CONTENT_TYPES = ("application/x-www-form-urlencoded", "application/json")
SID = r"^(SM|MM)[0-9a-f]{32}$"
HISTORY = (
    Table(name="messages", id="sid", pattern=SID, key=("sid", "version"), at="sent_at"),
    Table(name="removals", id="sid", pattern=SID, key=("sid",), came="noticed_at"),
)
