"""What Google sends of mails, as far as it stands in columns (docs/providers/google.md)."""

from __future__ import annotations

from quality.datasets import Table

CONTENT_TYPES = ("application/json",)
#: Ids are digits of the base sixteen.
ID = r"^[0-9a-f]+$"
HISTORY = (
    Table(
        name="messages",
        id="id",
        pattern=ID,
        key=("id", "version"),
        columns=("raw_size_bytes", "raw_sha256"),
    ),
    Table(
        name="changes",
        id="id",
        pattern=ID,
        key=("history_id", "id", "change"),
        words={
            "change": ("added", "labels_added", "labels_removed", "removed", "missing", "set aside")
        },
    ),
)
