"""The web site's chat from its transcript: one page of JSON with every message.

    transcript ──> raw_website_chat.messages

python -m pipelines.pull CONNECTION_ID
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dlt
import httpx
from dlt.extract import DltResource

from pipelines.destination import CONTRACT, INSERT_ONLY
from pipelines.holdings import Holdings
from pipelines.storable import storable, version_of
from providers.failures import TryLater
from warehouse.connections import Connection

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
    try:
        answer = httpx.get(connection.required("transcript"), timeout=10).raise_for_status()
    except httpx.HTTPError as error:
        raise TryLater(f"the transcript cannot be had: {type(error).__name__}") from None
    now = datetime.now(UTC)
    yield [
        {
            "connection_id": connection.connection_id,
            "id": str(message["id"]),
            "version": version_of(message),
            "payload": storable(message),
            "pulled_at": now,
        }
        for message in answer.json()
    ]


RESOURCES: tuple[DltResource, ...] = (messages,)


@dlt.source(name="website_chat", max_table_nesting=0, schema_contract=CONTRACT)
def source(
    connection: Connection, since: datetime | None, holdings: Holdings
) -> tuple[DltResource, ...]:
    """The pipeline contract of pipelines/__init__.py."""
    return (messages(connection),)
