"""Connections: one account on one channel, with its credentials and its webhook.

What is secret lies in the database only as a Fernet token; the key comes from the settings. The
token of a connection is bound to nothing but the key, so rotating the master key re-encrypts rows.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import logging
import secrets as random_secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, LiteralString

import psycopg
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from warehouse import own_programs
from warehouse.channels import Channel, registry
from warehouse.queries import queries
from warehouse.settings import Settings

SQL = queries("connections")
log = logging.getLogger(__name__)
#: Purposes of keys: all secrets of a connection, and those that prove a delivery, which is all that the receiver opens.
SECRETS = "connection secrets"
SIGNING = "signing secrets"


class UnusableConnection(Exception):
    """Keys are unknown or missing, the channel is, or a value is an address of our own; the text names them."""


@dataclass(frozen=True, kw_only=True)
class Connection:
    """One connection, opened. `secrets` is kept out of every representation."""

    connection_id: str
    channel: str
    name: str
    settings: dict[str, str]
    secrets: dict[str, str] = field(repr=False)
    disabled_at: datetime | None = None

    def value(self, key: str) -> str | None:
        """A key's value wherever it is kept; None where it was not given."""
        return self.settings.get(key) or self.secrets.get(key) or None

    def required(self, key: str) -> str:
        """A key's value.

        Raises:
            UnusableConnection: the connection was made without it.
        """
        found = self.value(key)
        if not found:
            raise UnusableConnection(
                f"{self.channel} connection {self.connection_id}: {key} is not set"
            )
        return found

    def several(self, key: str) -> list[str]:
        """The comma-separated values of a key: numbers, domains, or secrets that rotate."""
        return [part.strip() for part in (self.value(key) or "").split(",") if part.strip()]


def cipher(settings: Settings, purpose: str = SECRETS) -> MultiFernet:
    """Encrypts with the first master key, decrypts with any."""
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in settings.derived(purpose)])


def sealed(settings: Settings, channel: str, secrets: dict[str, str]) -> dict[str, bytes]:
    """Both columns: everything, and for the receiver what proves a delivery, under a key of its own."""
    known = registry().get(channel)
    proving = {*(known.signing_keys if known else ()), "verify_token"}
    signing = {key: value for key, value in secrets.items() if key in proving}
    return {
        "secrets": cipher(settings).encrypt(json.dumps(secrets).encode()),
        "signing": cipher(settings, SIGNING).encrypt(json.dumps(signing).encode()),
    }


def seal_signing(database: psycopg.Connection[Any], settings: Settings) -> None:
    """What proves a delivery, for connections that a former version made."""
    with database.cursor(row_factory=class_row(_Row)) as cursor:
        rows = cursor.execute(SQL["without_signing"]).fetchall()
    for row in rows:
        try:
            opened = open_row(row, settings)
        except InvalidToken:
            # Stored under another key: its pulls say so, and nothing else must wait for it.
            log.warning("connection %s cannot be opened with this master key", row.connection_id)
            continue
        database.execute(
            SQL["set_signing"],
            {
                "connection_id": row.connection_id,
                "signing": sealed(settings, row.channel, opened.secrets)["signing"],
            },
        )


def check_keys(settings: Settings, channel: Channel, values: dict[str, str]) -> None:
    """
    Raises:
        UnusableConnection: names every unknown and every missing key at once, or one that would have us ask ourselves.
    """
    unknown = sorted(set(values) - set(channel.keys))
    missing = [key for key in channel.required_keys if not values.get(key)]
    problems = []
    if unknown:
        problems.append(f"unknown: {', '.join(unknown)} (known: {', '.join(channel.keys)})")
    if missing:
        problems.append(f"missing: {', '.join(missing)}")
    if problems:
        raise UnusableConnection(f"{channel.channel}: {'; '.join(problems)}")
    for key in own_programs.named_by(settings, values):
        raise UnusableConnection(f"{key} is an address of our own, not the provider's")


def draft(settings: Settings, channel: str, name: str, values: dict[str, str]) -> Connection:
    """A connection with its id and its verify token, which is stored nowhere yet.

    Raises:
        UnusableConnection: the channel or a key is unknown, a key is missing, or an address is one of ours.
    """
    known = registry().get(channel)
    if known is None:
        raise UnusableConnection(f"unknown channel {channel} (known: {', '.join(registry())})")
    check_keys(settings, known, values)
    plain, secret = parted(known, values)
    secret["verify_token"] = random_secrets.token_urlsafe(24)
    return Connection(
        connection_id=random_secrets.token_hex(8),
        channel=channel,
        name=name,
        settings=plain,
        secrets=secret,
    )


