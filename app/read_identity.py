"""What pages show of identities: a customer's card, what is suggested, who was marked as nobody's customer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from app import read
from app.access import limits
from app.access.roles import Permission
from app.access.sessions import Viewer
from app.database import Database, Row
from app.reading import reading
from warehouse import customer_card, decisions
from warehouse.decisions import Size
from warehouse.queries import queries

SQL = queries("app_identity")
MOST_DECISIONS, MOST_IDENTITIES = 30, 200
#: From this score on suggestions that nothing holds back may be accepted together (benchmarks/README.md measures it).
SURE = 0.98
#: So many are made or accepted at once.
MOST_AT_ONCE = 200
#: Suggestions of one identity that are shown.
MOST_SUGGESTED = 2


def card(
    viewer: Viewer, customer_id: str, *, shown: dict[str, Any] | None = None
) -> dict[str, Any] | None:
    """A customer's identities and decisions (`warehouse/customer_card.py`), and whether there is more of them than this
    person may see (`is_part`); None where there is no such customer.

    Args:
        shown: what the page shows already; the same again is no new sight and writes no event.
    """
    with reading(
        viewer, Permission.READ, "customer.view", "customer", customer_id, customer_ids=[customer_id]
    ) as db:  # fmt: skip
        found = db.ask(
            customer_card.card, customer_id,
            most_decisions=MOST_DECISIONS, most_identities=MOST_IDENTITIES,
        )  # fmt: skip
        if found is not None:
            found["is_part"] = bool(db.ask(limits.beyond, [customer_id]))
        if found is None or found == shown:
            db.tells_nothing()
    return found


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """How much stands under each of some customers, and of whom there is more than is counted here."""

    sizes: dict[str, Size]
    beyond: list[str]


def compare(viewer: Viewer, customer_ids: Sequence[str]) -> Weighed:
    """How much stands under each of these customers: what somebody weighs before they are put together."""
    with reading(
        viewer, Permission.DECIDE_CUSTOMER, "customer.compare", "customer", "*",
        customer_ids=list(customer_ids),
    ) as db:  # fmt: skip
        return Weighed(
            sizes=db.ask(decisions.sizes, customer_ids),
            beyond=db.ask(limits.beyond, customer_ids),
        )


def suggestions(
    viewer: Viewer, identities: Sequence[str], *, shown: dict[str, list[Row]] | None = None
) -> dict[str, list[Row]]:
    """What is suggested for each of these identities, the best ones first; nothing for whom nothing is.

    Args:
        shown: as for `card`.
    """
    found: dict[str, list[Row]] = {}
    with reading(viewer, Permission.READ, "suggestion.view", "queue", "unassigned") as db:
        for row in db.execute(SQL["suggestions_for"], {"identities": list(identities)}):
            best = found.setdefault(row["identity"], [])
            if len(best) < MOST_SUGGESTED:
                best.append(row)
        db.tells(
            customer_ids=sorted({row["customer_id"] for rows in found.values() for row in rows})
        )
        if not found or found == shown:
            db.tells_nothing()
    return found


def sure_suggestions(viewer: Viewer) -> list[Row]:
    """What may be accepted together: identity, customer_id, name, score, said, and whom the customer's name means."""
    with reading(viewer, Permission.DECIDE_CUSTOMER, "suggestion.view", "queue", "sure") as db:
        rows = db.execute(SQL["sure_suggestions"], _sure(None)).fetchall()
        db.tells(customer_ids=sorted({row["customer_id"] for row in rows}))
    return rows


def sure_still(database: Database, identities: Iterable[str]) -> set[tuple[str, str]]:
    """Of these identities, which may be accepted for which customers now. For who decides; shown to nobody."""
    rows = database.execute(SQL["sure_suggestions"], _sure(list(identities)))
    return {(row["identity"], row["customer_id"]) for row in rows}


def _sure(identities: list[str] | None) -> dict[str, Any]:
    """What is asked of `sure_suggestions`: of these identities, or of all."""
    return {"least": SURE, "most": MOST_AT_ONCE, "identities": identities}


def marked(database: Database, identities: Iterable[str]) -> set[str]:
    """Which of these identities are marked as nobody's customer. For who decides; shown to nobody."""
    rows = database.execute(SQL["marked"], {"identities": list(identities)})
    return {row["identity"] for row in rows}


def named_and_waiting(viewer: Viewer) -> list[Row]:
    """Who waits, has a name, and is like nobody we know: identity, display_name."""
    with reading(viewer, Permission.DECIDE_CUSTOMER, "queue.view", "queue", "named") as db:
        return db.execute(SQL["named_and_waiting"], {"most": MOST_AT_ONCE}).fetchall()


def not_customers(
    viewer: Viewer, before: Row | None = None, *, shown: read.Found | None = None
) -> read.Found:
    """Who was marked as nobody's customer, the latest mark first, before a row of the list."""
    with reading(viewer, Permission.READ, "queue.view", "queue", "not_customers") as db:
        rows = db.execute(
            SQL["not_customers"],
            {"before": before["marked_at"] if before else None, "page_size": read.LIST_SIZE},
        ).fetchall()
        counted = db.execute(SQL["count_not_customers"], {"most": read.MOST}).fetchone()
        if shown is not None and shown.rows == rows:
            db.tells_nothing()
    assert counted is not None
    return read.Found(
        rows=rows,
        matched=min(counted["waiting"], read.MOST),
        is_cut=counted["waiting"] > read.MOST,
    )
