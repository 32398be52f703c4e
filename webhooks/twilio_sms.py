"""Twilio Messaging: incoming messages, status callbacks, Event Streams (docs/providers/twilio.md)."""

from __future__ import annotations

from webhooks import Answer, Delivery
from webhooks.twilio import EMPTY_TWIML, NOTHING, delivery_key, is_stream, verify

__all__ = ["acknowledge", "delivery_key", "verify"]


def acknowledge(delivery: Delivery) -> Answer:
    """Empty TwiML where a message waits for an answer, nothing for callbacks and streams."""
    if is_stream(delivery) or b"MessageStatus=" in delivery.body:
        return NOTHING
    return EMPTY_TWIML
