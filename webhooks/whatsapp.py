"""WhatsApp: messages, echoes of the business app, statuses, history chunks (providers.md §6, §7)."""

from __future__ import annotations

from webhooks.meta import acknowledge, delivery_key, handshake, verify

__all__ = ["acknowledge", "delivery_key", "handshake", "verify"]
