"""The receiver: `POST` and `GET /webhooks/{channel}/{connection_id}`, and what watches over it.

python -m webhooks --port 8502
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI, Response
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from psycopg_pool import AsyncConnectionPool
from starlette.types import Receive, Scope, Send

from warehouse.channels import registry
from warehouse.settings import Role, Settings
from webhooks import Answer, Delivery, Forged, Receiver, Secrets, UnknownKey, Unverifiable
from webhooks.connected import Certificates, Connections
from webhooks.landing import Landing, Readiness, StorageAway, prepare

RETRY_AFTER = {"Retry-After": "5"}
#: Status, body, headers.
Answered = tuple[int, bytes, list[tuple[bytes, bytes]]]
PREFIX = "/webhooks/"
LONGEST_CONNECTION_ID = 64
#: So long a start waits for the connections that there are; then they are got to know beside it.
LOAD_SECONDS = 3.0
#: A sample of refusals is kept, so many a minute and connection; all are counted.
REFUSALS_KEPT_PER_MINUTE = 5

log = logging.getLogger("crm.receiver")


class TooLarge(Exception):
    """The body is over the channel's limit."""


class Disconnected(Exception):
    """The sender hung up in the middle of the body."""


class Metrics:
    """What /metrics shows. Labels hold channels and outcomes, never an id that a stranger chooses."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.deliveries = Counter(
            "crm_deliveries",
            "Requests by channel and outcome",
            ["channel", "outcome"],
            registry=self.registry,
        )
        self.batch_rows = Histogram(
            "crm_landing_batch_rows",
            "Deliveries in one commit",
            buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
            registry=self.registry,
        )
        self.commit_seconds = Histogram(
            "crm_landing_commit_seconds",
            "Seconds from statement to commit",
            buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
            registry=self.registry,
        )
        self._counters: dict[tuple[str, str], Any] = {}

    def count(self, channel: str, outcome: str) -> None:
        key = (channel, outcome)
        if key not in self._counters:
            self._counters[key] = self.deliveries.labels(channel=channel, outcome=outcome)
        self._counters[key].inc()

    def observe(self, rows: int, seconds: float) -> None:
        self.batch_rows.observe(rows)
        self.commit_seconds.observe(seconds)


class Reception:
    """The way of one request through the outcome table of the package's docstring."""

    def __init__(self, settings: Settings, landing: Landing, known: Connections) -> None:
        self.channels = {slug: entry for slug, entry in registry().items() if entry.pushes}
        self.receivers: dict[str, Receiver] = {
            slug: importlib.import_module(f"webhooks.{slug}") for slug in self.channels
        }
        self.public_url = settings.public_url or ""
        self.landing = landing
        self.connections = known
        self.certificates = Certificates()
        self.metrics = Metrics()
        self.landing.observe = self.metrics.observe
        self._refusals: dict[str, tuple[float, int]] = {}
        self._background: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application of a delivery: on its way, the framework's wrappers took half the time."""
        status, body, headers = await self.receive(scope, receive)
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def receive(self, scope: Scope, receive: Receive) -> Answered:
        """One request, answered by the table."""
        if scope["method"] not in ("POST", "GET"):
            return 405, b"", [(b"allow", b"GET, POST")]
        _, _, rest = scope["path"].partition(PREFIX)
        channel, _, connection_id = rest.partition("/")
        # An address that somebody pasted with a slash at its end; it is signed as it is called.
        connection_id = connection_id.removesuffix("/")
        entry = self.channels.get(channel)
        # Our ids are short and plain: anything else is neither looked up nor remembered, and a NUL could not be.
        if entry is None or not (
            connection_id.isascii()
            and connection_id.isalnum()
            and len(connection_id) <= LONGEST_CONNECTION_ID
        ):
            return self._outcome("unknown", "unknown", 404)
        try:
            secrets = await self.connections.secrets(channel, connection_id)
            if secrets is None:
                return self._outcome(channel, "unknown", 404)
            delivery = await self._read(scope, receive, entry.body_limit_bytes)
            handshake = getattr(self.receivers[channel], "handshake", None)
            if handshake is not None and delivery.method == "GET":
                return self._shake_hands(channel, handshake(delivery, secrets))
            await self._verify(channel, delivery, secrets)
        except TooLarge:
            return self._outcome(channel, "too_large", 413)
        except Disconnected:
            return self._outcome(channel, "disconnected", 400)
        except Forged as forged:
            self._keep_refusal(channel, connection_id, str(forged), scope, delivery)
            return self._outcome(channel, "forged", 401)
        except (StorageAway, Unverifiable):
            return self._outcome(channel, "away", 503)
        receiver = self.receivers[channel]
        landed = prepare(
            channel=channel,
            connection_id=connection_id,
            delivery_key=receiver.delivery_key(delivery),
            delivery=delivery,
            received_at=datetime.now(UTC),
        )
        try:
            await self.landing.land(landed)
        except StorageAway:
            return self._outcome(channel, "away", 503)
        self.metrics.count(channel, "landed")
        answer = receiver.acknowledge(delivery)
        if answer.alarm:
            log.error("%s %s: %s", channel, connection_id, answer.alarm)
        return _answered(answer)

    async def _read(self, scope: Scope, receive: Receive, limit_bytes: int) -> Delivery:
        """The request as it came.

        Raises:
            TooLarge: more is announced, or sent, than the limit.
            Disconnected: the sender hung up before the end; half a body must not land as a whole one.
        """
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        announced = headers.get("content-length", "")
        if announced.isdigit() and int(announced) > limit_bytes:
            raise TooLarge
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            body += message.get("body", b"")
            if len(body) > limit_bytes:
                raise TooLarge
            more = message.get("more_body", False)
        return Delivery(
            method=scope["method"],
            public_url=self.public_url or f"{scope['scheme']}://{headers.get('host', '')}",
            path=scope["raw_path"].partition(b"?")[0].decode("latin-1"),
            query=scope["query_string"].decode("latin-1"),
            headers=headers,
            body=bytes(body),
        )

    async def _verify(self, channel: str, delivery: Delivery, secrets: Secrets) -> None:
        receiver = self.receivers[channel]
        find = getattr(receiver, "certificates_url", None)
        if find is None:
            receiver.verify(delivery, secrets, now=datetime.now(UTC))
            return
        url = find(secrets)
        try:
            # What a forger can get wrong without a key is looked at before anybody is asked for one.
            held = Secrets(secrets.keys, self.certificates.held(url))
            receiver.verify(delivery, held, now=datetime.now(UTC))
        except UnknownKey as unknown:
            # Asked for, though not for every forger: they may be newer.
            certificates = await self.certificates.at(url, key_id=unknown.key_id)
            receiver.verify(delivery, Secrets(secrets.keys, certificates), now=datetime.now(UTC))

    def _shake_hands(self, channel: str, answer: Answer) -> Answered:
        """Counted only: the query holds the verify token."""
        self.metrics.count(channel, "handshake" if answer.status == 200 else "handshake_refused")
        return _answered(answer)

    def _outcome(self, channel: str, outcome: str, status: int) -> Answered:
        self.metrics.count(channel, outcome)
        return status, b"", [(b"retry-after", b"5")] if status == 503 else []

    def _keep_refusal(
        self, channel: str, connection_id: str, reason: str, scope: Scope, delivery: Delivery
    ) -> None:
        now = time.monotonic()
        since, kept = self._refusals.get(connection_id, (now, 0))
        if now - since > 60:
            since, kept = now, 0
        self._refusals[connection_id] = (since, kept + 1)
        if kept >= REFUSALS_KEPT_PER_MINUTE:
            return
        log.warning("%s %s: refused: %s", channel, connection_id, reason)
        task = asyncio.create_task(
            self.landing.refuse(
                channel=channel,
                connection_id=connection_id,
                reason=reason,
                remote=scope["client"][0] if scope.get("client") else None,
                delivery=delivery,
            )
        )
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _answered(answer: Answer) -> Answered:
    kind = answer.content_type
    return answer.status, answer.body, [(b"content-type", kind.encode())] if kind else []


