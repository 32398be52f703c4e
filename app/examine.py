"""What examiners read: one message with its versions and sources, raw rows, the quarantine, connections.

As in `app.read`, each function is one sight, within `reading`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from app import database
from app.access.roles import Permission
from app.access.sessions import Viewer
from app.database import Row
from app.read import MOST, Found, playable_connections
from app.reading import Reading, reading
from media import provenance
from media.provenance import RawRow
from media.store import DamagedMedia, MissingMedia
from warehouse.queries import queries

SQL = queries("app_read")
WORK = queries("work")
HEALTH = queries("health")
QUARANTINE = queries("quarantine")
log = logging.getLogger("crm.app")

#: More kinds than this are not listed apart; their events are in the list.
MOST_KINDS = 50
#: Quarantined events on one page of the list.
LIST_SIZE = 50


@dataclass(frozen=True, kw_only=True)
class Examined:
    """One message, whose it is, and the raw rows behind it, the first one received first."""

    message: Row
    customers: list[Row]
    sources: list[Row]
    playable_connections: frozenset[str]
    #: Its own tags, and all there are.
    tags: list[Row]
    known_tags: list[Row]


def message(viewer: Viewer, message_id: str, *, shown: Examined | None = None) -> Examined | None:
    """One message with everything but what was taken back; None where there is no such message.

    Args:
        shown: what the page shows already; the same again is no new sight and writes no event.
    """
    named = {"message_id": message_id}
    with reading(viewer, Permission.READ, "message.view", "message", message_id) as db:
        row = db.execute(SQL["one_message"], named).fetchone()
        customers = _customers(db, named)
        if row is None:
            db.tells_nothing()
            return None
        found = Examined(
            message=row,
            customers=customers,
            sources=db.execute(SQL["message_sources"], named).fetchall(),
            playable_connections=playable_connections(db),
            tags=db.execute(WORK["message_tags"], named).fetchall(),
            known_tags=db.execute(WORK["tags"]).fetchall(),
        )
        if found == shown:
            db.tells_nothing()
    return found


def _customers(db: Reading, named: dict[str, str]) -> list[Row]:
    """Whose the message is; the event names them."""
    customers = db.execute(SQL["customers_of_message"], named).fetchall()
    db.tells(customer_ids=[each["customer_id"] for each in customers])
    return customers


@dataclass(frozen=True, kw_only=True)
class Revisions:
    """Every version of a message, the original first, and what came with the original."""

    versions: list[Row]
    attachments: list[Row]


def message_revisions(
    viewer: Viewer, message_id: str, *, shown: Revisions | None = None
) -> Revisions:
    """What a message said before it was edited or unsent.

    Args:
        shown: as for `message`.

    Raises:
        Forbidden: the role may not.
    """
    named = {"message_id": message_id}
    with reading(
        viewer, Permission.READ_REVISIONS, "message.revisions", "message", message_id
    ) as db:
        _customers(db, named)
        original = db.execute(SQL["original_attachments"], named).fetchone()
        found = Revisions(
            versions=db.execute(SQL["message_revisions"], named).fetchall(),
            attachments=original["attachments"] if original else [],
        )
        if not found.versions or found == shown:
            db.tells_nothing()
    return found


def raw_row(
    viewer: Viewer, raw_ref: str, message_id: str = "", *, shown: RawRow | None = None
) -> RawRow | None:
    """The exact bytes behind a reference. None where there is no such row behind this message, or in the quarantine;
    that it was asked for in vain is written down.

    Of a mail the mail itself; the row that was loaded for it, where the media store does not have the mail.

    Args:
        message_id: the message that it is behind, whose customers the event names; without one it is in quarantine.
        shown: as for `message`.

    Raises:
        Forbidden: the role may not.
    """
    named = {"raw_ref": raw_ref, "message_id": message_id}
    detail = {"message_id": message_id} if message_id else {}
    with reading(viewer, Permission.READ_RAW, "raw.view", "raw", raw_ref, detail=detail) as db:
        belongs = db.execute(
            SQL["raw_of_message" if message_id else "raw_in_quarantine"], named
        ).fetchone()
        # Anybody's bytes could be opened under another's name otherwise.
        found = None if belongs is None else _raw_row(db, raw_ref)
        if found is None:
            db.tells(action="raw.refuse")
        elif found == shown:
            db.tells_nothing()
        elif message_id:
            _customers(db, named)
    return found


def _raw_row(db: Reading, raw_ref: str) -> RawRow | None:
    try:
        return db.ask(partial(provenance.raw_row, database.settings()), raw_ref)
    except (MissingMedia, DamagedMedia) as damage:
        log.error("%s: %s", raw_ref, damage)
        return db.ask(provenance.stored_row, raw_ref)


def connections(viewer: Viewer, *, shown: list[Row] | None = None) -> list[Row]:
    """How every connection stands.

    Args:
        shown: what the page shows already; the same again is no new sight and writes no event.

    Raises:
        Forbidden: the role may not.
    """
    with reading(viewer, Permission.MANAGE_CONNECTIONS, "connection.view", "connection", "*") as db:
        if shown is not None:
            db.tells_nothing()
        return db.execute(
            HEALTH["connections_now"], {"connection_id": None, "now": datetime.now(UTC)}
        ).fetchall()


def model_tests(viewer: Viewer) -> list[Row]:
    """What the data tests of the models found at their last run. Nobody's data: no event.

    Raises:
        Forbidden: the role may not.
    """
    with reading(viewer, Permission.MANAGE_CONNECTIONS, "connection.view", "connection", "*") as db:
        db.tells_nothing()
        return db.execute(SQL["model_tests"]).fetchall()


def quarantine_kinds(viewer: Viewer) -> list[Row]:
    """What was not understood, by channel and reason; those last that admins ignore. About no customer: no event.

    Raises:
        Forbidden: the role may not.
    """
    with reading(viewer, Permission.MANAGE_CONNECTIONS, "quarantine.view", "quarantine", "*") as db:
        db.tells_nothing()
        return db.execute(QUARANTINE["kinds"], {"most": MOST_KINDS}).fetchall()


def quarantined(
    viewer: Viewer,
    before: tuple[datetime, str] | None = None,
    *,
    kind: tuple[str, str] | None = None,
    shown: Found | None = None,
) -> Found:
    """Quarantined events, newest first, before a position of the list.

    Args:
        kind: of this channel and reason alone; without it, of all kinds that nobody ignores.
        shown: as for `message`.

    Raises:
        Forbidden: the role may not.
    """
    channel, reason = kind or (None, None)
    its = {"channel": channel, "reason": reason}
    with reading(viewer, Permission.MANAGE_CONNECTIONS, "quarantine.view", "quarantine", "*") as db:
        rows = db.execute(
            SQL["quarantined"],
            {
                **its,
                "before_at": before[0] if before else None,
                "before_ref": before[1] if before else None,
                "page_size": LIST_SIZE,
            },
        ).fetchall()
        counted = db.execute(SQL["count_quarantined"], {**its, "most": MOST}).fetchone()
        if shown is not None and shown.rows == rows:
            db.tells_nothing()
    assert counted is not None
    return Found(
        rows=rows, matched=min(counted["quarantined"], MOST), is_cut=counted["quarantined"] > MOST
    )
