"""What pages show: one function per sight, each within `reading`, which says who looked at what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app import database, filtered
from app.access.roles import Permission
from app.access.sessions import Viewer
from app.database import Row
from app.reading import Reading, reading
from warehouse.customer_search import Patterns, identity_patterns, name_patterns, patterns
from warehouse.filters import BEHIND_ALL, EVERYTHING, FIRST, Filter
from warehouse.queries import queries

SQL = queries("app_read")
TIMELINE = queries("timeline")

#: Messages per page of a timeline: one element of the browser.
PAGE_SIZE = 50
LIST_SIZE = 25
#: Behind so many folded messages, whoever's, a timeline reads its newest page anew and does not look whose they are.
MOST_FOLDED = 500
#: Lists are counted up to here; beyond it the page says "more than".
MOST = 1_000


@dataclass(frozen=True, kw_only=True)
class Found:
    """A list that may be cut: `matched` is exact unless `is_cut`, then it is a lower bound."""

    rows: list[Row]
    matched: int
    is_cut: bool
    #: Nothing holds what was typed; these are written much like it.
    is_alike: bool = False


class Sort(StrEnum):
    """In which order customers are listed."""

    LATEST = "latest"
    NAME = "name"
    MADE = "made"


def customers(
    viewer: Viewer,
    typed: str,
    *,
    sort: Sort = Sort.LATEST,
    shown: Found | None = None,
    page_size: int = LIST_SIZE,
) -> Found:
    """Customers for what was typed, or who are called much like it; the first of all where nothing was.

    Args:
        shown: what the page shows already; the same again is no new sight and writes no event.
    """
    wanted = patterns(typed)
    detail = {"query": typed[:200], "sort": sort.value}
    with reading(viewer, Permission.READ, "customer.search", "customer", "*", detail=detail) as db:
        found = (
            _matches(db, typed, wanted, sort, page_size) if wanted else _first(db, sort, page_size)
        )
        if shown is not None and shown.rows == found.rows:
            db.tells_nothing()
        else:
            db.tells(customer_ids=[row["customer_id"] for row in found.rows])
    return found


@dataclass(frozen=True, kw_only=True)
class Exported:
    """How many customers left the app, and whether there are more."""

    count: int
    is_cut: bool


def export(
    viewer: Viewer, typed: str, sort: Sort, most: int, write: Callable[[Row], None]
) -> Exported:
    """Give each customer whom the list holds for what was typed to `write`, in its order, but no more than `most`.

    Raises:
        Forbidden: the role may not.
    """
    wanted = patterns(typed)
    detail = {"query": typed[:200], "sort": sort.value}
    with reading(
        viewer, Permission.EXPORT, "customer.export", "customer", "*", detail=detail
    ) as db:
        db.execute(SQL["be_patient"])
        values = _asked_for(db, typed, wanted, sort, most)
        customer_ids: list[str] = []
        is_cut = False
        # In pieces: a list of all of them is larger than what one page may take.
        with db.connection.cursor("export") as cursor:
            cursor.itersize = 2_000
            for row in cursor.execute(SQL["customers_exported"], values):
                if is_cut := len(customer_ids) == most:
                    break
                write(row)
                customer_ids.append(row["customer_id"])
        db.tells(customer_ids=customer_ids, count=len(customer_ids), is_cut=is_cut)
    return Exported(count=len(customer_ids), is_cut=is_cut)


def _asked_for(
    db: Reading, typed: str, wanted: Patterns | None, sort: Sort, most: int
) -> dict[str, Any]:
    """What the list of customers asks for, with one more than `most`."""
    if wanted is None:
        return _values(sort, most + 1, _first_of(db, sort, most + 1))
    words = _words(db, typed, wanted)
    ids, is_cut = _meant(db, wanted, words, most)
    if not ids and words:
        ids = _alike(db, typed, most + 1)
    elif is_cut:
        ids = _first_of(db, sort, most + 1, wanted, words)
    return _values(sort, most + 1, ids)


def _values(sort: Sort, page_size: int, customer_ids: list[str]) -> dict[str, Any]:
    return {"customer_ids": customer_ids, "page_size": page_size, "sort": sort.value}


def _listed(db: Reading, values: dict[str, Any]) -> list[Row]:
    return db.execute(SQL["customers_found"], values).fetchall()


def _meant(
    db: Reading, wanted: Patterns, words: Sequence[str], most: int
) -> tuple[list[str], bool]:
    """Who is meant, in no order, up to `most`; and whether there are more."""
    asked = {**name_patterns(words), **identity_patterns(wanted), "most": most}
    rows = db.execute(SQL["customers_meant"], asked).fetchall()
    is_cut = len(rows) > most or any(row["is_cut"] for row in rows[:1])
    return [row["customer_id"] for row in rows[:most]], is_cut


def _words(db: Reading, typed: str, wanted: Patterns) -> list[str]:
    asked = db.execute(SQL["words_of_name"], {"typed": typed}).fetchone()
    return asked["words"] if asked and not wanted.is_identity else []


def _alike(db: Reading, typed: str, most: int) -> list[str]:
    """Who is called much like it, the most alike first."""
    db.execute(SQL["forgive_typos"])
    alike = db.execute(SQL["customers_alike"], {"typed": typed, "page_size": most})
    return [row["customer_id"] for row in alike]


def _matches(db: Reading, typed: str, wanted: Patterns, sort: Sort, page_size: int) -> Found:
    words = _words(db, typed, wanted)
    ids, is_cut = _meant(db, wanted, words, MOST)
    if not ids and words:
        alike = _alike(db, typed, page_size)
        order = {customer_id: place for place, customer_id in enumerate(alike)}
        rows = _listed(db, _values(sort, page_size, alike)) if alike else []
        rows.sort(key=lambda row: order[row["customer_id"]])
        return Found(rows=rows, matched=len(rows), is_cut=False, is_alike=True)
    matched = len(ids)
    if is_cut:
        # These are not all: those that come first are looked for in their order.
        ids = _first_of(db, sort, page_size, wanted, words)
    rows = _listed(db, _values(sort, page_size, ids)) if ids else []
    return Found(rows=rows, matched=max(matched, len(rows)), is_cut=is_cut)


#: So many of the latest contacts are looked through for each customer of a page; where few wrote most of them, so many.
FEW_CONTACTS, MANY_CONTACTS = 2, 16
FIRST_OF = {
    Sort.LATEST: "customers_of_latest_contacts",
    Sort.NAME: "customers_by_name",
    Sort.MADE: "customers_made_last",
}


def _first(db: Reading, sort: Sort, page_size: int) -> Found:
    asked = _in_order(page_size, FEW_CONTACTS)
    (total,), first = db.together((SQL["count_customers"], {}), (SQL[FIRST_OF[sort]], asked))
    ids = _first_of(db, sort, page_size, first=first)
    return Found(
        rows=_listed(db, _values(sort, page_size, ids)),
        matched=total["customers"],
        is_cut=False,
    )


def _first_of(
    db: Reading,
    sort: Sort,
    page_size: int,
    wanted: Patterns | None = None,
    words: Sequence[str] = (),
    *,
    first: list[Row] | None = None,
) -> list[str]:
    """The customers that come first in an order: of all, or of those whom the patterns mean.

    Args:
        first: what a look through few contacts found, where it was asked for already.
    """

    def through(contacts: int) -> list[Row]:
        asked = _in_order(page_size, contacts, wanted, words)
        return db.execute(SQL[FIRST_OF[sort]], asked).fetchall()

    rows = through(FEW_CONTACTS) if first is None else first
    if any(row.get("is_short") for row in rows[:1]):
        rows = through(MANY_CONTACTS)
    return [row["customer_id"] for row in rows]


def _in_order(
    page_size: int, contacts: int, wanted: Patterns | None = None, words: Sequence[str] = ()
) -> dict[str, Any]:
    return {
        **name_patterns(words),
        **identity_patterns(wanted),
        "page_size": page_size,
        "contacts": contacts * page_size,
        "is_searched": wanted is not None,
    }


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A customer's head and the newest page of their timeline, oldest message first."""

    customer: Row
    messages: list[Row]
    #: Where the page before begins; nowhere at the beginning of the timeline.
    next_before: str | None
    #: The same as it was read: it may have counted what passes.
    newest: filtered.Slice
    #: What there is to choose from in a filter.
    choices: Row
    #: Connections whose recorded calls may be played.
    playable_connections: frozenset[str]


