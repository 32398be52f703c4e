"""Landing: many concurrent requests, one durable commit.

Each request waits for the commit of its batch. A batch is whatever arrived while the batch before it was
being committed, so one lone delivery waits for nobody and a flood shares its fsyncs.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg
from psycopg.types.json import Jsonb

from warehouse.queries import queries
from warehouse.sanitise import sanitised_text
from webhooks import Delivery
from webhooks.payloads import Payload, read_payload

SQL = queries("landing")
#: A statement must stay well below the provider's patience (Twilio: 15 s in all).
WAIT_SECONDS = 10.0
CONNECT_SECONDS = 3
#: How long an answer about readiness holds, and how long it may take.
READY_SECONDS = 1.0
READY_PATIENCE_SECONDS = 5.0
#: So long after a delivery was not stored nobody is told that the next one would be, whatever a trial says.
FAILED_SECONDS = 10.0
#: Stands in no row: what is tried under it is taken back.
REHEARSAL = "rehearsal"
MOST_IN_BATCH = 500
MOST_BYTES_IN_BATCH = 8 * 1024 * 1024
MOST_WAITING = 5_000
MOST_BYTES_WAITING = 64 * 1024 * 1024
#: One commits while the next batch gathers; a second one was slower (benchmarks/landing).
WRITERS = 1
#: Proofs that could be used again, and cookies, are not kept.
UNKEPT_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})

log = logging.getLogger("crm.receiver")


class StorageAway(Exception):
    """The delivery was not stored, or it is unknown whether it was: the provider must send it again."""


@dataclass(frozen=True, slots=True)
class Landed:
    """One delivery ready for the database, with the column values of raw.webhook_deliveries."""

    delivery_id: uuid.UUID
    received_at: datetime
    channel: str
    connection_id: str
    delivery_key: str
    delivery: Delivery
    payload: Payload

    @property
    def size_bytes(self) -> int:
        return len(self.delivery.body)


def prepare(
    *,
    channel: str,
    connection_id: str,
    delivery_key: str,
    delivery: Delivery,
    received_at: datetime,
) -> Landed:
    """A delivery with its payload read. Cannot fail: what cannot be read is landed as bytes with the reason."""
    payload = read_payload(
        content_type=delivery.content_type, body=delivery.body, query=delivery.query
    )
    return Landed(
        uuid7(received_at), received_at, channel, connection_id, delivery_key, delivery, payload
    )


def uuid7(moment: datetime) -> uuid.UUID:
    """A UUID that sorts by time (RFC 9562, version 7), so that its index grows at one end."""
    milliseconds = int(moment.timestamp() * 1000) & ((1 << 48) - 1)
    random = int.from_bytes(os.urandom(10), "big")
    value = milliseconds << 80 | 0x7 << 76 | (random >> 68 & 0xFFF) << 64 | 0b10 << 62
    return uuid.UUID(int=value | random & ((1 << 62) - 1))


class Landing:
    """The writers and what waits for them. One per process; started and stopped with it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._waiting: deque[tuple[Landed, asyncio.Future[None]]] = deque()
        self._waiting_bytes = 0
        self._arrived = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        #: When a batch was not stored; None where the last one was.
        self._failed_at: float | None = None
        #: Sizes of batches and seconds of commits, for the metrics.
        self.observe: Any = lambda rows, seconds: None

    @property
    def is_failing(self) -> bool:
        """Whether the last batch was not stored, lately."""
        return self._failed_at is not None and time.monotonic() < self._failed_at + FAILED_SECONDS

    async def start(self) -> None:
        self._tasks = [asyncio.create_task(self._write_for_ever()) for _ in range(WRITERS)]

    async def stop(self) -> None:
        """Let what waits be written, then end. What cannot be is refused, never dropped silently."""
        waiting = [future for _, future in self._waiting]
        if waiting:
            await asyncio.wait(waiting, timeout=3)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while self._waiting:
            self._settle([self._waiting.popleft()], StorageAway("the receiver is stopping"))

    async def land(self, landed: Landed) -> None:
        """Return after the commit that holds the delivery, or the one that held it before.

        Raises:
            StorageAway: it is not known to be stored.
        """
        full = len(self._waiting) >= MOST_WAITING
        if full or self._waiting_bytes + landed.size_bytes > MOST_BYTES_WAITING:
            raise StorageAway("too many deliveries are waiting")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((landed, future))
        self._waiting_bytes += landed.size_bytes
        self._arrived.set()
        patience = future.get_loop().call_later(WAIT_SECONDS, _give_up, future)
        try:
            await future
        finally:
            patience.cancel()

    async def _write_for_ever(self) -> None:
        connection: psycopg.AsyncConnection[Any] | None = None
        while True:
            batch = await self._next_batch()
            try:
                started = time.perf_counter()
                connection = await self._write_batch(connection, [landed for landed, _ in batch])
                self.observe(len(batch), time.perf_counter() - started)
                self._failed_at = None
                self._settle(batch, None)
            except asyncio.CancelledError:
                self._settle(batch, StorageAway("the receiver is stopping"))
                if connection is not None:
                    await connection.close()
                raise
            except Exception as fault:
                # Whatever it was, every sender must hear that his delivery is not known to be stored.
                log.warning(
                    "landing failed for %d deliveries: %s", len(batch), type(fault).__name__
                )
                self._failed_at = time.monotonic()
                self._settle(batch, StorageAway(type(fault).__name__))
                if connection is not None:
                    await connection.close()
                connection = None

    async def _write_batch(
        self, connection: psycopg.AsyncConnection[Any] | None, batch: list[Landed]
    ) -> psycopg.AsyncConnection[Any]:
        """Write on the connection that is there, or once more on a fresh one where the server has ended it.

        Some senders never send again, so what a restarted server leaves behind must not cost a delivery. If the lost
        one did commit, the keys are there and the second writing finds them.
        """
        if connection is not None and not (connection.broken or connection.closed):
            try:
                await self._write(connection, batch)
                return connection
            except psycopg.OperationalError:
                if not (connection.broken or connection.closed):
                    raise
        fresh = await self._connect()
        try:
            await self._write(fresh, batch)
        except BaseException:
            await fresh.close()
            raise
        return fresh

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        return await psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            application_name="crm receiver",
            connect_timeout=CONNECT_SECONDS,
            options=f"-c statement_timeout={int(WAIT_SECONDS * 1000)} -c synchronous_commit=on",
        )

    async def _next_batch(self) -> list[tuple[Landed, asyncio.Future[None]]]:
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        batch: list[tuple[Landed, asyncio.Future[None]]] = []
        size = 0
        while self._waiting and len(batch) < MOST_IN_BATCH and size < MOST_BYTES_IN_BATCH:
            item = self._waiting.popleft()
            self._waiting_bytes -= item[0].size_bytes
            size += item[0].size_bytes
            # Who gave up waiting sends again; his copy would only be written twice.
            if not item[1].done():
                batch.append(item)
        return batch

    @staticmethod
    def _settle(
        batch: Sequence[tuple[Landed, asyncio.Future[None]]], fault: StorageAway | None
    ) -> None:
        for _, future in batch:
            if future.done():
                continue
            if fault is None:
                future.set_result(None)
            else:
                future.set_exception(fault)

    async def _write(self, connection: psycopg.AsyncConnection[Any], batch: list[Landed]) -> None:
        if not batch:
            return
        try:
            await connection.execute(SQL["land"], _columns(batch))
        except (
            psycopg.DataError,
            psycopg.errors.StatementTooComplex,
            psycopg.errors.ProgramLimitExceeded,
        ):
            # One payload that jsonb refuses must not keep its neighbours out.
            if len(batch) > 1:
                for landed in batch:
                    await self._write(connection, [landed])
                return
            if batch[0].payload.text is None:
                raise
            await connection.execute(SQL["land"], _columns([without_payload(batch[0])]))

    async def refuse(
        self,
        *,
        channel: str,
        connection_id: str,
        reason: str,
        remote: str | None,
        delivery: Delivery,
    ) -> None:
        """Keep a sample of a refused delivery. Best effort: a flood of forgeries must not cost us more."""
        try:
            async with await self._connect() as connection:
                await connection.execute(
                    SQL["refuse"],
                    {
                        "channel": channel,
                        "connection_id": connection_id,
                        "reason": reason,
                        "remote_address": remote,
                        "headers": Jsonb(kept_headers(delivery)),
                        "body_start": delivery.body[:4096],
                        "body_bytes": len(delivery.body),
                    },
                )
        except psycopg.Error as fault:
            log.warning("%s %s: refusal not kept: %s", channel, connection_id, type(fault).__name__)


