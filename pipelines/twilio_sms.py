"""SMS and MMS of a Twilio account (providers.md §2.3 and 3.4).

    Messages.json, newest first ──> raw_twilio_sms.messages
    Messages/{sid}.json = 404   ──> raw_twilio_sms.removals

Twilio can only filter by the time of sending, and changes statuses and bodies silently: so a frequent
pull looks back OVERLAP from the cursor, and a nightly one further (pipelines.jobs). A row is a version of
a message; what is held already is not sent again.

    python -m pipelines.pull CONNECTION_ID
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import dlt
from dlt.extract import DltResource

from pipelines.destination import CONTRACT, INSERT_ONLY
from pipelines.holdings import Holdings
from pipelines.storable import storable, version_of
from pipelines.twilio_api import Account, Refused
from warehouse.connections import Connection

OVERLAP = timedelta(minutes=30)
#: How far a nightly pull looks back for changed statuses, redactions and removals.
LOOK_BACK: timedelta | None = timedelta(days=3)
#: Every account keeps messages for at least 7 days: what is younger cannot have left by age.
KEPT_AT_LEAST = timedelta(days=6)
STEP_SECONDS = 10.0
#: More than this many messages gone at once are noticed by several pulls.
CHECKED_PER_PAGE = 200
MEDIA_AT_ONCE = 6

Page = dict[str, list[dict[str, Any]]]


@dlt.resource(name="walk", selected=False)
def walk(
    account: Account, connection_id: str, since: datetime | None, holdings: Holdings
) -> Iterator[Page]:
    """One step: what is new since the cursor, then as much of the backfill as fits in the time."""
    state = dlt.current.source_state()
    deadline = time.monotonic() + STEP_SECONDS
    reader = _Reader(account, connection_id, holdings)
    backfill = state.get("backfill")
    if state.get("sent_at"):
        start = datetime.fromisoformat(state["sent_at"]) - OVERLAP
        # A long absence becomes a backfill of its own; beside another one it is read to its end.
        left = yield from reader.pages(None, start, math.inf if backfill else deadline)
        if left:
            backfill = {
                "since": start.isoformat(),
                "next": left,
                "again": False,
                "done": reader.seen,
            }
    if since or not state.get("sent_at"):
        backfill = _wider(backfill, since)
    if backfill:
        until = datetime.fromisoformat(backfill["since"]) if backfill["since"] else None
        reader.again, seen = backfill["again"], reader.seen
        left = yield from reader.pages(backfill["next"], until, deadline)
        done = backfill["done"] + reader.seen - seen
        backfill = {**backfill, "next": left, "done": done} if left else None
    state["backfill"] = backfill
    if reader.newest or not state.get("sent_at"):
        # Of an account without messages the clock is the cursor.
        now = datetime.now(UTC).replace(microsecond=0)
        newest = min(reader.newest or now, now).isoformat()
        state["sent_at"] = max(newest, state.get("sent_at") or "")


@dlt.transformer(
    name="messages",
    primary_key=("connection_id", "sid", "version"),
    write_disposition=INSERT_ONLY,
    columns={
        "connection_id": {"data_type": "text"},
        "sid": {"data_type": "text"},
        "version": {"data_type": "text"},
        "payload": {"data_type": "json", "nullable": False},
        "media": {"data_type": "json", "nullable": False},
        "sent_at": {"data_type": "timestamp"},
        "pulled_at": {"data_type": "timestamp", "nullable": False},
    },
)
def messages(page: Page) -> Iterator[list[dict[str, Any]]]:
    """One row per version of a message. The cursor is `sent_at`, less OVERLAP."""
    yield page["messages"]


@dlt.transformer(
    name="removals",
    primary_key=("connection_id", "sid"),
    write_disposition=INSERT_ONLY,
    columns={
        "connection_id": {"data_type": "text"},
        "sid": {"data_type": "text"},
        "noticed_at": {"data_type": "timestamp", "nullable": False},
    },
)
def removals(page: Page) -> Iterator[list[dict[str, Any]]]:
    """One row per message that Twilio answered 404 for, within the account's retention."""
    yield page["removals"]


RESOURCES: tuple[DltResource, ...] = (messages, removals)
INDEXES = {"messages": [("connection_id", "sent_at")]}


@dlt.source(name="twilio_sms", max_table_nesting=0, schema_contract=CONTRACT)
def source(
    connection: Connection, since: datetime | None, holdings: Holdings
) -> tuple[DltResource, ...]:
    """The pipeline contract of pipelines/__init__.py."""
    pages = walk(Account(connection), connection.connection_id, since, holdings)
    return (pages, *(pages | resource for resource in RESOURCES))


