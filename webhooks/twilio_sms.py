"""Twilio Messaging: incoming messages, status callbacks, Event Streams (providers.md §2.1, §3.1, §3.5)."""

from __future__ import annotations

import hashlib
from datetime import datetime

from webhooks import Answer, Delivery, Secrets
from webhooks.signatures import check_twilio_form, check_twilio_json

#: An empty TwiML document: Twilio sends nothing back to the customer.
EMPTY_TWIML = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'


def verify(delivery: Delivery, secrets: Secrets, *, now: datetime) -> None:
    """X-Twilio-Signature with the account's auth token, any of them while it rotates.

    Nothing in it expires, so `now` is not asked; seen deliveries are told by their key.
    https://www.twilio.com/docs/usage/webhooks/webhooks-security
    """
    # The content type decides, never the query: a form with bodySHA256 in its URL is still signed as a form.
    check = check_twilio_json if delivery.content_type == "application/json" else check_twilio_form
    check(
        url=delivery.url,
        body=delivery.body,
        signature=delivery.headers.get("x-twilio-signature"),
        tokens=secrets.several("auth_token"),
    )


def delivery_key(delivery: Delivery) -> str:
    """The hash of what was said: a retry repeats it byte for byte."""
    said = delivery.body if delivery.method == "POST" else delivery.query.encode()
    return hashlib.sha256(said).hexdigest()


def acknowledge(delivery: Delivery) -> Answer:
    """Empty TwiML where a message waits for an answer, nothing for callbacks and streams."""
    if delivery.content_type == "application/json" or b"MessageStatus=" in delivery.body:
        return Answer(204)
    return Answer(200, EMPTY_TWIML, "text/xml")
