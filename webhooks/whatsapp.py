"""WhatsApp: messages, echoes of the business app, statuses, history chunks (docs/providers/whatsapp.md)."""

from __future__ import annotations

from webhooks.meta import acknowledge, delivery_key, handshake, verify

__all__ = ["acknowledge", "delivery_key", "handshake", "verify"]
