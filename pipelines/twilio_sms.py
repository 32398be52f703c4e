"""SMS and MMS of a Twilio account (docs/providers/twilio.md).

    Messages.json, newest first ──> raw_twilio_sms.messages
    Messages/{sid}.json = 404   ──> raw_twilio_sms.removals

Twilio can only filter by the time of sending, and changes statuses and bodies silently: so a frequent
pull looks back OVERLAP from the cursor, and a nightly one further (pipelines.twilio_lists). A row is a
version of a message; what is held already is not sent again.

    python -m pipelines.pull CONNECTION_ID
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import dlt
from dlt.extract import DltResource

from pipelines.destination import CONTRACT, INSERT_ONLY
from pipelines.existing_rows import ExistingRows
from pipelines.twilio_lists import CHECKED_PER_PAGE, Page, gone, step, told_at
from providers.twilio.client import Account, Listing
from warehouse.connections import Connection
from warehouse.sanitise import sanitised, version_of

OVERLAP = timedelta(minutes=30)
#: How far a nightly pull looks back for changed statuses, redactions and removals.
LOOK_BACK: timedelta | None = timedelta(days=3)
#: Every account keeps messages for at least 7 days: what is younger cannot have left by age.
KEPT_AT_LEAST = timedelta(days=6)
STEP_SECONDS = 10.0
MEDIA_AT_ONCE = 6

MESSAGES = Listing("Messages", "messages", "DateSent>")


@dlt.resource(name="walk", selected=False)
def walk(
    account: Account, connection_id: str, since: datetime | None, existing_rows: ExistingRows
) -> Iterator[Page]:
    """One step: what is new since the cursor, then as much of the backfill as fits in the time."""
    reader = Messages(account, connection_id, existing_rows)
    state = dlt.current.source_state()
    yield from step(account, reader, state, since, time.monotonic() + STEP_SECONDS)


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
    connection: Connection, since: datetime | None, existing_rows: ExistingRows
) -> tuple[DltResource, ...]:
    """The pipeline contract of pipelines/__init__.py."""
    pages = walk(Account(connection), connection.connection_id, since, existing_rows)
    return (pages, *(pages | resource for resource in RESOURCES))


class Messages:
    """The message list as rows."""

    listing = MESSAGES
    cursor = "sent_at"
    kept_at_least: timedelta | None = KEPT_AT_LEAST

    def __init__(self, account: Account, connection_id: str, existing_rows: ExistingRows) -> None:
        self.account = account
        self.connection_id = connection_id
        self.existing_rows = existing_rows
        self.again = False
        #: Of this step, which are not in the warehouse yet: by sid each version, and the hash of a payload with media.
        #: Not the payloads themselves: a step may have some hundred thousand.
        self._made: dict[str, set[str]] = {}
        self._noticed: set[str] = set()

    def at(self, item: dict[str, Any]) -> datetime | None:
        return told_at(item, "date_sent")

    def start(self, cursor: datetime) -> datetime:
        return cursor - OVERLAP

    def rows(self, listed: list[dict[str, Any]], after: datetime, before: datetime) -> Page:
        known = self.existing_rows.rows(
            "held_sms_between", after=after, before=before, limit=len(listed) + CHECKED_PER_PAGE
        )
        removed = gone(self.account, MESSAGES.path, known, listed, self._noticed)
        return {
            "messages": self.versions([sanitised(message) for message in listed]),
            "removals": [
                {"connection_id": self.connection_id, "sid": sid, "noticed_at": datetime.now(UTC)}
                for sid in removed
            ],
        }

    def versions(self, payloads: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rows of what is not held in this version. Media are listed where a message is new, or `again`."""
        sids = [payload["sid"] for payload in payloads]
        held: dict[str, list[tuple[Any, Any]]] = {}
        for sid, payload, media in self.existing_rows.rows("held_sms", sids=sids):
            held.setdefault(sid, []).append((payload, media))
        changed = [
            payload
            for payload in payloads
            if (self.again and has_media(payload))
            or not (
                any(payload == known for known, _ in held.get(payload["sid"], ()))
                or self._is_made(payload)
            )
        ]
        media_lists = self._media([payload for payload in changed if has_media(payload)])
        now, rows = datetime.now(UTC), []
        for payload in changed:
            sid = payload["sid"]
            media = media_lists[sid] if has_media(payload) else []
            version = version_of({"payload": payload, "media": media})
            made = self._made.setdefault(sid, set())
            if (payload, media) in held.get(sid, ()) or version in made:
                continue
            made.add(version)
            if has_media(payload):
                made.add(version_of(payload))
            rows.append(
                {
                    "connection_id": self.connection_id,
                    "sid": sid,
                    "version": version,
                    "payload": payload,
                    "media": media,
                    "sent_at": self.at(payload),
                    "pulled_at": now,
                }
            )
        return rows

    def _is_made(self, payload: dict[str, Any]) -> bool:
        """Whether a row of this step has this payload, with whatever media."""
        made = self._made.get(payload["sid"])
        if made is None:
            return False
        return (
            version_of(payload if has_media(payload) else {"payload": payload, "media": []}) in made
        )

    def _media(self, payloads: list[dict[str, Any]]) -> dict[str, list[Any]]:
        """The media lists of messages, by sid: Twilio is asked for each."""
        sids = list(dict.fromkeys(payload["sid"] for payload in payloads))
        with ThreadPoolExecutor(MEDIA_AT_ONCE) as pool:
            return dict(zip(sids, pool.map(self._media_of, sids), strict=True))

    def _media_of(self, sid: str) -> list[Any]:
        found = self.account.every(Listing(f"{MESSAGES.path}/{sid}/Media", "media_list"))
        return sanitised(found) or []


def has_media(payload: dict[str, Any]) -> bool:
    """Whether a message lists media of its own."""
    return payload.get("num_media") not in (None, "0")
