"""Gmail's notifications through Pub/Sub push, and the certificates that prove them.

Follows https://developers.google.com/workspace/gmail/api/guides/push (what is told, and that more
than one a second per mailbox is dropped), https://docs.cloud.google.com/pubsub/docs/push (the
envelope, redelivery) and
https://docs.cloud.google.com/pubsub/docs/authenticate-push-subscriptions (the token).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from simulator.courier import Courier
from simulator.store.state import State
from simulator.world.catalogue import MAILBOX

CHANNEL = "gmail"
SUCCESS = {102, 200, 201, 202, 204}
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, MAX_ATTEMPTS = 0.5, 30.0, 60
TOKEN_SECONDS = 3600
LEAST_GAP_SECONDS = 1.0


class SigningKeys:
    """RSA keys with self-signed certificates; the newest one signs. The first is kept in the state
    directory, so that tokens on the way outlive a restart."""

    def __init__(self, state: State) -> None:
        path = state.directory / "pubsub-signing-key.pem"
        if not path.exists():
            path.write_bytes(_pem(_new_key()))
            path.chmod(0o600)
        loaded = serialization.load_pem_private_key(path.read_bytes(), password=None)
        assert isinstance(loaded, rsa.RSAPrivateKey)
        self._keys = [loaded]
        self.certificates = {kid(loaded): _certificate(loaded)}

    def rotate(self) -> None:
        self._keys.append(_new_key())
        self.certificates[kid(self._keys[-1])] = _certificate(self._keys[-1])

    def token(self, *, audience: str, email: str, issued: int | None = None) -> str:
        """The OIDC token of a push, as Google mints it; valid for an hour from `issued` (epoch
        seconds)."""
        issued = int(time.time()) if issued is None else issued
        subject = str(int(hashlib.sha256(email.encode()).hexdigest()[:16], 16)).rjust(21, "1")[:21]
        claims = {
            "aud": audience,
            "azp": subject,
            "email": email,
            "email_verified": True,
            "exp": issued + TOKEN_SECONDS,
            "iat": issued,
            "iss": "https://accounts.google.com",
            "sub": subject,
        }
        return jwt.encode(
            claims, self._keys[-1], algorithm="RS256", headers={"kid": kid(self._keys[-1])}
        )


class PubSub:
    """One topic with one push subscription."""

    def __init__(self, state: State, courier: Courier) -> None:
        self.state, self.courier = state, courier
        self._last = 0.0

    @cached_property
    def keys(self) -> SigningKeys:
        """Made for the first push or question: a key takes half the time that a simulator needs to start."""
        return SigningKeys(self.state)

    def notify(self) -> asyncio.Future[dict[str, Any]]:
        """The mailbox changed: publish, unless nobody watches or the second's one notification is
        spent."""
        ids = {"history_id": str(self.state.history_id)}
        now = time.monotonic()
        refusal = ""
        if self.state.watch_until_ms < time.time() * 1000:
            refusal = "unwatched"
        elif not self.state.subscription["endpoint"]:
            refusal = "unsubscribed"
        elif now - self._last < LEAST_GAP_SECONDS:
            refusal = "coalesced"
        if refusal:
            future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
            future.set_result(self.courier.note(CHANNEL, "push", ids, refusal))
            return future
        self._last = now
        published = datetime.now(UTC)
        ids["message_id"] = str(
            int(published.timestamp() * 1e6) * 10 + self.courier.faults.random.randint(0, 9)
        )
        body = envelope(
            MAILBOX,
            self.state.history_id,
            ids["message_id"],
            published,
            self.state.accounts.pubsub_subscription,
        )

        first_tries: list[asyncio.Task[dict[str, Any]]] = []

        async def send() -> dict[str, Any]:
            line = await self._once(ids, body, 1)
            if not _good(line) and not first_tries:
                first_tries.append(self.courier.start(self._redeliver(ids, body)))
            return line

        return self.courier.carry(CHANNEL, "push", ids, send)

    async def _redeliver(self, ids: dict[str, str], body: bytes) -> dict[str, Any]:
        """Again with a growing pause until it is acknowledged. The subscription's present endpoint
        counts."""
        pause, line = FIRST_PAUSE_SECONDS, {}
        for attempt in range(2, MAX_ATTEMPTS + 1):
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            line = await self._once(ids, body, attempt)
            if _good(line):
                return line
        return self.courier.note(CHANNEL, "push", ids, "given_up")

    async def _once(self, ids: dict[str, str], body: bytes, attempt: int) -> dict[str, Any]:
        endpoint, audience = (
            self.state.subscription["endpoint"],
            self.state.subscription["audience"],
        )
        email = self.state.accounts.push_service_account
        if self.courier.faults.hit(
            "forge"
        ):  # anybody can have Google sign a token of his own project
            email = "someone@another-project.iam.gserviceaccount.com"
        token = self.keys.token(audience=audience or endpoint, email=email)
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)",
        }
        return await self.courier.post(
            CHANNEL,
            "push",
            ids,
            endpoint,
            body=body,
            headers=headers,
            attempt=attempt,
            total_seconds=10.0,
        )


def envelope(
    address: str, history_id: int, message_id: str, published: datetime, subscription: str
) -> bytes:
    """The wrapped push body."""
    data = json.dumps({"emailAddress": address, "historyId": history_id}, separators=(",", ":"))
    at = published.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    message = {
        "data": base64.b64encode(data.encode()).decode(),
        "messageId": message_id,
        "message_id": message_id,
        "publishTime": at,
        "publish_time": at,
    }
    return json.dumps({"message": message, "subscription": subscription}, indent=1).encode()


def kid(key: rsa.RSAPrivateKey) -> str:
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(public).hexdigest()[:40]


def _good(line: dict[str, Any]) -> bool:
    return line["status"] in SUCCESS


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _certificate(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "simulator.google.pubsub")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=16))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()
