"""Legal holds: while one is open, nothing destroys what it covers, whoever asks and whatever the classes say."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import psycopg

from warehouse.queries import queries
from warehouse.refusals import Refused

SQL = queries("privacy")


class Held(Refused):
    """A legal hold covers what was to be destroyed; the text names it."""


def refuse_held(
    database: psycopg.Connection[Any], customers: Sequence[str], objects: Sequence[str]
) -> None:
    """
    Raises:
        Held: an open hold covers one of these customers, or something among these objects.
    """
    rows = database.execute(
        SQL["in_the_way"], {"customers": list(customers), "objects": list(objects)}
    ).fetchall()
    if rows:
        named = ", ".join(f"{hold_id} on a {covers}: {reason}" for hold_id, covers, reason in rows)
        raise Held(
            f"a legal hold stands in the way ({named}): it is released by ./crm hold release"
        )


def new_id() -> str:
    return secrets.token_hex(8)
