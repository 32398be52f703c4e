"""Calls, recordings and transcripts of a Twilio account (docs/providers/twilio.md).

    Calls.json, newest first      ──> raw_twilio_voice.calls
    Recordings.json, newest first ──> raw_twilio_voice.recordings ─┐
    Transcriptions.json           ──> raw_twilio_voice.transcriptions <── Recordings/{sid}/Transcriptions.json
    404, or a recording `deleted` ──> raw_twilio_voice.removals

A leg of a call is a call of its own. What Twilio changes after the fact (a price, the end of a call) is a new
version, found because each pull looks back (pipelines.twilio_lists). Recordings are listed with those that
were deleted in the last 40 days. The audio itself is fetched by another job.

    python -m pipelines.pull CONNECTION_ID
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import dlt
from dlt.extract import DltResource

from pipelines.destination import CONTRACT, INSERT_ONLY
from pipelines.existing_rows import ExistingRows
from pipelines.twilio_calls import Calls, Recordings, Transcriptions
from pipelines.twilio_lists import Page, Reader, step
from providers.twilio.client import Account
from warehouse.connections import Connection

#: How far a nightly pull looks back: a call lives for hours, its price and its recording's fate settle later.
LOOK_BACK: timedelta | None = timedelta(days=3)
STEP_SECONDS = 10.0


@dlt.resource(name="walk", selected=False)
def walk(
    account: Account, connection_id: str, since: datetime | None, existing_rows: ExistingRows
) -> Iterator[Page]:
    """One step of each list. The state of a list lies under its table's name."""
    state = dlt.current.source_state()
    deadline = time.monotonic() + STEP_SECONDS
    done = (state.get("backfill") or {}).get("done", 0)
    transcriptions = Transcriptions(account, connection_id, existing_rows)
    # In this order: a transcript is told the call of its recording.
    lists: dict[str, Reader] = {
        "calls": Calls(account, connection_id, existing_rows),
        "recordings": Recordings(account, connection_id, existing_rows, transcriptions),
        "transcriptions": transcriptions,
    }
    for table, reader in lists.items():
        done += yield from step(account, reader, state.setdefault(table, {}), since, deadline)
    left = any(state[table]["backfill"] for table in lists)
    state["backfill"] = {"done": done, "total": None} if left else None


@dlt.transformer(
    name="calls",
    primary_key=("connection_id", "sid", "version"),
    write_disposition=INSERT_ONLY,
    columns={
        "connection_id": {"data_type": "text"},
        "sid": {"data_type": "text"},
        "version": {"data_type": "text"},
        "payload": {"data_type": "json", "nullable": False},
        "started_at": {"data_type": "timestamp"},
        "pulled_at": {"data_type": "timestamp", "nullable": False},
    },
)
def calls(page: Page) -> Iterator[list[dict[str, Any]]]:
    """One row per version of a call. The cursor is `started_at`, less the overlap."""
    yield page["calls"]


@dlt.transformer(
    name="recordings",
    primary_key=("connection_id", "sid", "version"),
    write_disposition=INSERT_ONLY,
    columns={
        "connection_id": {"data_type": "text"},
        "sid": {"data_type": "text"},
        "version": {"data_type": "text"},
        "call_sid": {"data_type": "text"},
        "payload": {"data_type": "json", "nullable": False},
        "created_at": {"data_type": "timestamp"},
        "pulled_at": {"data_type": "timestamp", "nullable": False},
    },
)
def recordings(page: Page) -> Iterator[list[dict[str, Any]]]:
    """One row per version of a recording. The cursor is `created_at`, less the overlap."""
    yield page["recordings"]


@dlt.transformer(
    name="transcriptions",
    primary_key=("connection_id", "sid", "version"),
    write_disposition=INSERT_ONLY,
    columns={
        "connection_id": {"data_type": "text"},
        "sid": {"data_type": "text"},
        "version": {"data_type": "text"},
        "recording_sid": {"data_type": "text"},
        "call_sid": {"data_type": "text"},
        "payload": {"data_type": "json", "nullable": False},
        "pulled_at": {"data_type": "timestamp", "nullable": False},
    },
)
def transcriptions(page: Page) -> Iterator[list[dict[str, Any]]]:
    """One row per version of a transcript. `call_sid` is that of its recording."""
    yield page["transcriptions"]


@dlt.transformer(
    name="removals",
    primary_key=("connection_id", "sid"),
    write_disposition=INSERT_ONLY,
    columns={
        "connection_id": {"data_type": "text"},
        "sid": {"data_type": "text"},
        "kind": {"data_type": "text", "nullable": False},
        "noticed_at": {"data_type": "timestamp", "nullable": False},
    },
)
def removals(page: Page) -> Iterator[list[dict[str, Any]]]:
    """One row per call or recording (`kind`) that was deleted at Twilio."""
    yield page["removals"]


RESOURCES: tuple[DltResource, ...] = (calls, recordings, transcriptions, removals)
INDEXES = {
    "calls": [("connection_id", "started_at")],
    "recordings": [("connection_id", "created_at")],
    "transcriptions": [("connection_id", "recording_sid")],
}


@dlt.source(name="twilio_voice", max_table_nesting=0, schema_contract=CONTRACT)
def source(
    connection: Connection, since: datetime | None, existing_rows: ExistingRows
) -> tuple[DltResource, ...]:
    """The pipeline contract of pipelines/__init__.py."""
    pages = walk(Account(connection), connection.connection_id, since, existing_rows)
    return (pages, *(pages | resource for resource in RESOURCES))
