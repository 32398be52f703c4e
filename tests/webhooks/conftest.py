"""A running receiver, and senders that sign as the providers do.

The senders use the providers' own rules through other libraries than the receiver: twilio's client
and PyJWT; Meta has none, so its rule is written down here from its text. They share no line with webhooks/.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import jwt
import psycopg
import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from starlette.datastructures import FormData
from twilio.request_validator import RequestValidator

from operations.runtime.ports import free_port
from tests.event_loops import apart
from tests.webhooks.meta_proof import (
    ACCESS_TOKEN,
    APP_SECRET,
    META_ACCOUNTS,
    META_SAMPLES,
    RETIRED_SECRET,
    meta_forgeries,
    meta_signature,
)
from warehouse import bounded_http, connections
from warehouse.settings import Settings
from webhooks import serving
from webhooks.__main__ import SERVER
from webhooks.main import create_app

ACCOUNT_SID = "AC0a1b2c3d4e5f60718293a4b5c6d7e8f9"
AUTH_TOKEN = "invented-auth-token"
AUDIENCE = "https://crm.example.com/push"
SERVICE_ACCOUNT = "push@example-project.iam.gserviceaccount.com"


@dataclass
class RunningReceiver:
    base_url: str
    settings: Settings
    client: httpx.Client
    #: Where it says how it stands.
    admin_url: str

    def metrics(self) -> str:
        return self.client.get(f"{self.admin_url}/metrics").text


@pytest.fixture
def receiver(settings: Settings) -> Iterator[RunningReceiver]:
    with serve(settings) as running:
        yield running


@contextmanager
def serve(settings: Settings) -> Iterator[RunningReceiver]:
    """The receiver on a free port, with the server settings of production."""
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    served = settings.model_copy(update={"public_url": base_url})
    config: dict[str, Any] = {**SERVER, "loop": "asyncio", "log_config": None}
    application = create_app(served)
    connections = bounded_http.Connections()
    bounds = config | bounded_http.configured(connections)
    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=port, **bounds))
    admin_bind = f"127.0.0.1:{free_port()}"
    admin = serving.beside(application.state.admin, admin_bind, **config)
    thread = threading.Thread(
        target=lambda: apart(lambda: serving.serve(server, admin)), daemon=True
    )
    thread.start()
    while not (server.started and admin.started):
        assert thread.is_alive(), "the receiver did not start"
        time.sleep(0.01)
    # Without TLS, whose authorities take each client a twentieth of a second to read.
    with httpx.Client(timeout=20, verify=False) as client:
        yield RunningReceiver(base_url, served, client, f"http://{admin_bind}")
    # Together: each looks ten times a second whether it is to end, and takes a tenth of a second for it.
    server.should_exit = admin.should_exit = True
    thread.join(60)


@dataclass
class Sender:
    """One provider: `post` signs a body for a connection of its channel and sends it."""

    channel: str
    connection: connections.Connection
    receiver: RunningReceiver
    content_type: str
    sample: Callable[[int], bytes]
    sign: Callable[[str, bytes], dict[str, str]]
    #: What a foreign sender would present instead of the real proof, by name.
    forgeries: dict[str, Callable[[str, bytes], dict[str, str]]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.receiver.base_url + connections.webhook_path(self.connection)

    def post(
        self, body: bytes, *, headers: dict[str, str] | None = None, url: str = ""
    ) -> httpx.Response:
        proof = self.sign(url or self.url, body) if headers is None else headers
        return self.receiver.client.post(
            url or self.url, content=body, headers={"Content-Type": self.content_type, **proof}
        )


def add_connection(
    settings: Settings, admin: psycopg.Connection[Any], channel: str, values: dict[str, str]
) -> connections.Connection:
    return connections.add(
        admin, settings, channel=channel, name="Shop", values=values, actor="test"
    )


def twilio_form(number: int, **more: str) -> bytes:
    fields = {
        "MessageSid": f"SM{number:032x}",
        "AccountSid": ACCOUNT_SID,
        "From": "+61491570006",
        "To": "+61491570156",
        "Body": f"Is bike {number} ready? 🚲",
        "NumMedia": "0",
        "SmsStatus": "received",
        "ToState": "",
        **more,
    }
    return urlencode(fields).encode()


def twilio_signature(token: str) -> Callable[[str, bytes], dict[str, str]]:
    def sign(url: str, body: bytes) -> dict[str, str]:
        fields = FormData(
            parse_qsl(body.decode(), keep_blank_values=True, errors="surrogateescape")
        )
        return {"X-Twilio-Signature": RequestValidator(token).compute_signature(url, fields)}

    return sign


def twilio_sender(
    channel: str,
    sample: Callable[[int], bytes],
    settings: Settings,
    admin: psycopg.Connection[Any],
    receiver: RunningReceiver,
) -> Sender:
    sign = twilio_signature(AUTH_TOKEN)
    return Sender(
        channel=channel,
        connection=add_connection(
            settings, admin, channel, {"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN}
        ),
        receiver=receiver,
        content_type="application/x-www-form-urlencoded",
        sample=sample,
        sign=sign,
        forgeries={
            "wrong secret": twilio_signature("another-token"),
            "empty secret": twilio_signature(""),
            "empty signature": lambda url, body: {"X-Twilio-Signature": ""},
            "other URL": lambda url, body: sign(url + "/", body),
            "other scheme": lambda url, body: sign(url.replace("http:", "https:"), body),
            "other host": lambda url, body: sign(url.replace("127.0.0.1", "127.0.0.2"), body),
            "one more parameter": lambda url, body: sign(url, body + b"&Extra=1"),
            "not ASCII": lambda url, body: {"X-Twilio-Signature": "Ω=".encode().decode("latin-1")},
        },
    )


@pytest.fixture
def twilio_sms(
    settings: Settings, admin: psycopg.Connection[Any], receiver: RunningReceiver
) -> Sender:
    return twilio_sender("twilio_sms", twilio_form, settings, admin, receiver)


@pytest.fixture
def twilio_voice(
    settings: Settings, admin: psycopg.Connection[Any], receiver: RunningReceiver
) -> Sender:
    return twilio_sender("twilio_voice", call_form, settings, admin, receiver)


def call_form(number: int, **more: str) -> bytes:
    """The end of a call, as the number's status callback tells it."""
    fields = {
        "CallSid": f"CA{number:032x}",
        "AccountSid": ACCOUNT_SID,
        "From": "+61491570006",
        "To": "+61491570156",
        "CallStatus": "completed",
        "Direction": "inbound",
        "CallDuration": "42",
        "Timestamp": "Sun, 16 Aug 2026 03:45:01 +0000",
        "CallbackSource": "call-progress-events",
        "ToState": "",
        **more,
    }
    return urlencode(fields).encode()


