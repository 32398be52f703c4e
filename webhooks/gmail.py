"""Gmail: Pub/Sub pushes that say a mailbox changed (docs/providers/google.md). The mail itself is pulled."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import orjson
from google.auth import crypt
from google.auth.exceptions import GoogleAuthError

from webhooks import Answer, Delivery, Forged, Secrets, UnknownKey

GOOGLE_CERTIFICATES = "https://www.googleapis.com/oauth2/v1/certs"
ISSUERS = ("https://accounts.google.com", "accounts.google.com")
#: Google's have about 1,000 characters.
LONGEST_TOKEN = 8_192
#: Google's clock and ours may differ by this much.
CLOCK_SKEW = timedelta(seconds=10)


def certificates_url(secrets: Secrets) -> str:
    """Where the keys that sign lie: Google's, or a test's."""
    return secrets.keys.get("certs_url") or GOOGLE_CERTIFICATES


def verify(delivery: Delivery, secrets: Secrets, *, now: datetime) -> None:
    """The OIDC token of the push subscription: signature, issuer, audience, service account, expiry.

    The e-mail is checked always: any Google customer can mint a token for our audience. The token does
    not cover the body. https://docs.cloud.google.com/pubsub/docs/authenticate-push-subscriptions

    Raises:
        Forged: any of it is missing or wrong.
    """
    scheme, _, token = delivery.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Forged("no bearer token")
    if len(token) > LONGEST_TOKEN:
        raise Forged("the token is longer than any of Google's")
    # What needs no key first: a key may have to be asked for, and that is not done for everybody.
    signed, signature, key_id, claims = _read(token.strip())
    if claims.get("iss") not in ISSUERS:
        raise Forged("the token's issuer is not Google")
    audience, sender = secrets.keys.get("push_audience"), secrets.keys.get("push_service_account")
    if not audience or claims.get("aud") != audience:
        raise Forged("the token is for another audience")
    if not sender or claims.get("email") != sender or claims.get("email_verified") is not True:
        raise Forged("the token is of another account")
    if not _moment(claims, "iat") - CLOCK_SKEW <= now <= _moment(claims, "exp") + CLOCK_SKEW:
        raise Forged("the token is not valid at this time")
    _check_signature(signed, signature, key_id, secrets)


def _read(token: str) -> tuple[bytes, bytes, str, dict[str, object]]:
    """What is signed, the signature, the key's id and the claims: nothing of it proven. Only RS256."""
    try:
        signed, _, signature = token.rpartition(".")
        header = json.loads(_base64url(signed.partition(".")[0]))
        claims = json.loads(_base64url(signed.partition(".")[2]))
        if header.get("alg") != "RS256":
            raise Forged("the token is not signed with RS256")
        key_id = header["kid"]
        read = signed.encode(), _base64url(signature), key_id, claims
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as fault:
        raise Forged(f"the token does not verify: {type(fault).__name__}") from None
    if not isinstance(key_id, str) or not isinstance(claims, dict):
        raise Forged("the token names no key")
    return read


def _check_signature(signed: bytes, signature: bytes, key_id: str, secrets: Secrets) -> None:
    if key_id not in secrets.certificates:
        raise UnknownKey(key_id)
    verify_signature: Callable[..., bool] = crypt.verify_signature
    try:
        genuine = verify_signature(signed, signature, secrets.certificates[key_id])
    except (GoogleAuthError, ValueError, TypeError) as fault:
        raise Forged(f"the token does not verify: {type(fault).__name__}") from None
    if not genuine:
        raise Forged("the token's signature does not match")


def _base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _moment(claims: dict[str, object], name: str) -> datetime:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Forged(f"the token's {name} is no time")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        raise Forged(f"the token's {name} is no time") from None


def delivery_key(delivery: Delivery) -> str:
    """Pub/Sub's messageId: a redelivery may change the body (deliveryAttempt) but not this."""
    try:
        message = orjson.loads(delivery.body)["message"]
        found = message.get("messageId") or message.get("message_id")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        found = None
    if isinstance(found, str) and 0 < len(found) <= 200 and found.isprintable():
        return found
    return hashlib.sha256(delivery.body).hexdigest()


def acknowledge(delivery: Delivery) -> Answer:
    """Any success stops the redelivery."""
    return Answer(204)
