"""Messenger: a page's messages and what happens to them (providers.md §6, §9)."""

from __future__ import annotations

from webhooks.meta import acknowledge, delivery_key, handshake, verify

__all__ = ["acknowledge", "delivery_key", "handshake", "verify"]
