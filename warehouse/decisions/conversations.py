"""What is tagged and assigned: a conversation, found by any id that it ever had, or a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg.rows import DictRow

from warehouse.decisions.ledger import Database, execute
from warehouse.queries import queries
from warehouse.refusals import Refused

SQL = queries("organise")


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A conversation or a message: as it is named, and as what is decided of it is kept."""

    object_type: str
    object_id: str
    #: Under which of these something may have been decided: the threads of a conversation and its id, or the message.
    parts: list[str]
    customer_ids: list[str]
    #: The sort key of a conversation's newest message.
    newest_key: str = ""

    @property
    def anchor(self) -> str:
        """Where what is decided now is kept: the first thread, which keeps its name when the conversation's changes."""
        return self.parts[0]


def run(database: Database, query: str, **parameters: Any) -> list[DictRow]:
    """One statement of organise.sql."""
    return execute(database, SQL[query], parameters)


def conversation(database: Database, conversation_id: str) -> Thing:
    """A conversation by its id, by that of one of its threads, or by one under which it was decided on before.

    Raises:
        Refused: there is none.
    """
    found = _conversation(database, conversation_id)
    if found is None:
        raise Refused(f"there is no conversation {conversation_id[:200]!r}")
    return found


def message(database: Database, message_id: str) -> Thing:
    """
    Raises:
        Refused: there is no such message.
    """
    found = _message(database, message_id)
    if found is None:
        raise Refused(f"there is no message {message_id[:200]!r}")
    return found


def thing(database: Database, text: str) -> Thing:
    """A conversation, or else a message.

    Raises:
        Refused: it is neither.
    """
    found = _conversation(database, text) or _message(database, text)
    if found is None:
        raise Refused(f"there is no conversation and no message {text[:200]!r}")
    return found


def remember_id(database: Database, found: Thing) -> None:
    """Something was decided under this id: it leads to the conversation for ever."""
    if found.object_type == "conversation":
        run(
            database,
            "keep_conversation_id",
            conversation_id=found.object_id,
            thread_id=found.anchor,
        )


def _conversation(database: Database, text: str) -> Thing | None:
    rows = run(database, "conversation_of", id=text.replace("\0", ""))
    if not rows:
        return None
    return Thing(
        object_type="conversation",
        object_id=rows[0]["conversation_id"],
        parts=rows[0]["places"],
        customer_ids=sorted(rows[0]["customer_ids"]),
        newest_key=rows[0]["newest_key"],
    )


def _message(database: Database, text: str) -> Thing | None:
    rows = run(database, "message_of", id=text.replace("\0", ""))
    if not rows:
        return None
    return Thing(
        object_type="message",
        object_id=rows[0]["message_id"],
        parts=[rows[0]["message_id"]],
        customer_ids=sorted(rows[0]["customer_ids"]),
    )
