"""What Twilio's channels share: the proof, the key of a delivery, the empty answer (docs/providers/twilio.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from webhooks import Answer, Delivery, Secrets
from webhooks.payloads import TooManyFields, form_fields
from webhooks.signatures import check_twilio_form, check_twilio_json, twilio_base_string

#: An empty TwiML document: Twilio sends nothing back, and ends a call that waits for instructions.
EMPTY_TWIML = Answer(200, b'<?xml version="1.0" encoding="UTF-8"?><Response/>', "text/xml")
NOTHING = Answer(204)


def verify(delivery: Delivery, secrets: Secrets, *, now: datetime) -> None:
    """X-Twilio-Signature with the account's auth token, any of them while it rotates.

    Nothing in it expires, so `now` is not asked; seen deliveries are told by their key.
    https://www.twilio.com/docs/usage/webhooks/webhooks-security

    Raises:
        Forged: unsigned, or no token of the connection gives this signature.
    """
    # The content type decides, never the query: a form with bodySHA256 in its URL is still signed as a form.
    check = check_twilio_json if is_stream(delivery) else check_twilio_form
    check(
        url=delivery.url,
        body=delivery.body,
        signature=delivery.headers.get("x-twilio-signature"),
        tokens=secrets.several("auth_token"),
    )


def delivery_key(delivery: Delivery) -> str:
    """The hash of what was said. Of a form it is what is signed of it: other spellings, and other bounds between names
    and values, have the same signature, and so they are the same delivery."""
    if is_stream(delivery):
        return hashlib.sha256(delivery.body).hexdigest()
    try:
        said = twilio_base_string("", form_fields(_said(delivery)))
    except TooManyFields:
        said = _said(delivery)
    return hashlib.sha256(said).hexdigest()


def is_stream(delivery: Delivery) -> bool:
    """Whether this comes from Event Streams, which send JSON and not forms."""
    return delivery.content_type == "application/json"


def fields(delivery: Delivery) -> Mapping[bytes, bytes]:
    """The parameters of a form, of its query where Twilio was told to send GETs; the last of a name counts."""
    try:
        return dict(form_fields(_said(delivery)))
    except TooManyFields:
        return {}


def _said(delivery: Delivery) -> bytes:
    return delivery.body if delivery.method == "POST" else delivery.query.encode()
