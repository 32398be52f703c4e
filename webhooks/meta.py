"""What Meta's channels share: the handshake, the proof, the key of a delivery, the answer (docs/providers/meta.md).

One app has one webhook URL per kind of account, so a delivery may hold what belongs to other connections:
it lands as it is, and the models assign each entry to its account.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from urllib.parse import parse_qs

from webhooks import Answer, Delivery, Secrets
from webhooks.signatures import check_meta

#: Meta's challenges are integers of about ten digits.
LONGEST_CHALLENGE = 200
REFUSED = Answer(403)


def handshake(delivery: Delivery, secrets: Secrets) -> Answer:
    """The challenge, to whoever knows the connection's verify token; 403 to everybody else.

    Only letters and digits come back, so that nobody can have markup of his own served from here.
    https://developers.facebook.com/docs/graph-api/webhooks/getting-started
    """
    try:
        asked = parse_qs(delivery.query, max_num_fields=20)
    except ValueError:
        return REFUSED
    mode, token, challenge = (
        asked.get(f"hub.{name}", [""])[0] for name in ("mode", "verify_token", "challenge")
    )
    expected = secrets.keys.get("verify_token", "")
    known = bool(expected) and hmac.compare_digest(_bytes(token), _bytes(expected))
    if not known or mode != "subscribe" or not _is_plain(challenge):
        return REFUSED
    return Answer(200, challenge.encode(), "text/plain")


def _is_plain(challenge: str) -> bool:
    return challenge.isascii() and challenge.isalnum() and len(challenge) <= LONGEST_CHALLENGE


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def verify(delivery: Delivery, secrets: Secrets, *, now: datetime) -> None:
    """X-Hub-Signature-256 with the app's secret, any of them while it rotates or where two apps push.

    Nothing in it expires, so `now` is not asked; seen deliveries are told by their key.
    https://developers.facebook.com/docs/graph-api/webhooks/getting-started#event-notifications

    Raises:
        Forged: unsigned, or no secret of the connection gives this signature.
    """
    check_meta(
        body=delivery.body,
        signature=delivery.headers.get("x-hub-signature-256"),
        app_secrets=[*secrets.several("app_secret"), *secrets.several("meta_app_secret")],
    )


def delivery_key(delivery: Delivery) -> str:
    """The hash of the body: a retry mostly repeats it, and what was batched anew is told by its messages' ids."""
    return hashlib.sha256(delivery.body).hexdigest()


def acknowledge(delivery: Delivery) -> Answer:
    """Any 200; everything else makes Meta send it all again, and unsubscribe us in the end."""
    return Answer(200)
