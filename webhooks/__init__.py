"""Door one: signed POSTs land raw, and nothing else happens to them here.

One module per channel of the registry that pushes, called like the channel, with three pure functions:

    verify(delivery, secrets, *, now)   raises Forged; signature, issuer, expiry: whatever proves the sender
    delivery_key(delivery)              what is the same when the provider sends the same thing again
    acknowledge(delivery)               the answer the provider expects after a durable commit

where the proof needs certificates, also

    certificates_url(secrets)           where they lie

and where the provider asks with a GET whether the URL is ours before it sends anything, also

    handshake(delivery, secrets)        the answer to every GET: 200 with the challenge, or 403

A handshake is never landed, and its query holds the verify token: it is neither logged nor kept, not even
as a refusal. A channel without `handshake` may send its deliveries as GETs; they are proven like POSTs.

The outcome table, for every channel:

    unknown channel or connection            404
    GET that shakes hands                    200 with the challenge and nothing else
    GET that does not, where others do       403
    body over the channel's limit            413
    hung up in the middle of the body        400, which nobody hears: half a body must not land
    forged, stale or unsigned                401   counted; a bounded sample is kept for the admin
    warehouse or certificates away, too busy 503   with Retry-After; never 429: some senders take every 4xx as final
    seen before                              the same success
    durably committed                        2xx

Nothing is interpreted in the request, so nothing in a payload can fail it. No answer tells a forger why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


class Forged(Exception):
    """The delivery does not prove that the provider sent it. The text is for the admin, never for the sender."""


class UnknownKey(Forged):
    """It is signed with a key that is not among the certificates: they may have been changed since."""

    def __init__(self, key_id: str) -> None:
        super().__init__("the token's key is not among the certificates")
        self.key_id = key_id


class Unverifiable(Exception):
    """The proof cannot be checked now: certificates are out of reach. The provider should try again."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request as it came. Header names are lower case; `path` and `query` are undecoded."""

    method: str
    public_url: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """Without parameters, lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def url(self) -> str:
        """What the provider called: the public URL, never the proxy's."""
        base = self.public_url.rstrip("/") + self.path
        return f"{base}?{self.query}" if self.query else base


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a connection brings to the check. `keys` holds every configured value that signs or names the sender."""

    keys: Mapping[str, str]
    #: Key id to PEM, as fetched from certificates_url.
    certificates: Mapping[str, str] = field(default_factory=dict)

    def several(self, key: str) -> list[str]:
        """The values of a key that may rotate; empty ones never verify."""
        return [part.strip() for part in self.keys.get(key, "").split(",") if part.strip()]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider is told after the commit."""

    status: int = 204
    body: bytes = b""
    content_type: str | None = None
    #: What the admin must hear about this delivery: our own words, nothing of the payload.
    alarm: str | None = None


class Receiver(Protocol):
    """A channel's module."""

    def verify(self, delivery: Delivery, secrets: Secrets, *, now: datetime) -> None: ...

    def delivery_key(self, delivery: Delivery) -> str: ...

    def acknowledge(self, delivery: Delivery) -> Answer: ...
