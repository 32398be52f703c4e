"""Instagram: direct messages and what happens to them (docs/providers/instagram.md).

With Instagram Login the secret of the Instagram app signs, `app_secret`; that it is never the Meta app's, which is
`meta_app_secret` there, is not documented, so either proves the sender.
"""

from __future__ import annotations

from webhooks.meta import acknowledge, delivery_key, handshake, verify

__all__ = ["acknowledge", "delivery_key", "handshake", "verify"]
