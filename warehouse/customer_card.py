"""One customer as somebody checks who they are: their identities, whom they were merged from, what was decided.

Read on the caller's transaction, which leaves the event that says so (`app/reading.py`,
`operations/commands/customer_list.py`).
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from warehouse.queries import queries

SQL = queries("customer_card")


def card(
    database: psycopg.Connection[Any],
    customer_id: str,
    *,
    most_decisions: int,
    most_identities: int,
) -> dict[str, Any] | None:
    """`customer`, `identities`, `merged` and `decisions` as rows of customer_card.sql; None where there is no such
    customer."""
    asked = customer_id.replace("\0", "").strip()
    values: dict[str, dict[str, Any]] = {
        "card_customer": {},
        "card_identities": {"most": most_identities},
        "card_merged": {"customer_ids": [asked]},
    }
    if most_decisions:
        values["card_decisions"] = {"most": most_decisions}
    # All in one round trip.
    with database.pipeline():
        cursors = {
            name: database.cursor(row_factory=dict_row).execute(
                SQL[name], {"customer_id": asked, **parameters}
            )
            for name, parameters in values.items()
        }
    found = {name.removeprefix("card_"): cursor.fetchall() for name, cursor in cursors.items()}
    if not found["customer"]:
        return None
    return {"decisions": [], **found, "customer": found["customer"][0]}
