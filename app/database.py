"""The app's connections to the warehouse: one pool per process, signed in as `crm_app`."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg.abc import Buffer
from psycopg.rows import dict_row
from psycopg.types.string import StrDumperUnknown
from psycopg_pool import ConnectionPool, PoolTimeout

from warehouse.sanitise import sanitised_text
from warehouse.settings import Role, Settings

#: What a driver or the pool raises when the warehouse does not answer, or its models are being made anew.
AWAY = (psycopg.OperationalError, PoolTimeout, psycopg.errors.UndefinedTable)
#: A statement ran into STATEMENT_TIMEOUT_MS. It is an OperationalError too: catch it before AWAY.
TOO_SLOW = psycopg.errors.QueryCanceled
#: A page that waits longer than this for one statement is better told so.
STATEMENT_TIMEOUT_MS = 5_000
#: How long a page waits for a connection before it says that the warehouse is away.
WAIT_SECONDS = 3.0
#: The pool tries this long to mend a lost connection, then anew at the next request: a short time,
#: because its pauses grow and would outlast the outage.
RECONNECT_SECONDS = 5.0

#: A connection that was given back so long ago at most is taken without asking whether it still stands.
UNASKED_SECONDS = 1.0

Row = dict[str, Any]
Database = psycopg.Connection[Row]

_lock = threading.Lock()
_settings: Settings | None = None
_pool: ConnectionPool[Database] | None = None
_used_at: WeakKeyDictionary[Database, float] = WeakKeyDictionary()


class StorableText(StrDumperUnknown):
    """Text as PostgreSQL can store and compare it, whatever was typed or stands in an address."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(sanitised_text(obj))


def use(settings: Settings) -> None:
    """Take these settings for the whole process, closing the pool of former ones."""
    global _settings
    close()
    _settings = settings


def close() -> None:
    """Close the pool; the next use opens another."""
    global _pool
    with _lock:
        former, _pool = _pool, None
    if former:
        former.close()


def settings() -> Settings:
    """The settings of this process, from the environment unless `use` gave others."""
    global _settings
    if _settings is None:
        _settings = Settings()
    return _settings


def pool() -> ConnectionPool[Database]:
    """The pool, opened at first use. It does not fail while the warehouse is away; taking does."""
    global _pool
    chosen = settings()
    with _lock:
        if _pool is None:
            _pool = opened(chosen.url_for(Role.APP), name="app")
        return _pool


def opened(
    url: str,
    *,
    name: str,
    connection_class: type[Database] = psycopg.Connection[Row],
    wait_seconds: float = WAIT_SECONDS,
) -> ConnectionPool[Database]:
    """A pool of connections as pages need them."""
    return ConnectionPool(
        url,
        connection_class=connection_class,
        kwargs={
            "row_factory": dict_row,
            "application_name": "crm app",
            "connect_timeout": 3,
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS}"
            " -c idle_in_transaction_session_timeout=10000 -c timezone=UTC"
            # A page's statement is over before a parallel worker has started.
            " -c max_parallel_workers_per_gather=0",
        },
        min_size=1,
        max_size=10,
        timeout=wait_seconds,
        reconnect_timeout=RECONNECT_SECONDS,
        configure=_configure,
        check=_check,
        reset=_used,
        open=True,
        name=name,
    )


@contextmanager
def statements() -> Iterator[Database]:
    """A connection on which each statement stands by itself: one round trip, where a transaction costs three."""
    with pool().connection() as connection:
        connection.autocommit = True
        try:
            yield connection
        finally:
            if not connection.closed:
                connection.autocommit = False


def _configure(connection: Database) -> None:
    connection.adapters.register_dumper(str, StorableText)


def _used(connection: Database) -> None:
    # Whoever comes next has other limits, or none (app/access/limits.py).
    connection.cursor_factory = psycopg.Cursor
    connection.server_cursor_factory = psycopg.ServerCursor
    _used_at[connection] = time.monotonic()


def _check(connection: Database) -> None:
    """Whether it still stands. One that was used a moment ago is not asked: a lost one fails soon enough."""
    if time.monotonic() - _used_at.get(connection, 0.0) > UNASKED_SECONDS:
        ConnectionPool.check_connection(connection)


def answers() -> bool:
    """Whether the warehouse takes a statement now."""
    try:
        with pool().connection(timeout=1.0) as database:
            database.execute("select 1")
    except AWAY:
        return False
    return True
