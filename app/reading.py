"""Whoever is shown what is stored about people is shown it in here: permission, transaction, event.

    may they? ──> what is read ──> the event that says who saw what, and the end of the transaction ──> shown

The event is written behind the last statement and sent along with the commit, so it costs no round trip of its own and
can say what was found. Where it cannot be written the block ends with that error, and nothing is shown.

With a replica (app/replica.py) what is read is read there, where it has what this session knows; the permission is
asked and the event committed on the primary all the same, the one before and the other behind. Where the replica goes
in the middle, or ends what stands in the way of the log that it replays, the primary is asked instead, and whoever
reads does not notice: what was asked before is asked there again, since it may have set something for the transaction.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Concatenate, LiteralString, ParamSpec, TypeVar

import psycopg

from app import database, replica
from app.access import limits
from app.access.authority import viewer_within
from app.access.roles import Forbidden, Permission
from app.access.sessions import Viewer
from app.database import Database, Row
from warehouse.events import Event, record

P = ParamSpec("P")
T = TypeVar("T")
Instead = Callable[[psycopg.OperationalError], Database | None]


class Reading:
    """The transaction of one sight, and the event that it will leave.

    Args:
        instead: opens the connection on which to go on after this failure, None where it is no reason to. Without it
            there is no other.
    """

    def __init__(self, connection: Database, event: Event, instead: Instead | None = None) -> None:
        #: For what is read in pieces: of a file some is written already, and it is not begun anew elsewhere.
        self.connection = connection
        self.event: Event | None = event
        self._instead = instead
        self._asked: list[Callable[[Database], object]] = []

    def ask(
        self, question: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What this function finds on the connection, whole: its rows are here when it returns."""

        def asked(connection: Database) -> T:
            return question(connection, *args, **kwargs)

        try:
            found = asked(self.connection)
        except psycopg.OperationalError as failure:
            other = self._instead(failure) if self._instead else None
            if other is None:
                raise
            self.connection, self._instead = other, None
            for former in self._asked:
                former(self.connection)
            return asked(self.connection)
        if self._instead is not None:
            self._asked.append(asked)
        return found

    def execute(
        self, query: LiteralString, parameters: Mapping[str, Any] | None = None
    ) -> psycopg.Cursor[Row]:
        return self.ask(lambda connection: connection.execute(query, parameters))

    def together(self, *asked: tuple[LiteralString, Mapping[str, Any]]) -> list[list[Row]]:
        """The rows of several statements, none of which needs what another finds. They cost one round trip: with many
        people at work a thread waits longer for the interpreter after each than the database needs."""
        return self.ask(_together, asked)

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
    on_primary: bool = False,
) -> Iterator[Reading]:
    """A transaction in which this person reads, once it has found that they are signed in and may; it leaves one event.

    Args:
        refusal: the action of the event that says that it was asked for in vain; without it that leaves none.
        on_primary: never from a replica: it writes, or what it reads is part of a permission.

    Raises:
        Forbidden: the role may not; nothing was read.
    """

    def event_of(person: Viewer) -> Event:
        return person.event(
            action, object_type, object_id, customer_ids=customer_ids, detail=detail
        )

    beside = replica.beside()
    if beside is not None and not on_primary:
        with database.statements() as primary:
            present = _admitted(primary, viewer, permission, refusal, event_of)
        with ExitStack() as stack:
            found = beside.open(stack, present.session_id, present.read_after)
            if found is not None:
                connection = found

                def instead(failure: psycopg.OperationalError) -> Database | None:
                    if not beside.failed(connection, failure):
                        return None
                    primary = stack.enter_context(database.pool().connection())
                    if present.limits is not None:
                        limits.bound(primary, present.limits, decides=False)
                    return primary

                if present.limits is not None:
                    limits.bound(connection, present.limits, decides=False)
                db = Reading(connection, event_of(present), instead)
                try:
                    yield db
                except psycopg.OperationalError as failure:
                    if db.connection is connection:
                        beside.failed(connection, failure)
                    raise
                if db.connection is not connection:
                    _ended(db, beside, viewer)
                elif db.event is not None:
                    with database.statements() as primary:
                        record(primary, db.event)
                return
    with database.pool().connection() as connection:
        present = _admitted(connection, viewer, permission, refusal, event_of)
        db = Reading(connection, event_of(present))
        yield db
        _ended(db, beside, viewer)


def _ended(db: Reading, beside: replica.Replica | None, viewer: Viewer) -> None:
    """The end of what was read on the primary: its event and the commit, and up to where of the log it was."""
    connection = db.connection
    seen: psycopg.Cursor[Row] | None = None
    if db.event is not None:
        # Both in one round trip; where the event fails the commit is not carried out.
        with connection.pipeline():
            record(connection, db.event)
            if beside is not None:
                seen = connection.execute(replica.SQL["written"])
            connection.execute("commit", prepare=False)
    elif beside is not None:
        seen = connection.execute(replica.SQL["written"])
    if beside is not None and seen is not None:
        # What was seen here is not older on the replica later.
        beside.saw(viewer.session_id, next(seen)["position"])


def _together(
    connection: Database, asked: Sequence[tuple[LiteralString, Mapping[str, Any]]]
) -> list[list[Row]]:
    with connection.pipeline():
        cursors = [connection.execute(query, parameters) for query, parameters in asked]
    return [cursor.fetchall() for cursor in cursors]


def _admitted(
    connection: Database,
    viewer: Viewer,
    permission: Permission,
    refusal: str | None,
    event_of: Callable[[Viewer], Event],
) -> Viewer:
    """This person as they are now, who may.

    Raises:
        Forbidden: they may not; where that is to be known, it is written down.
    """
    try:
        return viewer_within(connection, viewer, permission)
    except Forbidden as forbidden:
        if refusal:
            event = event_of(viewer)
            because = {**event.detail, "because": str(forbidden)}
            record(connection, dataclasses.replace(event, action=refusal, detail=because))
            connection.commit()
        raise
