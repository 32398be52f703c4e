"""What Twilio sends of calls, recordings and transcripts, as far as it stands in columns (docs/providers/twilio.md)."""

from __future__ import annotations

from quality.datasets import Table

CONTENT_TYPES = ("application/x-www-form-urlencoded", "application/json")
CALL, RECORDING = r"^CA[0-9a-f]{32}$", r"^RE[0-9a-f]{32}$"
HISTORY = (
    Table(name="calls", id="sid", pattern=CALL, key=("sid", "version"), at="started_at"),
    Table(name="recordings", id="sid", pattern=RECORDING, key=("sid", "version"), at="created_at"),
    Table(
        name="transcriptions", id="sid", pattern=r"^[A-Z]{2}[0-9a-f]{32}$", key=("sid", "version")
    ),
    Table(
        name="removals",
        id="sid",
        pattern=r"^(CA|RE)[0-9a-f]{32}$",
        key=("sid",),
        came="noticed_at",
        words={"kind": ("call", "recording")},
    ),
)
