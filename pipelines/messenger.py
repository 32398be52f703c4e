"""The conversations of a Facebook page, in every folder of its inbox (docs/providers/messenger.md).

    /{page}/conversations, newest first ──> /{conversation}?fields=messages{…} ──> raw_messenger.messages

Details are given for the 20 newest messages of a conversation, and nothing tells of what was deleted
(pipelines.conversation_messages). `from.email` is made up by Meta and means nothing.

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
from providers.meta.client import Graph
from warehouse.connections import Connection

LOOK_BACK: timedelta | None = conversations.LOOK_BACK
FIELDS = "id,created_time,from,to,message,attachments,sticker,shares,reactions,reply_to,tags"
#: Without a folder Graph lists the inbox; whether with what staff marked as done is not documented.
FOLDERS = (None, "page_done", "other", "spam")


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


@dlt.source(name="messenger", max_table_nesting=0, schema_contract=CONTRACT)
def source(
    connection: Connection, since: datetime | None, existing_rows: ExistingRows
) -> tuple[DltResource, ...]:
    """The pipeline contract of pipelines/__init__.py."""
    page_id = connection.required("page_id")
    account = Account(
        connection_id=connection.connection_id,
        account_id=page_id,
        conversations=f"{page_id}/conversations",
        platform="messenger",
        fields=FIELDS,
        held="held_messenger",
        counterpart="messenger_counterpart",
        untold="untold_messenger",
        folders=FOLDERS,
    )
    pages = walk(Graph(connection), account, since, existing_rows)
    return (pages, *(pages | resource for resource in RESOURCES))