def _wider(backfill: dict[str, Any] | None, since: datetime | None) -> dict[str, Any]:
    """A backfill from the top that also covers what another one still had to do."""
    starts = [since.isoformat() if since else None, *([backfill["since"]] if backfill else [])]
    start = None if None in starts else min(starts)
    return {"since": start, "next": None, "again": since is not None, "done": 0}


class _Reader:
    """Reads pages of the list and turns them into rows."""

    def __init__(self, account: Account, connection_id: str, holdings: Holdings) -> None:
        self.account = account
        self.connection_id = connection_id
        self.holdings = holdings
        self.newest: datetime | None = None
        self.seen = 0
        #: Whether media are listed again of messages that did not change.
        self.again = False

    def pages(
        self, next_page: str | None, since: datetime | None, deadline: float
    ) -> Generator[Page, None, str | None]:
        """Pages from an address on; returns the next page's address where the time ran out."""
        before = datetime.max.replace(tzinfo=UTC)
        while True:
            try:
                listed, next_page = self.account.page(next_page, since)
            except Refused:
                if next_page is None:
                    raise
                # A page's address does not live for ever. From the top again: what is held is passed over.
                listed, next_page = self.account.page(None, since)
            sent = [at for at in map(_sent_at, listed) if at]
            self.seen += len(listed)
            self.newest = max([*sent, *([self.newest] if self.newest else [])], default=None)
            after = min(sent, default=before) if next_page else self._floor(sent, since)
            yield {
                "messages": self._rows(listed),
                "removals": self._removals(listed, after, before),
            }
            if not next_page:
                return None
            before = min([before, *sent])
            if time.monotonic() > deadline:
                return next_page

    @staticmethod
    def _floor(sent: list[datetime], since: datetime | None) -> datetime:
        """Down to where the last page is complete: below it a message may have left by its age."""
        young = datetime.now(UTC) - KEPT_AT_LEAST
        floor = max(since, young) if since else young
        return min([floor, *sent])

    def _rows(self, listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
        payloads = [storable(message) for message in listed]
        held: dict[str, list[tuple[Any, Any]]] = {}
        for sid, payload, media in self.holdings.rows(
            "held_sms", sids=[m["sid"] for m in payloads]
        ):
            held.setdefault(sid, []).append((payload, media))
        changed = [
            payload
            for payload in payloads
            if not any(payload == known for known, _ in held.get(payload["sid"], ()))
            or (self.again and payload.get("num_media") not in (None, "0"))
        ]
        with ThreadPoolExecutor(MEDIA_AT_ONCE) as pool:
            media_lists = list(pool.map(self._media, changed))
        now = datetime.now(UTC)
        rows = []
        for payload, media in zip(changed, media_lists, strict=True):
            if any(
                payload == known and media == known_media
                for known, known_media in held.get(payload["sid"], ())
            ):
                continue
            rows.append(
                {
                    "connection_id": self.connection_id,
                    "sid": payload["sid"],
                    "version": version_of({"payload": payload, "media": media}),
                    "payload": payload,
                    "media": media,
                    "sent_at": _sent_at(payload),
                    "pulled_at": now,
                }
            )
        return rows

    def _media(self, payload: dict[str, Any]) -> list[Any]:
        if payload.get("num_media") in (None, "0"):
            return []
        return storable(self.account.media(payload["sid"])) or []

    def _removals(
        self, listed: list[dict[str, Any]], after: datetime, before: datetime
    ) -> list[dict[str, Any]]:
        """Messages held between these times, not listed, and answered with 404 when asked for."""
        known = self.holdings.rows(
            "held_sms_between", after=after, before=before, limit=len(listed) + CHECKED_PER_PAGE
        )
        missing = sorted({sid for (sid,) in known} - {message["sid"] for message in listed})
        return [
            {"connection_id": self.connection_id, "sid": sid, "noticed_at": datetime.now(UTC)}
            for sid in missing[:CHECKED_PER_PAGE]
            if self.account.is_gone(sid)
        ]


def _sent_at(message: dict[str, Any]) -> datetime | None:
    """RFC 2822 as Twilio writes it; None while queued, and for what is no such time."""
    try:
        sent: datetime = parsedate_to_datetime(message["date_sent"])
        return sent.astimezone(UTC)
    except (KeyError, TypeError, ValueError):
        return None
