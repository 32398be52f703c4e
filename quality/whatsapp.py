"""What WhatsApp sends: webhooks alone (docs/providers/whatsapp.md)."""

from __future__ import annotations

from quality.datasets import Table

CONTENT_TYPES = ("application/json",)
HISTORY: tuple[Table, ...] = ()
