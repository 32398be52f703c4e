"""Instagram: direct messages and what happens to them (providers.md §6, §8).

With Instagram Login the secret of the Instagram app signs, otherwise that of the Meta app: the connection holds
whichever is its own, or both, as `app_secret`.
"""

from __future__ import annotations

from webhooks.meta import acknowledge, delivery_key, handshake, verify

__all__ = ["acknowledge", "delivery_key", "handshake", "verify"]
