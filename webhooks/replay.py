"""Replay: what was landed is read and folded again, after a fix of the reader or of a model.

The fold takes a copy it knows a second time without change, so replaying what was right changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from warehouse.queries import queries
from webhooks.payloads import read_payload

SQL = queries("replay")


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """How many raw rows the next refresh folds again."""

    deliveries: int
    history_rows: int


def replay(
    database: psycopg.Connection[Any],
    *,
    delivery_id: str | None = None,
    since: datetime | None = None,
    quarantined: bool = False,
) -> Replayed:
    """Put raw rows before the refresh again, their payloads read anew from the exact bytes.

    Needs the owner's rights: no program may change raw rows. The caller commits.
    """
    deliveries = 0
    with database.cursor(name="replay") as cursor:
        cursor.execute(
            SQL["deliveries_to_replay"],
            {"delivery_id": delivery_id, "since": since, "quarantined": quarantined},
        )
        for found, received_at, content_type, query, body in cursor:
            payload = read_payload(content_type=content_type, body=bytes(body), query=query)
            database.execute(
                SQL["replay_delivery"],
                {
                    "delivery_id": found,
                    "received_at": received_at,
                    "payload": payload.text,
                    "payload_error": payload.error,
                    "payload_repaired": payload.repaired,
                },
            )
            deliveries += 1
    history = _replay_history(database) if quarantined else 0
    if quarantined:
        # What the database could not take in is tried again like everything else.
        database.execute(SQL["forget_set_aside"])
    return Replayed(deliveries=deliveries, history_rows=history)


def _replay_history(database: psycopg.Connection[Any]) -> int:
    """Quarantined rows of histories, by dlt's own row id."""
    rows = 0
    for table, row_ids in database.execute(SQL["quarantined_history"]).fetchall():
        statement = sql.SQL(
            "update {} set transaction_id = pg_current_xact_id() where _dlt_id = any(%s)"
        ).format(sql.Identifier(*table.split(".")))
        rows += database.execute(statement, [row_ids]).rowcount
    return rows