def meta_sender(
    channel: str,
    settings: Settings,
    admin: psycopg.Connection[Any],
    receiver: RunningReceiver,
) -> Sender:
    values = {
        "app_secret": f"{RETIRED_SECRET},{APP_SECRET}",
        "access_token": ACCESS_TOKEN,
        **META_ACCOUNTS[channel],
    }
    connection = add_connection(settings, admin, channel, values)
    return Sender(
        channel=channel,
        connection=connection,
        receiver=receiver,
        content_type="application/json",
        sample=META_SAMPLES[channel],
        sign=meta_signature(APP_SECRET),
        forgeries=meta_forgeries(connection.required("verify_token")),
    )


@pytest.fixture
def whatsapp(
    settings: Settings, admin: psycopg.Connection[Any], receiver: RunningReceiver
) -> Sender:
    return meta_sender("whatsapp", settings, admin, receiver)


@pytest.fixture
def instagram(
    settings: Settings, admin: psycopg.Connection[Any], receiver: RunningReceiver
) -> Sender:
    return meta_sender("instagram", settings, admin, receiver)


@pytest.fixture
def messenger(
    settings: Settings, admin: psycopg.Connection[Any], receiver: RunningReceiver
) -> Sender:
    return meta_sender("messenger", settings, admin, receiver)


@dataclass
class Certificates:
    """A key of our own and the address where its certificate is served, as Google serves its."""

    key: rsa.RSAPrivateKey
    pem: str
    url: str
    server: http.server.ThreadingHTTPServer


@pytest.fixture(scope="session")
def certificates() -> Iterator[Certificates]:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"key-1": pem}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Cache-Control", "public, max-age=600")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield Certificates(key, pem, f"http://127.0.0.1:{server.server_address[1]}/certs", server)
    server.shutdown()