class Readiness:
    """Whether a delivery would be stored now.

    The last one was, or that is a while ago; an invented one is taken, by the statement and into the tables of the real
    ones, before it is taken back; and a write that is tried is committed. None of the three tells enough alone: a full
    disk may still take a small write, a table may refuse what another one takes, and a rehearsal commits nothing.
    Asked however often, it is tried once a second at most, on one connection of its own.
    """

    def __init__(self, landing: Landing) -> None:
        self._landing = landing
        self._alone = asyncio.Lock()
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._known, self._until = False, 0.0

    async def holds(self) -> bool:
        async with self._alone:
            if time.monotonic() > self._until:
                self._known = await self._try()
                self._until = time.monotonic() + READY_SECONDS
        return self._known and not self._landing.is_failing

    async def _try(self) -> bool:
        for _ in range(2):
            try:
                async with asyncio.timeout(READY_PATIENCE_SECONDS):
                    if self._connection is None:
                        self._connection = await self._landing._connect()
                    async with self._connection.transaction(force_rollback=True):
                        await self._connection.execute(SQL["land"], _columns([_invented()]))
                    cursor = await self._connection.execute(SQL["try_write"])
                    return (await cursor.fetchone()) == (True,)
            except (psycopg.Error, TimeoutError):
                # One that the server closed meanwhile: a fresh one tells.
                await self.close()
        return False

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
        self._connection = None


