"""Tokens that live for weeks, renewed long before they die (docs/providers/instagram.md).

    token, a week old ──> Graph: refresh_access_token ──> crm.renew_secrets ──> crm.connections, crm.events

A token of an Instagram Login lives for 60 days and can be renewed as long as it lives. Those of system users and pages
cannot be renewed here, and may die after 60 days too: Meta is asked when, once a day, and the health says so when a
month is left. When a token dies stands in `jobs.connection_health` (job `token`, detail `expires_at`); then pulling
stops, and receiving goes on.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from providers.failures import NeedsAdmin, ProviderFailed
from providers.health import Health
from providers.meta import access
from providers.meta.client import Graph
from warehouse import connections
from warehouse.queries import queries
from warehouse.settings import Role, Settings

SQL = queries("pipelines")
#: An admin hears of a token that nobody renews while half of its sixty days is left.
TOLD_BEFORE = timedelta(days=30)


def look_after(settings: Settings, connection_id: str) -> datetime | None:
    """Renew the token of a connection, or see when it dies; returns when that is, None where it does not.

    Raises:
        ProviderFailed: and its kinds; NeedsAdmin also where a token that cannot be renewed dies within a month.
    """
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as database:
        connection = connections.open_row(_row(database, connection_id), settings)
        if not access.is_login(connection):
            return _seen(database, connection)
    return renew(settings, connection_id)


def _seen(database: psycopg.Connection[Any], connection: connections.Connection) -> datetime | None:
    """When a token that is not renewed here dies, noted in the health."""
    health = Health(database, connection.connection_id, "token")
    with health.recorded():
        ends_at = Graph(connection).token_ends_at()
        health.detail = {"expires_at": ends_at.isoformat() if ends_at else None}
        health.progressed()
        if ends_at and ends_at - datetime.now(UTC) < TOLD_BEFORE:
            raise NeedsAdmin(
                f"{connection.channel} connection {connection.connection_id}: "
                f"{_end(database, connection.connection_id)}; make one that does not expire, and set it with "
                "./crm connection rotate"
            )
    return ends_at


def renew(settings: Settings, connection_id: str) -> datetime:
    """Renew the token of a connection; returns when the new one dies.

    Raises:
        ProviderFailed: and its kinds, in words for an admin that say when the present token dies.
    """
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as database:
        row = _row(database, connection_id)
        health = Health(database, connection_id, "token")
        with health.recorded():
            try:
                token, seconds = Graph(connections.open_row(row, settings)).renewed_token()
            except connections.UnusableConnection as error:
                raise ProviderFailed(str(error)) from None
            except ProviderFailed as failure:
                failure.args = (f"{failure}; {_end(database, connection_id)}",)
                raise
            now = datetime.now(UTC).replace(microsecond=0)
            expires_at = now + timedelta(seconds=seconds)
            _store(database, settings, row, token, expires_at)
            health.detail = {"renewed_at": now.isoformat(), "expires_at": expires_at.isoformat()}
    return expires_at


def _row(database: psycopg.Connection[Any], connection_id: str) -> dict[str, Any]:
    with database.cursor(row_factory=dict_row) as cursor:
        cursor.execute(connections.SQL["one_connection"], {"connection_id": connection_id})
        row = cursor.fetchone()
    if row is None:
        raise ProviderFailed(f"no connection {connection_id}")
    return row


def _store(
    database: psycopg.Connection[Any],
    settings: Settings,
    row: dict[str, Any],
    token: str,
    expires_at: datetime,
) -> None:
    """The new token in the place of the old one, unless an admin set another one meanwhile."""
    secrets = {**connections.open_row(row, settings).secrets, "access_token": token}
    stored = database.execute(
        SQL["renew_secrets"],
        {
            "connection_id": row["connection_id"],
            "known": row["secrets"],
            "renewed": connections.cipher(settings).encrypt(json.dumps(secrets).encode()),
            "valid_until": expires_at,
        },
    ).fetchone()
    if stored != (True,):
        raise ProviderFailed(
            f"{row['channel']} connection {row['connection_id']}: its secrets were changed while the "
            "token was renewed; those count"
        )


def _end(database: psycopg.Connection[Any], connection_id: str) -> str:
    """When the present token dies, in words."""
    known = database.execute(SQL["token_end"], {"connection_id": connection_id}).fetchone()
    if known is None or known[0] is None:
        return "when the present token dies is not known: 60 days after it was made"
    ended = datetime.fromisoformat(known[0])
    verb = "died" if ended < datetime.now(UTC) else "dies"
    return f"the present token {verb} on {ended:%d %B %Y}"
