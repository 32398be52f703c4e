"""Provenance: from a raw reference of a message back to the exact bytes behind it.

marts.messages.raw_refs ──> raw_ref ──> crm.raw_row ──> a delivery as it was received | a row as it was loaded
                                                 └── a mail: its RFC 822 bytes from the media store
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from media.store import MediaStore
from warehouse.queries import queries
from warehouse.settings import Settings

SQL = queries("provenance")


@dataclass(frozen=True, kw_only=True)
class RawRow:
    """What lies behind a raw reference. `body` is exact: what the provider sent, or the loaded row as JSON."""

    raw_ref: str
    body: bytes
    content_type: str | None
    headers: dict[str, Any] | None
    received_at: datetime | None
    connection_id: str
    #: What proved that the provider sent it.
    signature: str | None


def raw_row(settings: Settings, database: psycopg.Connection[Any], raw_ref: str) -> RawRow | None:
    """The row behind a reference of `raw_refs` or `marts.outcomes`; None where there is none.

    Of a mail the bytes are the mail itself (RFC 822), out of the media store.

    Args:
        database: signed in as crm_app or crm_loader. The caller records who looked.

    Raises:
        MissingMedia, DamagedMedia: the mail's bytes are not in the store, or not those that were stored.
    """
    row = stored_row(database, raw_ref)
    sha256 = _mail_of(row) if row else None
    if row is None or sha256 is None:
        return row
    mail = MediaStore(settings.media_root).read(sha256)
    return RawRow(**{**row.__dict__, "body": mail, "content_type": "message/rfc822"})


def stored_row(database: psycopg.Connection[Any], raw_ref: str) -> RawRow | None:
    """As `raw_row`, of a mail too as the warehouse holds it: what was read from it, without its bytes."""
    with database.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(SQL["raw_row"], {"raw_ref": raw_ref}).fetchone()
    return RawRow(raw_ref=raw_ref, **{**found, "body": bytes(found["body"])}) if found else None


def _mail_of(row: RawRow) -> str | None:
    """The hash of the mail that a loaded row stands for, where it stands for one."""
    if row.raw_ref.startswith("raw.") or row.content_type != "application/json":
        return None
    loaded = json.loads(row.body)
    sha256 = loaded.get("raw_sha256")
    return sha256 if isinstance(sha256, str) else None
