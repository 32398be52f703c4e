"""Stored mails read again from their RFC 822 bytes, after the parser got better.

    raw_gmail.messages of an older parser ──> media store ──> mail/reader.py ──> a new version of the row

The old row stays. What has a row of this parser already is passed over, so an interrupted run goes on where it ended.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from mail.parse import PARSER_VERSION
from mail.reader import MailReader
from media.store import DamagedMedia, MediaStore, MissingMedia
from pipelines.gmail_rows import references
from warehouse.queries import queries
from warehouse.sanitise import version_of
from warehouse.settings import Role, Settings

SQL = queries("pipelines")
BATCH = 200


@dataclass
class ReadAgain:
    """Of `total` mails of an older parser: read anew, and those whose bytes are gone or damaged."""

    total: int = 0
    read: int = 0
    without_bytes: int = 0


def read_again(
    settings: Settings, progress: Callable[[ReadAgain], None] | None = None
) -> ReadAgain:
    """Read every stored mail again that only an older parser has read; each batch is committed by itself."""
    told = ReadAgain()
    store = MediaStore(settings.media_root)
    with psycopg.connect(settings.url_for(Role.LOADER)) as database, MailReader() as reader:
        (told.total,) = database.execute(
            SQL["count_mails_to_read_again"], {"parser_version": PARSER_VERSION}
        ).fetchone() or (0,)
        # What was set aside because a pull died over it may be tried again: this reader has limits.
        database.execute(SQL["forget_culprits"])
        database.commit()
        after = ("", "")
        while rows := _page(database, after):
            for row in rows:
                try:
                    raw = store.read(row["raw_sha256"])
                except (MissingMedia, DamagedMedia, ValueError):
                    told.without_bytes += 1
                    continue
                _insert(database, row, reader.columns(raw))
                told.read += 1
            after = (rows[-1]["connection_id"], rows[-1]["id"])
            database.execute(SQL["ask_for_refresh"], {"channel": "gmail"})
            database.commit()
            if progress:
                progress(told)
    return told


def _page(database: psycopg.Connection[Any], after: tuple[str, str]) -> list[dict[str, Any]]:
    with database.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            SQL["mails_to_read_again"],
            {
                "parser_version": PARSER_VERSION,
                "after_connection": after[0],
                "after_id": after[1],
                "limit": BATCH,
            },
        )
        return cursor.fetchall()


def _insert(
    database: psycopg.Connection[Any], row: dict[str, Any], columns: dict[str, Any]
) -> None:
    values = {
        name: json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value
        for name, value in columns.items()
    }
    database.execute(
        SQL["insert_mail_again"],
        {
            **values,
            **references(columns["envelope"]),
            "old": row["_dlt_id"],
            "version": version_of([row["raw_sha256"], PARSER_VERSION, sorted(row["label_ids"])]),
            "new": secrets.token_hex(7),
        },
    )
