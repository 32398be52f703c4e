"""No job fails without a word: why stands in `jobs.failures`, for the page Jobs, and in the log.

What a provider's failure says was written down where it happened, too, as the state of its connection
(`providers/health.py`). What fails before or beside that (no session was free, another pull held the place, the child
died, a job that is no connection's) is told here alone.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from procrastinate import JobContext
from procrastinate.exceptions import ConnectorException

from providers.failures import ProviderFailed
from providers.health import words_of
from warehouse.queries import queries

log = logging.getLogger("crm.worker")

SQL = queries("jobs")
LONGEST_WORDS = 1_000

JobFunction = Callable[..., Coroutine[Any, Any, None]]


def told(function: JobFunction) -> JobFunction:
    """The same job, whose failure leaves its words."""

    @functools.wraps(function)
    async def job(context: JobContext, **arguments: Any) -> None:
        try:
            await function(context, **arguments)
        except Exception as error:
            await _tell(context, error)
            raise

    return job


async def _tell(context: JobContext, error: Exception) -> None:
    words = words_of(_cause(error))[:LONGEST_WORDS]
    if not (isinstance(error, ProviderFailed) and error.is_told):
        whose = context.job.task_kwargs.get("connection_id")
        of = f" of connection {whose}" if whose else ""
        log.warning("%s%s failed: %s", context.job.task_name, of, words)
    try:
        await context.app.connector.execute_query_async(
            SQL["note_failure"], job_id=context.job.id, words=words
        )
    except ConnectorException:
        log.warning("why it failed could not be recorded: the warehouse is away")


def _cause(error: Exception) -> BaseException:
    """What the database raised, where the queue wraps it."""
    return error.__cause__ if isinstance(error, ConnectorException) and error.__cause__ else error


def is_told_elsewhere(record: logging.LogRecord) -> bool:
    """Whether a line of the queue repeats a failure that is told here, with a trace whose text may hold a row."""
    return str(getattr(record, "action", "")).startswith("job_error")
