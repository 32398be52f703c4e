"""The web site's chat: JSON, one message a POST, signed with the key that both sides know."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from webhooks import Answer, Delivery, Forged, Secrets


def verify(delivery: Delivery, secrets: Secrets, *, now: datetime) -> None:
    """HMAC-SHA256 of the body in hex, in X-Chat-Signature.

    Raises:
        Forged: unsigned, or signed with another key.
    """
    told = delivery.headers.get("x-chat-signature", "").encode("utf-8", "surrogatepass")
    for key in secrets.several("signing_key"):
        expected = hmac.new(key.encode(), delivery.body, hashlib.sha256).hexdigest()
        if hmac.compare_digest(told, expected.encode()):
            return
    raise Forged("X-Chat-Signature is not of our key")


def delivery_key(delivery: Delivery) -> str:
    return hashlib.sha256(delivery.body).hexdigest()


def acknowledge(delivery: Delivery) -> Answer:
    return Answer(204)
