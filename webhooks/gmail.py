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
    claims = _claims(token.strip(), secrets)
    if claims.get("iss") not in ISSUERS:
        raise Forged("the token's issuer is not Google")
    audience, sender = secrets.keys.get("push_audience"), secrets.keys.get("push_service_account")
    if not audience or claims.get("aud") != audience:
        raise Forged("the token is for another audience")
    if not sender or claims.get("email") != sender or claims.get("email_verified") is not True:
        raise Forged("the token is of another account")
    if not _moment(claims, "iat") - CLOCK_SKEW <= now <= _moment(claims, "exp") + CLOCK_SKEW:
        raise Forged("the token is not valid at this time")


def _claims(token: str, secrets: Secrets) -> dict[str, object]:
    """The token's claims, once its signature verified. Only RS256: never what the header chooses."""
    try:
        signed, _, signature = token.rpartition(".")
        header = json.loads(_base64url(signed.partition(".")[0]))
        claims = json.loads(_base64url(signed.partition(".")[2]))
        if header.get("alg") != "RS256":
            raise Forged("the token is not signed with RS256")
        key_id = header["kid"]
        if isinstance(key_id, str) and key_id not in secrets.certificates:
            raise UnknownKey(key_id)
        certificate = secrets.certificates[key_id]
        verify_signature: Callable[..., bool] = crypt.verify_signature
        genuine = verify_signature(signed.encode(), _base64url(signature), certificate)
    except (
        GoogleAuthError,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as fault:
        raise Forged(f"the token does not verify: {type(fault).__name__}") from None
    if not genuine or not isinstance(claims, dict):
        raise Forged("the token's signature does not match")
    return claims


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
