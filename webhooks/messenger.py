"""Messenger: a page's messages and what happens to them (docs/providers/messenger.md)."""

from __future__ import annotations

from webhooks.meta import acknowledge, delivery_key, handshake, verify

__all__ = ["acknowledge", "delivery_key", "handshake", "verify"]
