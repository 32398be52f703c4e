"""How our calls to a provider go, in `jobs.connection_health`: what the admin page and `status` show."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from providers.failures import ProviderFailed
from warehouse.queries import queries

SQL = queries("pipelines")
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
            yield
        except ProviderFailed as failure:
            self._failed(str(failure))
            raise
        except Exception as error:
            # The text of an unplanned error may hold a row: only its kind and place are told.
            words = f"unexpected {type(error).__name__} in {_place(error)}"
            self._failed(words)
            raise ProviderFailed(words) from None
        self.database.execute(SQL["job_succeeded"], {**self.named, "detail": Jsonb(self.detail)})

    def _failed(self, words: str) -> None:
        log.warning("connection %s, %s: %s", self.named["connection_id"], self.named["job"], words)
        try:
            self.database.execute(SQL["job_failed"], {**self.named, "error": words[:1000]})
        except psycopg.Error:
            log.warning("the failure could not be recorded: the warehouse is away")


def _place(error: BaseException) -> str:
    """The innermost place of ours in the traceback."""
    trace, place = error.__traceback__, "an unknown place"
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] in OURS:
            place = f"{module}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place
