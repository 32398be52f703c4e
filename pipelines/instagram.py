"""The conversations of an Instagram professional account (docs/providers/instagram.md).

    flavour instagram   graph.instagram.com   /me/conversations         ─┐
    flavour facebook    graph.facebook.com    /{page}/conversations     ─┼─> messages ──> raw_instagram.messages
    flavour unified     graph.facebook.com    /{account}/conversations  ─┘

Details are given for the 20 newest messages of a conversation (pipelines.conversation_messages); requests that
lay idle for 30 days are not listed. The token of an Instagram Login is renewed by worker.tokens.

    python -m pipelines.pull CONNECTION_ID
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import dlt
from dlt.extract import DltResource

from pipelines import conversations
from pipelines.conversation_messages import Account
from pipelines.conversations import MESSAGE_COLUMNS, MESSAGE_INDEXES, MESSAGE_KEY, Page, walk
from pipelines.destination import CONTRACT, INSERT_ONLY
from pipelines.existing_rows import ExistingRows
from providers.meta.access import subject_of
from providers.meta.client import Graph
from warehouse.connections import Connection

LOOK_BACK: timedelta | None = conversations.LOOK_BACK
FIELDS = "id,created_time,from,to,message,attachments,shares,story,reactions,reply_to,is_unsupported,tags"


@dlt.transformer(
    name="messages",
    primary_key=MESSAGE_KEY,
    write_disposition=INSERT_ONLY,
    columns=MESSAGE_COLUMNS,
)
def messages(page: Page) -> Iterator[list[dict[str, Any]]]:
    """One row per version of a message. The cursor is the conversations' `updated_at`, less the overlap."""
    yield page["messages"]


RESOURCES: tuple[DltResource, ...] = (messages,)
INDEXES = MESSAGE_INDEXES


@dlt.source(name="instagram", max_table_nesting=0, schema_contract=CONTRACT)
def source(
    connection: Connection, since: datetime | None, existing_rows: ExistingRows
) -> tuple[DltResource, ...]:
    """The pipeline contract of pipelines/__init__.py."""
    account = Account(
        connection_id=connection.connection_id,
        account_id=connection.required("account_id"),
        conversations=f"{subject_of(connection)}/conversations",
        platform="instagram",
        fields=FIELDS,
        held="held_instagram",
        counterpart="instagram_counterpart",
        untold="untold_instagram",
    )
    graph = Graph(connection)
    pages = walk(graph, account, since, existing_rows)
    return (pages, *(pages | resource for resource in RESOURCES))
