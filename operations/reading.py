"""What a command shows of people: read on the replica where there is one (app/replica.py), told of on the primary.

Who runs a command has no session that remembers what they decided: the replica is read when it has all that the primary
had when the command began, and the primary where it does not come so far. The event is committed before a row is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeVar

from operations.invocation import connect, say

if TYPE_CHECKING:
    import psycopg

    from warehouse.events import Event
    from warehouse.settings import Settings

T = TypeVar("T")
#: What a page's statement may not, a file of everybody may.
UNLIMITED = "set local statement_timeout = 0"


def read(
    settings: Settings, ask: Callable[[psycopg.Connection[Any]], T], tells: Callable[[T], Event]
) -> T:
    """What is found by asking a connection, once the event that tells of it is committed.

    Raises:
        Refused: the warehouse does not answer.
    """
    from warehouse.events import record

    with connect(settings) as primary:
        of_replica = _of_replica(settings, ask)
        found = of_replica[0] if of_replica else ask(primary)
        record(primary, tells(found))
    return found


def _of_replica(settings: Settings, ask: Callable[[psycopg.Connection[Any]], T]) -> tuple[T] | None:
    """What is found there; None where the primary is to be asked."""
    if settings.read_database_url is None:
        return None
    import psycopg

    from app import database, replica

    database.use(settings)
    try:
        beside = replica.beside()
        assert beside is not None
        beside.first_look()
        beside.catch_up()
        with ExitStack() as stack:
            connection = beside.open(stack, "a command", None)
            if connection is not None:
                try:
                    connection.execute(UNLIMITED)
                    return (ask(connection),)
                except psycopg.OperationalError as failure:
                    if not beside.failed(connection, failure):
                        raise
        say(f"the replica {beside.left_out or 'gave up what was asked'}: read from the primary")
        return None
    finally:
        replica.close()
        database.close()
