"""Which people an account saw between two moments, from the log: what a notifiable breach asks first."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row

from warehouse.events import Actor, record
from warehouse.queries import queries
from warehouse.refusals import Refused

SQL = queries("breach")


def seen_by(
    database: psycopg.Connection[Any], user: str, since: datetime, until: datetime
) -> list[DictRow]:
    """Whom the account saw, first seen first: `customer_id` or, of somebody who is no customer, `object_id`.

    Raises:
        Refused: the second moment is not after the first.
    """
    if until <= since:
        raise Refused("--until must lie after --since")
    with database.cursor(row_factory=dict_row) as cursor:
        cursor.execute(SQL["seen_by"], {"user": user, "since": since, "until": until})
        return cursor.fetchall()


def record_question(
    database: psycopg.Connection[Any],
    actor: Actor,
    user: str,
    since: datetime,
    until: datetime,
    people: int,
) -> None:
    """Whoever asks is in the log as well, and how much the answer was; not whom it names."""
    detail = {"since": since.isoformat(), "until": until.isoformat(), "people": people}
    record(database, actor.event("privacy.breach", "user", user, detail=detail))