def create_app(settings: Settings | None = None) -> FastAPI:
    """The receiver's ASGI application; it opens its connections when it starts."""
    settings = settings or Settings()
    url = settings.url_for(Role.RECEIVER)
    pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
        url,
        min_size=1,
        max_size=3,
        open=False,
        timeout=2,
        # One that the server closed, for it was started again, is not what the first delivery is given.
        check=AsyncConnectionPool.check_connection,
        kwargs={"autocommit": True, "application_name": "crm receiver", "connect_timeout": 3},
    )
    landing = Landing(url)
    readiness = Readiness(landing)
    reception = Reception(settings, landing, Connections(pool, settings))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # Without waiting: the receiver starts while the warehouse is away, and says so in /readyz.
        await pool.open(wait=False)
        await landing.start()
        loading = asyncio.create_task(reception.connections.load())
        await asyncio.wait({loading}, timeout=LOAD_SECONDS)
        yield
        loading.cancel()
        await readiness.close()
        await landing.stop()
        await pool.close()

    class Receiving(FastAPI):
        """FastAPI for what watches over the receiver; deliveries go straight to the reception."""

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http" and scope["path"].startswith(PREFIX):
                await reception(scope, receive, send)
            else:
                await super().__call__(scope, receive, send)

    app = Receiving(
        title="CRM correspondence receiver",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.reception = reception

    admin = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.admin = admin

    @app.get("/healthz")
    @admin.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @admin.get("/readyz")
    async def readyz() -> Response:
        if await readiness.holds():
            return Response('{"status": "ready"}', media_type="application/json")
        return Response(
            '{"status": "the warehouse takes no writes"}',
            503,
            headers=RETRY_AFTER,
            media_type="application/json",
        )

    @admin.get("/metrics")
    async def metrics() -> Response:
        return Response(
            generate_latest(reception.metrics.registry), media_type="text/plain; version=0.0.4"
        )

    return app