def playable_connections(db: Reading) -> frozenset[str]:
    """Connections that say how callers learn that calls are recorded."""
    rows = db.execute(SQL["playable_connections"]).fetchall()
    return frozenset(row["connection_id"] for row in rows)


def timeline(viewer: Viewer, customer_id: str, wanted: Filter = EVERYTHING) -> Opened | None:
    """Open a timeline at its newest page of what passes; None where there is no such customer."""
    with reading(
        viewer,
        Permission.READ,
        "timeline.view",
        "customer",
        customer_id,
        customer_ids=[customer_id],
        detail={"filter": wanted.address()} if wanted else None,
    ) as db:
        whose = {"customer_id": customer_id}
        heads, choices, playable = db.together(
            (SQL["one_customer"], whose),
            (filtered.SQL["filter_choices"], whose),
            (SQL["playable_connections"], {}),
        )
        if not heads:
            db.tells_nothing()
            return None
        found = _slice(db, customer_id, wanted)
        return Opened(
            customer=heads[0],
            messages=found.rows[::-1],
            next_before=found.next_before,
            newest=found,
            choices=choices[0],
            playable_connections=frozenset(row["connection_id"] for row in playable),
        )


def counted(
    viewer: Viewer, customer_id: str, wanted: Filter, newest: filtered.Slice
) -> filtered.Counted:
    """What a filter leaves and hides of a timeline opened with it. It looks through thousands: messages come first."""
    with reading(
        viewer,
        Permission.READ,
        "timeline.view",
        "customer",
        customer_id,
        customer_ids=[customer_id],
    ) as db:
        found = filtered.count(db, customer_id, wanted, newest)
        # Whose timeline was opened, and with which filter, is on record already.
        db.tells_nothing()
        return found