def _invented() -> Landed:
    """A delivery of nobody, of which nothing is kept."""
    return prepare(
        channel=REHEARSAL,
        connection_id=REHEARSAL,
        delivery_key=uuid.uuid4().hex,
        delivery=Delivery(
            method="POST", public_url="", path="/", query="", headers={}, body=b"Body=x"
        ),
        received_at=datetime.now(UTC),
    )


def _give_up(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_exception(StorageAway("the warehouse did not answer in time"))


def without_payload(landed: Landed) -> Landed:
    """The same delivery, to be landed as bytes only."""
    return Landed(
        landed.delivery_id,
        landed.received_at,
        landed.channel,
        landed.connection_id,
        landed.delivery_key,
        landed.delivery,
        Payload(None, "the database cannot hold the payload as JSON"),
    )


def kept_headers(delivery: Delivery) -> dict[str, str]:
    """The headers without what could be used again, made storable."""
    return {
        sanitised_text(name): sanitised_text(value)
        for name, value in delivery.headers.items()
        if name not in UNKEPT_HEADERS
    }


def _columns(batch: Sequence[Landed]) -> dict[str, list[Any]]:
    return {
        "delivery_id": [landed.delivery_id for landed in batch],
        "received_at": [landed.received_at for landed in batch],
        "channel": [landed.channel for landed in batch],
        "connection_id": [landed.connection_id for landed in batch],
        "delivery_key": [landed.delivery_key for landed in batch],
        "method": [landed.delivery.method for landed in batch],
        "path": [landed.delivery.path for landed in batch],
        "query": [landed.delivery.query for landed in batch],
        "headers": [orjson.dumps(kept_headers(landed.delivery)).decode() for landed in batch],
        "content_type": [landed.delivery.content_type for landed in batch],
        "body": [landed.delivery.body for landed in batch],
        "payload": [landed.payload.text for landed in batch],
        "payload_error": [landed.payload.error for landed in batch],
        "payload_repaired": [landed.payload.repaired for landed in batch],
    }
