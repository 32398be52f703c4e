"""Events: who did or saw what, when. One append-only table for people, programs and commands.

The caller's transaction carries the event: a decision and its event commit together or not at all,
and what a person is shown is preceded by the event that says so.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from warehouse.queries import queries
from warehouse.sanitise import sanitised

SQL = queries("events")


@dataclass(frozen=True, kw_only=True)
class Event:
    """One audit record. `action` is `noun.verb`; `detail` never holds a message body or a secret."""

    actor: str
    role: str
    action: str
    object_type: str
    object_id: str
    customer_ids: list[str] = field(default_factory=list)
    detail: dict[str, Any] = field(default_factory=dict)
    session_id: str | None = None
    ip: str | None = None


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts: a person who is signed in, the command line as `cli:<login name>`, or a job as `job:<its name>`."""

    name: str
    role: str
    session_id: str | None = None
    ip: str | None = None

    def event(
        self,
        action: str,
        object_type: str,
        object_id: str,
        *,
        customer_ids: list[str] | None = None,
        detail: dict[str, Any] | None = None,
    ) -> Event:
        """An event of this actor."""
        return Event(
            actor=self.name,
            role=self.role,
            action=action,
            object_type=object_type,
            object_id=object_id,
            customer_ids=customer_ids or [],
            detail=detail or {},
            session_id=self.session_id,
            ip=self.ip,
        )


def record(database: psycopg.Connection[Any], event: Event) -> str:
    """Append the event in the caller's transaction; returns its id."""
    # It begins with the time, so that the index grows at its end: elsewhere each commit writes another page of it.
    event_id = f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"
    database.execute(
        SQL["record_event"],
        # What was asked for stands in it, and that may be anything.
        {
            **sanitised(event.__dict__),
            "event_id": event_id,
            "detail": Jsonb(sanitised(event.detail)),
        },
    )
    return event_id
