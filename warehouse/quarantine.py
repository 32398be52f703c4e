"""What was not understood is folded again, kind by kind: a new connection or a new version may understand it by now."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from warehouse.connection_requests import ask_reread
from warehouse.events import Actor, record
from warehouse.queries import queries

SQL = queries("quarantine")
DELIVERIES = "raw.webhook_deliveries"
#: As many as one statement of a page finds and marks in a moment; what leaves makes room for the next.
MOST_AT_ONCE = 5_000


def read_again(database: psycopg.Connection[Any], actor: Actor, channel: str, reason: str) -> int:
    """Have the raw rows behind the newest events of a kind folded again; returns how many they are.

    Nothing of them changes. What is understood now leaves the quarantine.
    """
    kind, rows = {"channel": channel, "reason": reason}, 0
    with database.cursor(row_factory=dict_row) as cursor:
        places = cursor.execute(SQL["rows_of_kind"], {**kind, "most": MOST_AT_ONCE}).fetchall()
        for found in places:
            rows += len(found["row_ids"])
            if found["place"] == DELIVERIES:
                cursor.execute(SQL["read_again"], found)
            else:
                # Whose tables they are does it, and is at it by the time that this is read.
                ask_reread(database, actor, found["place"], found["row_ids"])
    detail = {**kind, "rows": rows}
    record(database, actor.event("delivery.replay", "delivery", "several", detail=detail))
    return rows
