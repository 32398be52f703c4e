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
    with database.cursor(row_factory=dict_row) as cursor:

        def rows(query: str, **parameters: Any) -> list[dict[str, Any]]:
            return cursor.execute(SQL[query], {"customer_id": asked, **parameters}).fetchall()

        known = rows("card_customer")
        if not known:
            return None
        return {
            "customer": known[0],
            "identities": rows("card_identities", most=most_identities),
            "merged": rows("card_merged", customer_ids=[asked]),
            "decisions": rows("card_decisions", most=most_decisions) if most_decisions else [],
        }
