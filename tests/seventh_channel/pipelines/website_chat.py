"""The web site's chat from its transcript: one page of JSON with every message.

    transcript ──> raw_website_chat.messages

python -m pipelines.pull CONNECTION_ID
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dlt
from dlt.extract import DltResource
from providers.website.client import transcript

from pipelines.destination import CONTRACT, INSERT_ONLY
from pipelines.existing_rows import ExistingRows
from warehouse.connections import Connection
from warehouse.sanitise import sanitised, version_of

#: The transcript is always whole.
LOOK_BACK: timedelta | None = None
INDEXES: dict[str, list[tuple[str, ...]]] = {}


@dlt.resource(
    name="messages",
    primary_key=("connection_id", "id", "version"),
    write_disposition=INSERT_ONLY,
    columns={
        "connection_id": {"data_type": "text"},
        "id": {"data_type": "text"},
        "version": {"data_type": "text"},
        "payload": {"data_type": "json", "nullable": False},
        "pulled_at": {"data_type": "timestamp", "nullable": False},
    },
)
def messages(connection: Connection | None = None) -> Iterator[list[dict[str, Any]]]:
    """One row per version of a message."""
    assert connection is not None
    now = datetime.now(UTC)
    yield [
        {
            "connection_id": connection.connection_id,
            "id": str(message["id"]),
            "version": version_of(message),
            "payload": sanitised(message),
            "pulled_at": now,
        }
        for message in transcript(connection)
    ]


RESOURCES: tuple[DltResource, ...] = (messages,)


@dlt.source(name="website_chat", max_table_nesting=0, schema_contract=CONTRACT)
def source(
    connection: Connection, since: datetime | None, existing_rows: ExistingRows
) -> tuple[DltResource, ...]:
    """The pipeline contract of pipelines/__init__.py."""
    return (messages(connection),)
