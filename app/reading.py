"""Whoever is shown what is stored about people is shown it in here: permission, transaction, event.

    may they? ──> what is read ──> the event that says who saw what, and the end of the transaction ──> shown

The event is written behind the last statement and sent along with the commit, so it costs no round trip of its own and
can say what was found. Where it cannot be written the block ends with that error, and nothing is shown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg

from app import database
from app.access.authority import viewer_within
from app.access.roles import Forbidden, Permission
from app.access.sessions import Viewer
from app.database import Database, Row
from warehouse.events import Event, record


class Reading:
    """The transaction of one sight, and the event that it will leave."""

    def __init__(self, connection: Database, event: Event) -> None:
        self.connection = connection
        self.event: Event | None = event

    def execute(
        self, query: LiteralString, parameters: Mapping[str, Any] | None = None
    ) -> psycopg.Cursor[Row]:
        return self.connection.execute(query, parameters)

    def together(self, *asked: tuple[LiteralString, Mapping[str, Any]]) -> list[list[Row]]:
        """The rows of several statements, none of which needs what another finds. They cost one round trip: with many
        people at work a thread waits longer for the interpreter after each than the database needs."""
        with self.connection.pipeline():
            cursors = [self.connection.execute(query, parameters) for query, parameters in asked]
        return [cursor.fetchall() for cursor in cursors]

    def tells(
        self,
        *,
        action: str | None = None,
        object_id: str | None = None,
        customer_ids: list[str] | None = None,
        **detail: Any,
    ) -> None:
        """Say in the event what only the reading itself shows: whom it concerned, what it turned out to be."""
        assert self.event is not None
        self.event = dataclasses.replace(
            self.event,
            action=action or self.event.action,
            object_id=self.event.object_id if object_id is None else object_id,
            customer_ids=self.event.customer_ids if customer_ids is None else customer_ids,
            detail=self.event.detail | detail,
        )

    def tells_nothing(self) -> None:
        """Leave no event: nothing is shown, or what stands on the screen already."""
        self.event = None


@contextmanager
def reading(
    viewer: Viewer,
    permission: Permission,
    action: str,
    object_type: str,
    object_id: str,
    *,
    customer_ids: list[str] | None = None,
    detail: dict[str, Any] | None = None,
    refusal: str | None = None,
) -> Iterator[Reading]:
    """A transaction in which this person reads, once it has found that they are signed in and may; it leaves one event.

    Args:
        refusal: the action of the event that says that it was asked for in vain; without it that leaves none.

    Raises:
        Forbidden: the role may not; nothing was read.
    """
    told = (action, object_type, object_id)
    with database.pool().connection() as connection:
        try:
            present = viewer_within(connection, viewer, permission)
        except Forbidden as forbidden:
            if refusal:
                event = viewer.event(*told, customer_ids=customer_ids, detail=detail)
                because = {**event.detail, "because": str(forbidden)}
                record(connection, dataclasses.replace(event, action=refusal, detail=because))
                connection.commit()
            raise
        db = Reading(connection, present.event(*told, customer_ids=customer_ids, detail=detail))
        yield db
        if db.event is not None:
            # Both in one round trip; where the event fails the commit is not carried out.
            with connection.pipeline():
                record(connection, db.event)
                connection.execute("commit", prepare=False)
