"""How our calls to a provider go, in `jobs.connection_health`: what the admin page and `status` show."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from cryptography.fernet import InvalidToken
from psycopg.types.json import Jsonb

from providers import clock
from providers.failures import ProviderFailed
from warehouse.connections import UnusableConnection
from warehouse.queries import queries

SQL = queries("pipelines")
WATCHDOG = queries("watchdog")
log = logging.getLogger(__name__)
#: A failure that nobody planned is told by its place in one of these.
OURS = {"mail", "media", "pipelines", "providers", "transform", "warehouse", "worker"}


class Health:
    """One job (`pull` or `watch`) of one connection. `detail` is JSON for the page."""

    def __init__(self, database: psycopg.Connection[Any], connection_id: str, job: str) -> None:
        self.database = database
        self.named = {"connection_id": connection_id, "job": job}
        self.detail: dict[str, Any] = {}

    def progressed(self) -> None:
        """Show `detail` as it is now."""
        self.database.execute(SQL["job_progressed"], {**self.named, "detail": Jsonb(self.detail)})

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Record start, and success or failure in words, of what the block does.

        Raises:
            ProviderFailed: also for failures that are nobody's plan, with the kind of error as its words.
        """
        self.database.execute(SQL["job_started"], self.named)
        try:
            try:
                yield
            finally:
                self._note_clock()
        except ProviderFailed as failure:
            self.failed(str(failure))
            failure.is_told = True
            raise
        except Exception as error:
            unplanned = ProviderFailed(words_of(error))
            self.failed(str(unplanned))
            unplanned.is_told = True
            raise unplanned from None
        self.database.execute(SQL["job_succeeded"], {**self.named, "detail": Jsonb(self.detail)})

    def _note_clock(self) -> None:
        """What the provider's answers said of our clock: with a wrong one it refuses us, and names something else."""
        problem = clock.problem()
        if problem is None:
            return
        try:
            note_outside(self.database, "clock", problem)
        except psycopg.Error:
            log.warning("what was found of our clock could not be recorded: the warehouse is away")

    def failed(self, words: str) -> None:
        """Say in words that it did not come about, here and in the log."""
        log.warning("connection %s, %s: %s", self.named["connection_id"], self.named["job"], words)
        try:
            self.database.execute(SQL["job_failed"], {**self.named, "error": words[:1000]})
        except psycopg.Error:
            log.warning("the failure could not be recorded: the warehouse is away")


def note_outside(database: psycopg.Connection[Any], what: str, problem: str) -> None:
    """Say what is wrong with this installation as providers see it, or with an empty problem that nothing is."""
    database.execute(WATCHDOG["note_outside"], {"what": what, "problem": problem})


def words_of(error: BaseException) -> str:
    """A failure in words: those that were made for admins, and of one that nobody planned its kind and place alone.

    The text of such a one may hold a row.
    """
    if isinstance(error, (ProviderFailed, UnusableConnection)):
        return str(error)
    if isinstance(error, InvalidToken):
        return "its keys cannot be opened: they were stored under another CRM_MASTER_KEY"
    return f"unexpected {type(error).__name__} in {_place(error)}"


def _place(error: BaseException) -> str:
    """The innermost place of ours in the traceback."""
    trace, place = error.__traceback__, "an unknown place"
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] in OURS:
            place = f"{module}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place
