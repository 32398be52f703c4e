"""What the receiver knows of connections and certificates, kept for some seconds.

A known connection keeps verifying while the warehouse is away, so that its deliveries get a 503 and
come again, and not a 404 that a provider may take as final. All of them are known from the start on.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from dataclasses import dataclass
from typing import Any

import psycopg
from cryptography.fernet import InvalidToken
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from providers.failures import TryLater
from providers.google.certificates import certificates_at
from warehouse import connections
from warehouse.settings import Settings
from webhooks import Secrets, Unverifiable
from webhooks.landing import StorageAway

KNOWN_SECONDS = 5.0
#: After a start while the warehouse is away it is asked again so often.
LOAD_PAUSE_SECONDS = 1.0
#: An unknown id is asked for at most this often, so that guessing ids cannot busy the database.
UNKNOWN_SECONDS = 1.0
MOST_UNKNOWN = 10_000
#: More than these wait for nobody: 503, so that a new connection's first delivery comes again.
MOST_GUESSING = 200
CERTIFICATES_SECONDS = 300.0
#: A token with an unknown key id may mean that the keys were rotated: look again, but not for every forger.
CERTIFICATES_PAUSE_SECONDS = 10.0
CERTIFICATES_PATIENCE_SECONDS = 5.0


@dataclass(slots=True)
class _Known:
    secrets: Secrets | None
    channel: str
    until: float

    @property
    def is_old(self) -> bool:
        return self.until < time.monotonic()


class Connections:
    """Connections by id, read through a small pool."""

    def __init__(self, pool: AsyncConnectionPool[Any], settings: Settings) -> None:
        self._pool = pool
        self._settings = settings
        self._known: dict[str, _Known] = {}
        #: Ids that nobody knows are looked up one at a time: guessing must not take the connections of the others.
        self._guesses = asyncio.Semaphore(1)
        self._guessing = 0

    async def load(self) -> None:
        """Get to know all connections that there are; goes on trying while the warehouse is away."""
        while True:
            try:
                async with self._pool.connection(timeout=2) as database:
                    cursor = database.cursor(row_factory=dict_row)
                    await cursor.execute(connections.SQL["all_to_verify"])
                    rows = await cursor.fetchall()
            except (psycopg.Error, PoolTimeout):
                await asyncio.sleep(LOAD_PAUSE_SECONDS)
                continue
            for row in rows:
                # One that cannot be opened says so when something comes for it.
                with contextlib.suppress(StorageAway):
                    self._known.setdefault(row["connection_id"], self._opened(row))
            return

    async def secrets(self, channel: str, connection_id: str) -> Secrets | None:
        """What verifies deliveries of this connection; None where there is no such one on the channel.

        Raises:
            StorageAway: the warehouse is away and the connection was not known before.
        """
        known = self._known.get(connection_id)
        if known is None or (known.is_old and known.secrets is None):
            known = await self._guess(connection_id)
        elif known.is_old:
            known = await self._look_up(connection_id, known)
        return known.secrets if known.channel == channel else None

    async def _guess(self, connection_id: str) -> _Known:
        if self._guessing >= MOST_GUESSING:
            raise StorageAway("too many unknown connections are asked for")
        self._guessing += 1
        try:
            async with self._guesses:
                # Whoever waited longer may have asked for the same one.
                known = self._known.get(connection_id)
                if known is None or known.is_old:
                    known = await self._look_up(connection_id, known)
                return known
        finally:
            self._guessing -= 1

    async def _look_up(self, connection_id: str, stale: _Known | None) -> _Known:
        now = time.monotonic()
        try:
            async with self._pool.connection(timeout=2) as database:
                cursor = database.cursor(row_factory=dict_row)
                await cursor.execute(
                    connections.SQL["one_to_verify"], {"connection_id": connection_id}
                )
                row = await cursor.fetchone()
        except (psycopg.Error, PoolTimeout) as fault:
            if stale is not None and stale.secrets is not None:
                stale.until = now + KNOWN_SECONDS
                return stale
            raise StorageAway(type(fault).__name__) from None
        if row is None:
            known = _Known(None, "", now + UNKNOWN_SECONDS)
            self._forget_unknown()
        else:
            known = self._opened(row)
        self._known[connection_id] = known
        return known

    def _opened(self, row: dict[str, Any]) -> _Known:
        try:
            if row["secrets"] is None:
                raise InvalidToken
            connection = connections.open_row(row, self._settings, connections.SIGNING)
        except InvalidToken:
            # Stored under another master key (warehouse.connections.seal_signing): nothing can be proven now.
            raise StorageAway("the connection's secrets are sealed for somebody else") from None
        keys = {**connection.settings, **connection.secrets}
        return _Known(Secrets(keys), connection.channel, time.monotonic() + KNOWN_SECONDS)

    def _forget_unknown(self) -> None:
        if len(self._known) > MOST_UNKNOWN:
            self._known = {key: known for key, known in self._known.items() if known.secrets}


class Certificates:
    """Signing certificates by URL. The last good set is used while the provider is out of reach."""

    def __init__(self) -> None:
        self._sets: dict[str, dict[str, str]] = {}
        self._until: dict[str, float] = {}
        self._asked: dict[str, float] = {}
        self._fetching: dict[str, asyncio.Task[None]] = {}

    async def at(self, url: str, *, key_id: str | None = None) -> dict[str, str]:
        """Key id to PEM.

        Raises:
            Unverifiable: there is no set yet and none can be fetched.
        """
        held = self._sets.get(url)
        if held is None or key_id is None or key_id not in held:
            fetching = self._fetch_if_due(url)
            if fetching is not None:
                # Whoever waits waits for the same answer, and not for each other.
                await asyncio.shield(fetching)
        if url not in self._sets:
            raise Unverifiable("the certificates cannot be fetched")
        return self._sets[url]

    def held(self, url: str) -> dict[str, str]:
        """Those that are here, at once. Old ones are asked for anew beside it: nobody waits for that."""
        if url in self._sets and self._until.get(url, 0.0) < time.monotonic():
            self._fetch_if_due(url)
        return self._sets.get(url, {})

    def _fetch_if_due(self, url: str) -> asyncio.Task[None] | None:
        """What is being fetched; None where it was asked for a moment ago."""
        under_way = self._fetching.get(url)
        if under_way is not None and not under_way.done():
            return under_way
        if self._asked.get(url, -1e9) + CERTIFICATES_PAUSE_SECONDS > time.monotonic():
            return None
        self._asked[url] = time.monotonic()
        self._fetching[url] = asyncio.create_task(self._fetch(url))
        return self._fetching[url]

    async def _fetch(self, url: str) -> None:
        try:
            # The client's own limit is for each piece that comes.
            async with asyncio.timeout(CERTIFICATES_PATIENCE_SECONDS):
                self._sets[url], cache_control = await certificates_at(url)
        except (TryLater, TimeoutError):
            return
        self._until[url] = time.monotonic() + _max_age(cache_control)


def _max_age(cache_control: str) -> float:
    found = re.search(r"max-age=(\d{1,9})", cache_control)
    return float(found.group(1)) if found else CERTIFICATES_SECONDS