def earlier_messages(viewer: Viewer, customer_id: str, before: Row) -> list[Row]:
    """The page before a message, oldest first; empty at the beginning of the timeline."""
    detail: dict[str, object] = {"before": before["sent_at"].isoformat()}
    with reading(
        viewer, Permission.READ, "timeline.view", "customer", customer_id,
        customer_ids=[customer_id], detail=detail,
    ) as db:  # fmt: skip
        rows = _page(db, customer_id, before)
        if not rows:
            db.tells_nothing()
        return rows


def _slice(db: Reading, customer_id: str, wanted: Filter) -> filtered.Slice:
    if wanted:
        return filtered.page(db, customer_id, wanted, None, PAGE_SIZE)
    rows = _page(db, customer_id, None)
    is_first = len(rows) < PAGE_SIZE
    return filtered.Slice(rows=rows[::-1], next_before=None if is_first else rows[0]["sort_key"])


def changed_messages(
    viewer: Viewer,
    customer_id: str,
    shown: Mapping[str, Row],
    *,
    since_fold: int | None = None,
    wanted: Filter = EVERYTHING,
) -> list[Row] | None:
    """What is not shown, or not as it is now, oldest first; None while nothing changed: then no event is due.

    Args:
        since_fold: read only what folds behind this one wrote; without it the whole newest page, which comes back
            whole when anything in it differs.
        wanted: what is shown passes it; a message that passed and does so no longer stays, as it is now.
    """
    with reading(
        viewer,
        Permission.READ,
        "timeline.view",
        "customer",
        customer_id,
        customer_ids=[customer_id],
    ) as db:
        rows = _folded_since(db, customer_id, since_fold) if since_fold is not None else None
        if rows is None or len(rows) == PAGE_SIZE:
            rows = _slice(db, customer_id, wanted).rows[::-1]
        elif wanted:
            ids = [row["message_id"] for row in rows]
            kept = shown.keys() | filtered.passing(db, customer_id, wanted, ids)
            rows = [row for row in rows if row["message_id"] in kept]
        new = [row for row in rows if row["message_id"] not in shown]
        changed = [row for row in rows if row != shown.get(row["message_id"], row)]
        if not new and not changed:
            db.tells_nothing()
            return None
        db.tells(new=len(new), changed=len(changed))
    return rows


