"""Connections as the command line writes them: each change with its event, in the caller's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from operations.invocation import actor
from warehouse.refusals import Refused

if TYPE_CHECKING:
    import psycopg

    from warehouse.connections import Connection
    from warehouse.settings import Settings


def insert(
    database: psycopg.Connection[Any],
    settings: Settings,
    channel: str,
    name: str,
    values: dict[str, str],
    base: str,
) -> dict[str, str]:
    """Add the connection with its event; `{"connection_id", "webhook_url", "verify_token"}`.

    Raises:
        UnusableConnection: unknown channel, unknown or missing keys, an address of our own.
    """
    from warehouse import connections

    made = connections.add(
        database, settings, channel=channel, name=name, values=values, actor=actor().name
    )
    record_event(database, "connection.add", made, {"name": name, "keys": sorted(values)})
    return {
        "connection_id": made.connection_id,
        "webhook_url": base + connections.webhook_path(made),
        "verify_token": made.required("verify_token"),
    }


def existing(
    database: psycopg.Connection[Any], settings: Settings, connection_id: str
) -> Connection:
    """The connection of this id.

    Raises:
        Refused: there is none.
    """
    from warehouse import connections

    found = connections.find(database, settings, connection_id)
    if found is None:
        raise Refused(f"there is no connection {connection_id}: see ./crm connection list")
    return found


def record_event(
    database: psycopg.Connection[Any],
    action: str,
    connection: Connection,
    detail: dict[str, Any],
) -> None:
    """The event of a change of a connection: keys by name, never their values."""
    from warehouse.events import record

    event = actor().event(
        action,
        "connection",
        connection.connection_id,
        detail={"channel": connection.channel, **detail},
    )
    record(database, event)
