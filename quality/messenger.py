"""What Messenger sends, as far as it stands in columns (docs/providers/messenger.md)."""

from __future__ import annotations

from quality.datasets import Table

CONTENT_TYPES = ("application/json",)
HISTORY = (
    Table(
        name="messages",
        id="id",
        # An id of Graph says nothing but itself: one word.
        pattern=r"^[^[:space:]]{3,}$",
        key=("id", "version"),
        at="created_at",
    ),
)