def _folded_since(db: Reading, customer_id: str, since_fold: int) -> list[Row] | None:
    """What these folds wrote of a customer, oldest first; None where they wrote so much that the page is read anew."""
    asked: dict[str, Any] = {"since_fold": since_fold, "most": MOST_FOLDED}
    counted = db.execute(TIMELINE["folded_since"], asked).fetchone()
    if counted is None or counted["messages"] >= MOST_FOLDED:
        return None
    asked |= {"customer_id": customer_id, "page_size": PAGE_SIZE}
    return db.execute(TIMELINE["timeline_changes"], asked).fetchall()


def _page(db: Reading, customer_id: str, before: Row | None) -> list[Row]:
    rows = db.execute(
        TIMELINE["timeline_page"],
        {
            "customer_id": customer_id,
            "from_key": FIRST,
            "before_key": before["sort_key"] if before else BEHIND_ALL,
            "most": PAGE_SIZE,
        },
    ).fetchall()
    return rows[::-1]


def unassigned(viewer: Viewer, before: Row | None = None, *, shown: Found | None = None) -> Found:
    """Identities that wrote and belong to nobody, newest first, before a row of the list.

    Args:
        shown: what the page shows already; the same again is no new sight and writes no event.
    """
    position = {"before": before["last_inbound_key"] if before else None}
    with reading(viewer, Permission.READ, "queue.view", "queue", "unassigned") as db:
        return _nobodys(db, "unassigned", position, shown)


def never_wrote(viewer: Viewer, before: Row | None = None, *, shown: Found | None = None) -> Found:
    """Identities that belong to nobody and never wrote: whom we wrote to, newest first, before a row of the list.

    Args:
        shown: as for `unassigned`.
    """
    position = {
        "before_at": before["last_seen_at"] if before else None,
        "before_identity": before["identity"] if before else None,
    }
    with reading(viewer, Permission.READ, "queue.view", "queue", "never_wrote") as db:
        return _nobodys(db, "never_wrote", position, shown)


def _nobodys(db: Reading, which: str, position: Row, shown: Found | None) -> Found:
    rows, (counted,) = db.together(
        (SQL[which], {**position, "page_size": LIST_SIZE}), (SQL[f"count_{which}"], {"most": MOST})
    )
    if shown is not None and shown.rows == rows:
        db.tells_nothing()
    return Found(
        rows=rows,
        matched=min(counted["waiting"], MOST),
        is_cut=counted["waiting"] > MOST,
    )


def customers_of(message_id: str) -> list[str]:
    """Whose message it is. Shown to nobody: it decides which pages read again, so no event."""
    with database.pool().connection() as connection:
        rows = connection.execute(
            SQL["customers_of_message"], {"message_id": message_id}
        ).fetchall()
    return [row["customer_id"] for row in rows]


def warehouse_state() -> Row:
    """How the fold stands. About no customer, so no event."""
    with database.pool().connection() as connection:
        row = connection.execute(SQL["warehouse_state"]).fetchone()
    assert row is not None
    return row