def parted(channel: Channel, values: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The keys that may be read, and those that may not."""
    hidden = {*channel.secret_keys, "verify_token"}
    plain = {key: value for key, value in values.items() if key not in hidden}
    return plain, {key: value for key, value in values.items() if key in hidden}


def changed(
    settings: Settings, connection: Connection, values: dict[str, str], *, drop_old: bool = False
) -> Connection:
    """The connection with other values; an empty one takes an optional key away.

    A secret that signs is put before the old one, so that both ends may change over in peace.

    Args:
        drop_old: forget the older values of the secrets given: the provider has changed over.

    Raises:
        UnusableConnection: a key is unknown, one that is needed would be missing, or an address is one of ours.
    """
    channel = registry()[connection.channel]
    kept = {**connection.settings, **connection.secrets}
    for key, value in values.items():
        if key in channel.signing_keys and value and not drop_old:
            older = [each for each in connection.several(key) if each != value]
            value = ",".join([value, *older])
        kept[key] = value
    token = kept.pop("verify_token", "")
    kept = {key: value for key, value in kept.items() if value}
    check_keys(settings, channel, kept)
    plain, secret = parted(channel, {**kept, "verify_token": token})
    return dataclasses.replace(connection, settings=plain, secrets=secret)


def rotated(
    settings: Settings, connection: Connection, new: dict[str, str], *, drop_old: bool
) -> Connection:
    """The connection with new secrets.

    Raises:
        UnusableConnection: a key is no secret of this channel, or a value is empty.
    """
    channel = registry()[connection.channel]
    wrong = sorted(set(new) - set(channel.secret_keys))
    if wrong:
        known = ", ".join(channel.secret_keys)
        raise UnusableConnection(
            f"{channel.channel}: not a secret: {', '.join(wrong)} (secrets: {known})"
        )
    empty = sorted(key for key, value in new.items() if not value.strip())
    if empty:
        raise UnusableConnection(f"{channel.channel}: empty: {', '.join(empty)}")
    return changed(settings, connection, new, drop_old=drop_old)


def replace(database: psycopg.Connection[Any], settings: Settings, connection: Connection) -> None:
    """Store all keys of a connection anew, each where it belongs. The caller commits, together with the event."""
    database.execute(
        SQL["replace_connection_values"],
        {
            "connection_id": connection.connection_id,
            "settings": Jsonb(connection.settings),
            **sealed(settings, connection.channel, connection.secrets),
        },
    )


def add(
    database: psycopg.Connection[Any],
    settings: Settings,
    *,
    channel: str,
    name: str,
    values: dict[str, str],
    actor: str,
) -> Connection:
    """Make a connection and its verify token. The caller commits, together with the event.

    Raises:
        UnusableConnection: the channel or a key is unknown, a key is missing, or an address is one of ours.
    """
    connection = draft(settings, channel, name, values)
    plain, secret = connection.settings, connection.secrets
    database.execute(
        SQL["add_connection"],
        {
            "connection_id": connection.connection_id,
            "channel": channel,
            "name": name,
            "settings": Jsonb(plain),
            **sealed(settings, channel, secret),
            "created_by": actor,
        },
    )
    return connection


@dataclass(frozen=True)
class _Row:
    connection_id: str
    channel: str
    name: str
    settings: dict[str, str]
    secrets: bytes
    disabled_at: datetime | None


def open_row(row: _Row | dict[str, Any], settings: Settings, purpose: str = SECRETS) -> Connection:
    """A row of `crm.connections`, decrypted."""
    values = dict(row) if isinstance(row, dict) else row.__dict__.copy()
    values["secrets"] = json.loads(cipher(settings, purpose).decrypt(bytes(values["secrets"])))
    return Connection(**values)


def find(
    database: psycopg.Connection[Any], settings: Settings, connection_id: str
) -> Connection | None:
    """One connection by its id, or None."""
    with database.cursor(row_factory=class_row(_Row)) as cursor:
        row = cursor.execute(SQL["one_connection"], {"connection_id": connection_id}).fetchone()
    return open_row(row, settings) if row else None


def every(database: psycopg.Connection[Any], settings: Settings) -> list[Connection]:
    """All connections, oldest first, disabled ones too."""
    with database.cursor(row_factory=class_row(_Row)) as cursor:
        rows = cursor.execute(SQL["all_connections"]).fetchall()
    return [open_row(row, settings) for row in rows]


def set_disabled(database: psycopg.Connection[Any], connection_id: str, *, disabled: bool) -> bool:
    """Stop or resume our pulls. Deliveries keep landing either way. False where there is no such id."""
    return _set(database, "set_disabled", connection_id, disabled=disabled)


def set_paused(database: psycopg.Connection[Any], connection_id: str, *, paused: bool) -> bool:
    """Let pulls rest, or go on. False where there is no such id."""
    return _set(database, "set_paused", connection_id, paused=paused)


def rename(database: psycopg.Connection[Any], connection_id: str, name: str) -> bool:
    """Call a connection otherwise. False where there is no such id."""
    return _set(database, "rename_connection", connection_id, name=name)


def remove(database: psycopg.Connection[Any], connection_id: str) -> bool:
    """Take a connection away: its secrets are forgotten, what was received stays. False where there is no such id.

    Its webhook answers 404 from then on: nothing proves a delivery any more.
    """
    return _set(database, "remove_connection", connection_id)


def _set(
    database: psycopg.Connection[Any], query: LiteralString, connection_id: str, **values: Any
) -> bool:
    with database.cursor(row_factory=dict_row) as cursor:
        cursor.execute(SQL[query], {"connection_id": connection_id, **values})
        return cursor.rowcount == 1


def webhook_path(connection: Connection) -> str:
    """The receiver's path for this connection; the public URL goes before it."""
    return f"/webhooks/{connection.channel}/{connection.connection_id}"
