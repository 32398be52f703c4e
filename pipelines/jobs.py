"""The jobs of the worker, queued in Postgres by procrastinate: pulls, watches, housekeeping.

    push, schedule, command ──> jobs.procrastinate_jobs ──> worker ──> pipelines.pull in a child

At most one pull of a connection waits and one runs, so a hundred pushes are two pulls. A failed pull is
repeated with a growing pause; why it failed stands in jobs.connection_health.
"""

from __future__ import annotations

import importlib
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from procrastinate import App, Blueprint, JobContext
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy, RetryDecision

from pipelines import children
from pipelines.failures import NeedsAdmin
from pipelines.pull import PullResult, pull
from pipelines.watch import renew
from warehouse.channels import registry
from warehouse.migrate import queue_connector
from warehouse.queries import queries
from warehouse.settings import Settings

SQL = queries("pipelines")
#: A long pull gives its place up after this time, and goes on behind the others.
BUDGET_SECONDS = 30.0
RETRIES = 8
FIRST_RETRY_SECONDS = 10.0
LONGEST_RETRY_SECONDS = 600.0
#: Finished jobs are forgotten; failed ones are kept this long for whoever asks.
KEPT_HOURS = 72
#: A watch is renewed when less than this is left of its seven days.
WATCH_LEFT = timedelta(days=6)

blueprint = Blueprint()


class GrowingPause(BaseRetryStrategy):
    """Exponential with jitter. What only an admin can mend waits for the next scheduled pull."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, NeedsAdmin) or job.attempts >= RETRIES:
            return None
        if not isinstance(exception, Exception):
            # The worker stops, and the job was cancelled: the next worker takes it up.
            return RetryDecision(retry_at=datetime.now(UTC))
        asked = getattr(exception, "after_seconds", None) or 0.0
        drawn = random.uniform(0.5, 1.0) * FIRST_RETRY_SECONDS * 2**job.attempts
        return RetryDecision(retry_in={"seconds": round(max(asked, min(drawn, LONGEST_RETRY_SECONDS)))})


def application(settings: Settings, *, sync: bool = False) -> App:
    """The queue of these settings with every task. Open it before use."""
    app = App(connector=queue_connector(settings, sync=sync), worker_defaults={"delete_jobs": "successful"})
    app.add_tasks_from(blueprint, namespace="pipelines")
    return app


def request_pull(settings: Settings, connection_id: str, *, watch: bool = False) -> None:
    """Ask the worker to pull a connection now, for example because it was just added.

    Args:
        watch: also to ask Google for pushes (a Gmail connection with `pubsub_topic`).
    """
    with application(settings, sync=True).open() as app:
        for name in ("pull_connection", *(["watch_connection"] if watch else [])):
            deferrer = app.configure_task(f"pipelines:{name}", **locks(name, connection_id))
            try:
                deferrer.defer(connection_id=connection_id)
            except AlreadyEnqueued:
                pass


def locks(task: str, connection_id: str) -> dict[str, str]:
    """One job of a kind runs per connection (`lock`), and one waits (`queueing_lock`)."""
    return {"lock": f"{task} {connection_id}", "queueing_lock": f"{task} {connection_id}"}


async def defer(app: App, task: str, connection_id: str, **arguments: Any) -> None:
    """Queue a job of a connection, unless one waits already."""
    named = locks(task, connection_id)
    if arguments:
        named["queueing_lock"] += " with arguments"
    try:
        await app.configure_task(f"pipelines:{task}", **named).defer_async(
            connection_id=connection_id, **arguments
        )
    except AlreadyEnqueued:
        pass


async def defer_pulls(app: App) -> None:
    """Queue a pull of every connection that is not disabled."""
    for connection_id, _ in await pullable(app):
        await defer(app, "pull_connection", connection_id)


async def catch_up(app: App) -> None:
    """What a worker that was away may have missed."""
    await defer_pulls(app)
    for name in ("renew_watches", "keep_house"):
        try:
            await app.configure_task(f"pipelines:{name}", queueing_lock=name).defer_async(timestamp=0)
        except AlreadyEnqueued:
            pass


async def pullable(app: App) -> list[tuple[str, str]]:
    """`(connection_id, channel)` of connections that have a history and are not disabled."""
    rows = await app.connector.execute_query_all_async(SQL["pullable_connections"])
    return [
        (row["connection_id"], row["channel"])
        for row in rows
        if row["channel"] in registry() and registry()[row["channel"]].pulls
    ]


@blueprint.task(name="pull_connection", retry=GrowingPause(), pass_context=True)
async def pull_connection(context: JobContext, connection_id: str, since: str | None = None) -> None:
    """Pull a connection for BUDGET_SECONDS; what is left becomes the next job."""
    if connection_id not in {known for known, _ in await pullable(context.app)}:
        return
    settings = context.additional_context["settings"]
    start = datetime.fromisoformat(since) if since else None
    result = await children.run(_pull, settings, connection_id, start)
    if result.more:
        await defer(context.app, "pull_connection", connection_id)


def _pull(settings: Settings, connection_id: str, since: datetime | None) -> PullResult:
    return pull(settings, connection_id, since, budget_seconds=BUDGET_SECONDS)


@blueprint.task(name="watch_connection", retry=GrowingPause(), pass_context=True)
async def watch_connection(context: JobContext, connection_id: str) -> None:
    """Renew Google's watch on a mailbox."""
    if connection_id in {known for known, _ in await pullable(context.app)}:
        await children.run(renew, context.additional_context["settings"], connection_id)


@blueprint.periodic(cron="*/5 * * * *")
@blueprint.task(name="pull_all", pass_context=True, queueing_lock="pull_all")
async def pull_all(context: JobContext, timestamp: int) -> None:
    """Every five minutes: pushes may be lost, late or not set up."""
    await defer_pulls(context.app)


@blueprint.periodic(cron="20 15 * * *")
@blueprint.task(name="look_back", pass_context=True, queueing_lock="look_back")
async def look_back(context: JobContext, timestamp: int) -> None:
    """Every night in Australia: some providers change what they have sent without saying so."""
    for connection_id, channel in await pullable(context.app):
        span = importlib.import_module(f"pipelines.{channel}").LOOK_BACK
        if span is not None:
            since = datetime.now(UTC) - span
            await defer(context.app, "pull_connection", connection_id, since=since.isoformat())


@blueprint.periodic(cron="*/10 * * * *")
@blueprint.task(name="renew_watches", pass_context=True, queueing_lock="renew_watches")
async def renew_watches(context: JobContext, timestamp: int) -> None:
    """Daily for each mailbox; looked after more often, so that a missed day is made up for."""
    due = datetime.now(UTC) + WATCH_LEFT
    for row in await context.app.connector.execute_query_all_async(SQL["watches"]):
        if row["expires_at"] is None or row["expires_at"] < due:
            await defer(context.app, "watch_connection", row["connection_id"])


@blueprint.periodic(cron="30 14 * * *")
@blueprint.task(name="keep_house", pass_context=True, queueing_lock="keep_house", retry=GrowingPause())
async def keep_house(context: JobContext, timestamp: int) -> None:
    """Daily: partitions ahead, keys no sender repeats any more, jobs that are long over."""
    await context.app.connector.execute_query_one_async(SQL["make_partitions"])
    await context.app.connector.execute_query_one_async(SQL["forget_old_keys"])
    await context.app.job_manager.delete_old_jobs(
        nb_hours=KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )
