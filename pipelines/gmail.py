"""The mails of one mailbox (docs/providers/google.md).

    messages.list, newest first ─┐
    history.list since cursor  ──┼─> messages.get format=raw ──> media store (bytes), raw_gmail.messages
             │                   │
             └───────────────────┴─> raw_gmail.changes          settings.sendAs ──> raw_gmail.send_as

A step first follows the history from the cursor, so that new mail shows during a first pull of hours,
then goes on with the backfill. The cursor is read from the profile before the first list, so nothing
falls between the two. An expired cursor starts a resync: the whole mailbox is listed, what is not held is
fetched, and what is held but not listed is asked for one by one.

    python -m pipelines.pull CONNECTION_ID
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dlt
from dlt.extract import DltResource

from mail.reader import MailReader
from pipelines.destination import CONTRACT, INSERT_ONLY
from pipelines.existing_rows import ExistingRows
from pipelines.gmail_steps import Page, Step
from providers.google.client import Mailbox
from warehouse.connections import Connection

#: Gmail's history tells every change: no need to look back.
LOOK_BACK: timedelta | None = None
#: The addresses that a mailbox sends from are asked for at most this often.
SEND_AS_EVERY_SECONDS = 86_400.0


@dlt.resource(name="walk", selected=False)
def walk(
    mailbox: Mailbox, connection_id: str, since: datetime | None, existing_rows: ExistingRows
) -> Iterator[Page]:
    """One step of a pull; the state moves on only together with the rows."""
    state = dlt.current.source_state()
    with MailReader() as reader:
        yield from _step(Step(mailbox, connection_id, existing_rows, state, reader), state, since)


def _step(step: Step, state: dict[str, Any], since: datetime | None) -> Iterator[Page]:
    mailbox, connection_id = step.mailbox, step.rows.connection_id
    now = datetime.now(UTC)
    if now.timestamp() - state.get("send_as_at", 0.0) > SEND_AS_EVERY_SECONDS:
        yield step.page(
            send_as=[
                {
                    "connection_id": connection_id,
                    "mailbox": mailbox.address,
                    "address": address,
                    "pulled_at": now,
                }
                for address in mailbox.send_as()
            ]
        )
        state["send_as_at"] = now.timestamp()
    if not state.get("history_id"):
        step.start(since)
    else:
        yield from step.changes()
        if since:
            step.list_again(since)
    yield from step.backfill()
    yield from step.slow()


@dlt.transformer(
    name="messages",
    primary_key=("connection_id", "id", "version"),
    write_disposition=INSERT_ONLY,
    columns={
        "connection_id": {"data_type": "text"},
        "mailbox": {"data_type": "text", "nullable": False},
        "id": {"data_type": "text"},
        "thread_id": {"data_type": "text"},
        "history_id": {"data_type": "text"},
        "label_ids": {"data_type": "json", "nullable": False},
        "internal_date": {"data_type": "text"},
        "size_estimate": {"data_type": "bigint"},
        "version": {"data_type": "text"},
        "raw_sha256": {"data_type": "text", "nullable": False},
        "raw_size_bytes": {"data_type": "bigint", "nullable": False},
        "envelope": {"data_type": "json", "nullable": False},
        "body_text": {"data_type": "text"},
        "body_quoted": {"data_type": "text"},
        "body_format": {"data_type": "text"},
        "attachments": {"data_type": "json", "nullable": False},
        "parser_version": {"data_type": "bigint", "nullable": False},
        "parse_notes": {"data_type": "json", "nullable": False},
        "rfc822_message_id": {"data_type": "text"},
        "reported_message_id": {"data_type": "text"},
        "pulled_at": {"data_type": "timestamp", "nullable": False},
    },
)
def messages(page: Page) -> Iterator[list[dict[str, Any]]]:
    """One row per version of a mail. The cursor is the mailbox's historyId, in dlt's state."""
    yield page["messages"]


@dlt.transformer(
    name="changes",
    primary_key=("connection_id", "history_id", "id", "change"),
    write_disposition=INSERT_ONLY,
    columns={
        "connection_id": {"data_type": "text"},
        "mailbox": {"data_type": "text", "nullable": False},
        "history_id": {"data_type": "text"},
        "id": {"data_type": "text"},
        "thread_id": {"data_type": "text"},
        "change": {"data_type": "text"},
        "label_ids": {"data_type": "json"},
        "changed_labels": {"data_type": "json"},
        "pulled_at": {"data_type": "timestamp", "nullable": False},
    },
)
def changes(page: Page) -> Iterator[list[dict[str, Any]]]:
    """One row per change that Gmail's history tells, or that a resync notices."""
    yield page["changes"]


@dlt.transformer(
    name="send_as",
    primary_key=("connection_id", "address"),
    write_disposition=INSERT_ONLY,
    columns={
        "connection_id": {"data_type": "text"},
        "mailbox": {"data_type": "text", "nullable": False},
        "address": {"data_type": "text"},
        "pulled_at": {"data_type": "timestamp", "nullable": False},
    },
)
def send_as(page: Page) -> Iterator[list[dict[str, Any]]]:
    """One row per address that the mailbox has ever sent from: the direction of a mail depends on it."""
    yield page["send_as"]


RESOURCES: tuple[DltResource, ...] = (messages, changes, send_as)
INDEXES = {
    "changes": [("connection_id", "id")],
    "messages": [("connection_id", "rfc822_message_id"), ("connection_id", "reported_message_id")],
}


@dlt.source(name="gmail", max_table_nesting=0, schema_contract=CONTRACT)
def source(
    connection: Connection, since: datetime | None, existing_rows: ExistingRows
) -> tuple[DltResource, ...]:
    """The pipeline contract of pipelines/__init__.py."""
    pages = walk(Mailbox(connection), connection.connection_id, since, existing_rows)
    return (pages, *(pages | resource for resource in RESOURCES))