def pubsub_push(number: int, *, address: str = "sales@example.com") -> bytes:
    data = base64.b64encode(json.dumps({"emailAddress": address, "historyId": number}).encode())
    message = {
        "data": data.decode(),
        "messageId": f"{number}",
        "publishTime": "2026-11-22T03:45:02.123Z",
    }
    return json.dumps(
        {"message": message, "subscription": "projects/p/subscriptions/s"}, indent=1
    ).encode()


def google_token(certificates: Certificates, **changes: Any) -> dict[str, str]:
    """The Authorization header of a push; None as a change leaves the claim out."""
    now = int(time.time())
    claims = {
        "iss": "https://accounts.google.com",
        "aud": AUDIENCE,
        "azp": "113774264463038321964",
        "sub": "113774264463038321964",
        "email": SERVICE_ACCOUNT,
        "email_verified": True,
        "iat": now,
        "exp": now + 3600,
    }
    signing = {"key": certificates.key, "algorithm": "RS256", "headers": {"kid": "key-1"}}
    for name in ("key", "algorithm", "headers"):
        signing[name] = changes.pop(name, signing[name])
    claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return {"Authorization": f"Bearer {jwt.encode(claims, **signing)}"}


@cache
def _strangers_key() -> rsa.RSAPrivateKey:
    """Made once: it takes a quarter of a second."""
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def gmail(
    settings: Settings,
    admin: psycopg.Connection[Any],
    receiver: RunningReceiver,
    certificates: Certificates,
) -> Sender:
    values = {
        "address": "sales@example.com",
        "push_audience": AUDIENCE,
        "push_service_account": SERVICE_ACCOUNT,
        "certs_url": certificates.url,
    }
    now = int(time.time())
    unsigned = jwt.encode({"aud": AUDIENCE}, None, algorithm="none", headers={"kid": "key-1"})

    def forged(**changes: Any) -> Callable[[str, bytes], dict[str, str]]:
        return lambda url, body: google_token(certificates, **changes)

    return Sender(
        channel="gmail",
        connection=add_connection(settings, admin, "gmail", values),
        receiver=receiver,
        content_type="application/json",
        sample=pubsub_push,
        sign=lambda url, body: google_token(certificates),
        forgeries={
            "wrong secret": forged(key=_strangers_key()),
            "expired": forged(iat=now - 7200, exp=now - 3600),
            "not yet valid": forged(iat=now + 3600, exp=now + 7200),
            "other audience": forged(aud="https://elsewhere.example.com"),
            "other issuer": forged(iss="https://accounts.example.com"),
            "other account": forged(email="someone@example.com"),
            "unverified account": forged(email_verified=False),
            "no account": forged(email_verified=None),
            "no expiry": forged(exp=None),
            "expiry is no time": forged(exp="soon"),
            "unknown key": forged(headers={"kid": "key-2"}),
            "no key": forged(headers={}),
            "alg none": lambda url, body: {"Authorization": f"Bearer {unsigned}"},
            "alg HS256 with the public key": lambda url, body: {
                "Authorization": "Bearer " + _hs256_with(certificates.pem)
            },
            "no token": lambda url, body: {"Authorization": "Bearer"},
            "other scheme": lambda url, body: {"Authorization": "Basic c2FsZXM6eA=="},
            "garbage": lambda url, body: {"Authorization": "Bearer a.b.c"},
            "binary garbage": lambda url, body: {"Authorization": "Bearer \xff\xfe.\xff.\xff"},
        },
    )


def _hs256_with(pem: str) -> str:
    """A token signed with the certificate as if it were a shared secret; PyJWT itself refuses to make one."""

    def part(value: object) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    now = int(time.time())
    head = part({"alg": "HS256", "kid": "key-1"})
    claims = part(
        {
            "iss": "https://accounts.google.com",
            "aud": AUDIENCE,
            "email": SERVICE_ACCOUNT,
            "email_verified": True,
            "iat": now,
            "exp": now + 3600,
        }
    )
    signature = hmac.new(pem.encode(), head + b"." + claims, hashlib.sha256).digest()
    return b".".join([head, claims, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


@pytest.fixture
def sender(request: pytest.FixtureRequest) -> Sender:
    """The sender of the channel that the test is parametrised with."""
    found: Sender = request.getfixturevalue(request.param)
    return found
