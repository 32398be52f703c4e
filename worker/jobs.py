"""The jobs of the worker, queued in Postgres by procrastinate: pulls, media, watches, housekeeping.

    push, schedule, command ──> jobs.procrastinate_jobs ──> worker ──> pipelines.pull in a child
    refresh ────────────────────────────┘                         └──> media.fetch in a child

At most one pull of a connection waits and one runs, so a hundred pushes are two pulls. A failed pull is
repeated with a growing pause; why it failed stands in jobs.connection_health and jobs.failures (worker/failing.py).

What children do is imported by the functions that they begin with, and ahead by the process that they are forked from
(worker/warm.py): the worker itself, which only asks for it, is there a second and a half sooner.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import random
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from procrastinate import App, JobContext
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.retry import BaseRetryStrategy, RetryDecision

from pipelines.results import PullResult, PullUnderWay
from privacy import exports
from privacy.destruction import destroying
from privacy.sweep import sweep
from providers.failures import NeedsAdmin, ProviderFailed
from quality.starting import Run, look_apart
from warehouse import audit, growth
from warehouse.channels import registry
from warehouse.migrate import queue_connector
from warehouse.queries import queries
from warehouse.settings import Role, Settings
from worker import children, failing
from worker.asking import locks
from worker.connecting import Answered, answer, refuse

log = logging.getLogger("crm.worker")

SQL = queries("pipelines")
MEDIA_SQL = queries("media")
REQUESTS = queries("connection_requests")
CASES = queries("cases")
SCHEDULES = queries("jobs")
QUALITY = queries("quality")
#: A provider that takes longer than this to answer is away, for whoever waits on a page.
ANSWER_SECONDS = 60.0
#: A registered webhook that has brought nothing for so long is worth a look.
SILENT_AFTER_SECONDS = 120
#: A long pull gives its place up after this time, and goes on behind the others.
BUDGET_SECONDS = 30.0
RETRIES = 8
FIRST_RETRY_SECONDS = 10.0
LONGEST_RETRY_SECONDS = 600.0
#: Finished jobs are forgotten; failed ones are kept this long for whoever asks.
KEPT_HOURS = 72
#: A watch is renewed when less than this is left of its seven days.
WATCH_LEFT = timedelta(days=6)
#: How far back the scheduled reconciliation looks; the command looks further.
RECONCILED = timedelta(days=3)
#: After a refresh only messages that arrived in this time are looked at for something to fetch.
NEW_MEDIA = timedelta(hours=2)

JobFunction = Callable[..., Coroutine[Any, Any, None]]
_JOBS: list[tuple[JobFunction, str | None]] = []


def _job(*, cron: str | None = None) -> Callable[[JobFunction], JobFunction]:
    """Makes a function a job of every queue, under its own name; `cron` (UTC) puts it on the schedule."""

    def noted(function: JobFunction) -> JobFunction:
        _JOBS.append((function, cron))
        return function

    return noted


class OnlyWhenStopped(BaseRetryStrategy):
    """A job cancelled because its worker stops is taken up by the next worker.

    Failures are repeated by `_again` instead: procrastinate puts a failed job back under its queueing
    lock, which fails when another one waits by then, and the job would stay "doing" for ever.
    """

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        return (
            None if isinstance(exception, Exception) else RetryDecision(retry_at=datetime.now(UTC))
        )


async def _again(
    context: JobContext, failure: ProviderFailed, attempt: int, **arguments: Any
) -> None:
    """Queue the job again after a growing pause. What only an admin can mend waits for the schedule."""
    if isinstance(failure, NeedsAdmin) or attempt >= RETRIES:
        return
    asked = getattr(failure, "after_seconds", None) or 0.0
    drawn = random.uniform(0.5, 1.0) * FIRST_RETRY_SECONDS * 2**attempt  # noqa: S311
    seconds = round(max(asked, min(drawn, LONGEST_RETRY_SECONDS)))
    job = context.job
    deferrer = context.app.configure_task(
        job.task_name,
        lock=job.lock,
        queueing_lock=job.queueing_lock,
        schedule_in={"seconds": seconds},
    )
    try:
        await deferrer.defer_async(**arguments, attempt=attempt + 1)
    except AlreadyEnqueued:
        pass


def application(settings: Settings) -> App:
    """The queue of these settings with every job. Open it before use."""
    app = App(
        connector=queue_connector(settings),
        worker_defaults={"delete_jobs": "successful"},
    )
    for function, cron in _JOBS:
        name = function.__name__
        task = app.task(
            name=name,
            retry=OnlyWhenStopped(),
            pass_context=True,
            # One waiting job of the schedule is enough, however long no worker ran.
            queueing_lock=name if cron else None,
        )(failing.told(function))
        if cron:
            app.periodic(cron=cron)(task)
    return app


async def defer(app: App, task: str, connection_id: str, **arguments: Any) -> None:
    """Queue a job of a connection, unless one waits already."""
    named = locks(task, connection_id)
    if arguments:
        named["queueing_lock"] += " with arguments"
    # Of jobs with one lock the older goes first, even while it waits after a failure: priority passes it.
    deferrer = app.configure_task(task, **named, priority=1 if arguments else 0)
    try:
        await deferrer.defer_async(connection_id=connection_id, **arguments)
    except AlreadyEnqueued:
        pass


async def defer_after_push(app: App, connection_id: str, seconds: int) -> None:
    """Queue a pull for a while after a push, unless one waits for that already. Every other pull passes it."""
    named = locks("pull_connection", connection_id)
    named["queueing_lock"] += " after a push"
    deferrer = app.configure_task(
        "pull_connection", **named, priority=-1, schedule_in={"seconds": seconds}
    )
    try:
        await deferrer.defer_async(connection_id=connection_id)
    except AlreadyEnqueued:
        pass


async def defer_pulls(app: App) -> None:
    """Queue a pull of every connection that is neither disabled nor paused."""
    for connection_id, _ in await pullable(app):
        await defer(app, "pull_connection", connection_id)


async def catch_up(app: App) -> None:
    """What a worker that was away may have missed."""
    for row in await app.connector.execute_query_all_async(REQUESTS["unanswered"]):
        await defer_answer(app, row["request_id"])
    for row in await app.connector.execute_query_all_async(CASES["unfinished_tasks"]):
        await defer_privacy_task(app, row["task_id"])
    await defer_pulls(app)
    for name in ("renew_watches", "renew_tokens", "find_all_media", "keep_house"):
        try:
            await app.configure_task(name).defer_async(timestamp=0)
        except AlreadyEnqueued:
            pass


async def heal(app: App, dead_seconds: float) -> list[str]:
    """Queue again what dead workers were doing; returns the names. A pull can be repeated at any point."""
    names = []
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=dead_seconds):
        names.append(job.task_name)
        try:
            await app.job_manager.retry_job(job, retry_at=datetime.now(UTC))
        except UniqueViolation:
            # One like it waits already.
            await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
    return names


async def note_schedule(app: App) -> None:
    """What is done by the clock, for the page about jobs."""
    await app.connector.execute_query_async(SCHEDULES["forget_schedules"])
    for function, cron in _JOBS:
        if cron:
            await app.connector.execute_query_async(
                SCHEDULES["note_schedule"], task=function.__name__, cron=cron
            )


async def defer_answer(app: App, request_id: str) -> None:
    """Queue the answer to what an admin asks on a page, before everything else: somebody waits for it."""
    deferrer = app.configure_task(
        "answer_request", queueing_lock=f"answer_request {request_id}", priority=3
    )
    try:
        await deferrer.defer_async(request_id=request_id)
    except AlreadyEnqueued:
        pass


async def defer_privacy_task(app: App, task_id: str) -> None:
    """Queue what a privacy officer asks for. One of them runs at a time, however many are asked for."""
    deferrer = app.configure_task(
        "do_privacy_task", lock="privacy", queueing_lock=f"do_privacy_task {task_id}", priority=2
    )
    try:
        await deferrer.defer_async(task_id=task_id)
    except AlreadyEnqueued:
        pass


async def pullable(app: App) -> list[tuple[str, str]]:
    """`(connection_id, channel)` of connections that have a history and are neither disabled nor paused."""
    rows = await app.connector.execute_query_all_async(SQL["pullable_connections"])
    return [
        (row["connection_id"], row["channel"])
        for row in rows
        if row["channel"] in registry()
        and registry()[row["channel"]].pulls
        and not row["is_paused"]
    ]


@_job()
async def pull_connection(
    context: JobContext, connection_id: str, since: str | None = None, attempt: int = 0
) -> None:
    """Pull a connection for BUDGET_SECONDS; what is left becomes the next job."""
    if connection_id not in {known for known, _ in await pullable(context.app)}:
        return
    settings = context.additional_context["settings"]
    start = datetime.fromisoformat(since) if since else None
    try:
        result = await children.run(_pull, settings, connection_id, start)
    except ProviderFailed as failure:
        await _again(context, failure, attempt, connection_id=connection_id, since=since)
        if isinstance(failure, PullUnderWay) and attempt < RETRIES:
            # A command pulls it: this one waits, and nothing failed.
            return
        raise
    if any(result.rows.values()):
        await check_soon(context.app)
    if result.more:
        await defer(context.app, "pull_connection", connection_id)
    elif sum(result.rows.values()) >= MANY_ROWS:
        await suggest_soon(context.app)


def _pull(settings: Settings, connection_id: str, since: datetime | None) -> PullResult:
    from pipelines.pull import pull

    return pull(settings, connection_id, since, budget_seconds=BUDGET_SECONDS)


@_job()
async def answer_request(context: JobContext, request_id: str) -> None:
    """Ask a provider what an admin asks on a page, within ANSWER_SECONDS, and do what follows from it."""
    settings, problem = context.additional_context["settings"], None
    found: Answered | None = None
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            found = await children.run(answer, settings, request_id)
    except TimeoutError:
        problem = (
            f"the provider did not answer within {ANSWER_SECONDS:.0f} seconds: try again in a while"
        )
    except ProviderFailed as failure:
        problem = str(failure)
    if problem:
        await asyncio.to_thread(_refuse, settings, request_id, problem)
    if found is None:
        return
    if found.repeats:
        # By the queue's own connection: its triggers find their tables there.
        await context.app.connector.execute_query_async(
            SCHEDULES["forget_failed"], job_id=found.repeated_id
        )
        await _repeat(context.app, *found.repeats)
    if found.pulls:
        since = {"since": found.since} if found.since else {}
        await defer(context.app, "pull_connection", found.pulls, **since)
        if found.watches:
            await defer(context.app, "watch_connection", found.pulls)
    if found.is_waited_for:
        later = context.app.configure_task(
            "say_overdue", schedule_in={"seconds": SILENT_AFTER_SECONDS}
        )
        await later.defer_async(request_id=request_id)


async def _repeat(app: App, task: str, arguments: dict[str, Any]) -> None:
    """Queue a failed job again, as if it had never been tried."""
    connection_id = arguments.pop("connection_id", None)
    if connection_id is not None:
        await defer(app, task, connection_id)
        return
    try:
        await app.configure_task(task).defer_async(timestamp=0)
    except AlreadyEnqueued:
        pass


def _refuse(settings: Settings, request_id: str, problem: str) -> None:
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as database:
        refuse(database, request_id, problem)


@_job()
async def do_privacy_task(context: JobContext, task_id: str) -> None:
    """Write an export, destroy a customer to which two people agreed, apply a retention class."""
    await children.run(_carry_out, context.additional_context["settings"], task_id)


def _carry_out(settings: Settings, task_id: str) -> None:
    from privacy.tasks import carry_out

    carry_out(settings, task_id)


@_job()
async def say_overdue(context: JobContext, request_id: str) -> None:
    """Whoever waits for the first message of a connection is told that it should have come by now."""
    await context.app.connector.execute_query_async(
        REQUESTS["waits_too_long"], request_id=request_id
    )


@_job()
async def watch_connection(context: JobContext, connection_id: str, attempt: int = 0) -> None:
    """Renew Google's watch on a mailbox."""
    if connection_id not in {known for known, _ in await pullable(context.app)}:
        return
    try:
        await children.run(_renew, context.additional_context["settings"], connection_id)
    except ProviderFailed as failure:
        await _again(context, failure, attempt, connection_id=connection_id)
        raise


def _renew(settings: Settings, connection_id: str) -> None:
    from worker.watch import renew

    renew(settings, connection_id)


@_job()
async def fetch_media(context: JobContext, connection_id: str, attempt: int = 0) -> None:
    """Fetch attachments of a connection for BUDGET_SECONDS; what is left becomes the next job."""
    settings = context.additional_context["settings"]
    try:
        has_more = await children.run(_fetch, settings, connection_id)
    except ProviderFailed as failure:
        await _again(context, failure, attempt, connection_id=connection_id)
        raise
    if has_more:
        await defer(context.app, "fetch_media", connection_id)


def _fetch(settings: Settings, connection_id: str) -> bool:
    from media.fetch import fetch

    return fetch(settings, connection_id, budget_seconds=BUDGET_SECONDS).more


async def ask_for_media(app: App) -> None:
    """Have what the last refresh brought looked through, unless that waits already."""
    try:
        await app.configure_task("find_media").defer_async(timestamp=0)
    except AlreadyEnqueued:
        pass


@_job(cron="* * * * *")
async def find_media(context: JobContext, timestamp: int) -> None:
    """After each refresh and every minute: what is new to fetch, and what is to be tried again."""
    await _find_media(context.app, datetime.now(UTC) - NEW_MEDIA)


@_job(cron="23 * * * *")
async def find_all_media(context: JobContext, timestamp: int) -> None:
    """Every hour and at the start: what was missed, for example because refreshes did not run."""
    await _find_media(context.app, None)


async def _find_media(app: App, since: datetime | None) -> None:
    try:
        await app.connector.execute_query_async(MEDIA_SQL["note_media"], since=since)
    except ConnectorException as error:
        # The models are being made, for the first time or anew; the next refresh asks again.
        if not isinstance(error.__cause__, psycopg.errors.UndefinedTable):
            raise
    for row in await app.connector.execute_query_all_async(MEDIA_SQL["connections_with_due_media"]):
        await defer(app, "fetch_media", row["connection_id"])


@_job()
async def renew_token(context: JobContext, connection_id: str, attempt: int = 0) -> None:
    """Renew the token of a connection whose token lives for weeks, or see when it dies."""
    rows = await context.app.connector.execute_query_all_async(SQL["pullable_connections"])
    # WhatsApp has no history, and a token all the same.
    if connection_id not in {row["connection_id"] for row in rows}:
        return
    try:
        await children.run(_look_after, context.additional_context["settings"], connection_id)
    except ProviderFailed as failure:
        await _again(context, failure, attempt, connection_id=connection_id)
        raise


def _look_after(settings: Settings, connection_id: str) -> None:
    from worker.tokens import look_after

    look_after(settings, connection_id)


@_job(cron="*/5 * * * *")
async def pull_all(context: JobContext, timestamp: int) -> None:
    """Every five minutes: pushes may be lost, late or not set up."""
    await defer_pulls(context.app)


@_job(cron="20 15 * * *")
async def look_back(context: JobContext, timestamp: int) -> None:
    """Every night in Australia: some providers change what they have sent without saying so."""
    connections = await pullable(context.app)
    spans = await children.run(_spans, {channel for _, channel in connections})
    for connection_id, channel in connections:
        span = spans[channel]
        if span is not None:
            since = datetime.now(UTC) - span
            await defer(context.app, "pull_connection", connection_id, since=since.isoformat())


def _spans(channels: set[str]) -> dict[str, timedelta | None]:
    """How far each of these channels is looked back in."""
    return {
        channel: importlib.import_module(f"pipelines.{channel}").LOOK_BACK for channel in channels
    }


@_job()
async def reconcile_connection(context: JobContext, connection_id: str, attempt: int = 0) -> None:
    """Compare the doors of a connection over the last days, and pull in what no webhook brought."""
    try:
        await children.run(_reconcile, context.additional_context["settings"], connection_id)
    except ProviderFailed as failure:
        await _again(context, failure, attempt, connection_id=connection_id)
        raise


def _reconcile(settings: Settings, connection_id: str) -> None:
    from pipelines.reconcile import reconcile

    reconcile(settings, connection_id, window=RECONCILED)


@_job(cron="45 */6 * * *")
async def reconcile_all(context: JobContext, timestamp: int) -> None:
    """Four times a day, each connection that is neither disabled nor paused; one without a history says so."""
    for row in await context.app.connector.execute_query_all_async(SQL["pullable_connections"]):
        # It pulls in what is missing, however much that is.
        if row["channel"] in registry() and not row["is_paused"]:
            await defer(context.app, "reconcile_connection", row["connection_id"])


@_job(cron="*/10 * * * *")
async def renew_watches(context: JobContext, timestamp: int) -> None:
    """Daily for each mailbox; looked after more often, so that a missed day is made up for."""
    due = datetime.now(UTC) + WATCH_LEFT
    for row in await context.app.connector.execute_query_all_async(SQL["watches"]):
        if row["expires_at"] is None or row["expires_at"] < due:
            await defer(context.app, "watch_connection", row["connection_id"])


@_job(cron="50 14 * * *")
async def renew_tokens(context: JobContext, timestamp: int) -> None:
    """Daily, and when a worker starts: tokens a week old, and those that nobody asked about since yesterday."""
    for row in await context.app.connector.execute_query_all_async(SQL["due_tokens"]):
        await defer(context.app, "renew_token", row["connection_id"])


@_job(cron="10 16 * * *")
async def test_models(context: JobContext, timestamp: int) -> None:
    """Every night in Australia, when least is asked: dbt's data tests on all that stands."""
    await children.run(_test_models, context.additional_context["settings"])


def _test_models(settings: Settings) -> None:
    from worker.model_tests import run_model_tests

    run_model_tests(settings)


#: After a load its neighbours are waited for: one look at all of them. It costs seconds of a core: they keep apart.
CHECK_AFTER_SECONDS = 20
CHECKS_APART_SECONDS = 300


async def check_soon(app: App) -> None:
    """Have looked at what was just loaded, unless that waits already."""
    row = await app.connector.execute_query_one_async(QUALITY["last_look"])
    seconds = max(CHECK_AFTER_SECONDS, CHECKS_APART_SECONDS - int(row["seconds_ago"]))
    deferrer = app.configure_task(
        "check_loads",
        lock="checks",
        queueing_lock="check_loads soon",
        priority=-1,
        schedule_in={"seconds": seconds},
    )
    try:
        await deferrer.defer_async(timestamp=0)
    except AlreadyEnqueued:
        pass


@_job(cron="7 * * * *")
async def check_loads(context: JobContext, timestamp: int) -> None:
    """After loads, and every hour for what only webhooks bring: what is expected of what is new."""
    await _look(context, "load")


@_job(cron="30 16 * * *")
async def check_data(context: JobContext, timestamp: int) -> None:
    """Every night in Australia: what is expected of the data, over much more of it, and of marts."""
    await _look(context, "night")


async def _look(context: JobContext, run: Run) -> None:
    found = await look_apart(context.additional_context["settings"], run)
    if found.critical:
        log.error("what is expected of the data does not hold: %s", found.sentence)


#: After a pull its neighbours are waited for: one look for all of them.
SUGGEST_AFTER_SECONDS = 60
#: So many new rows are a history; fewer wait for the hour.
MANY_ROWS = 100


async def suggest_soon(app: App) -> None:
    """Have suggestions looked for after what was just pulled, unless that waits already."""
    deferrer = app.configure_task(
        "find_suggestions",
        lock="find_suggestions",
        queueing_lock="find_suggestions soon",
        priority=-1,
        schedule_in={"seconds": SUGGEST_AFTER_SECONDS},
    )
    try:
        await deferrer.defer_async(timestamp=0)
    except AlreadyEnqueued:
        pass


@_job(cron="50 * * * *")
async def find_suggestions(context: JobContext, timestamp: int) -> None:
    """Every hour, and after a pull: what speaks for two identities being one person's."""
    await children.run(_find_evidence, context.additional_context["settings"])


def _find_evidence(settings: Settings) -> None:
    from pipelines.suggestions import find_evidence

    find_evidence(settings)


@_job(cron="* * * * *")
async def seal_events(context: JobContext, timestamp: int) -> None:
    """Every minute: what was noted since the last seal can be changed by nobody without a trace from here on."""
    await asyncio.to_thread(_seal, context.additional_context["settings"])


def _seal(settings: Settings) -> None:
    with psycopg.connect(settings.url_for(Role.LOADER)) as database:
        try:
            audit.seal(database, settings)
        except audit.Broken as broken:
            log.error("%s", broken)


@_job(cron="* * * * *")
async def sweep_destroyed(context: JobContext, timestamp: int) -> None:
    """Every minute: what came again of what was destroyed goes out of raw again."""
    await asyncio.to_thread(sweep, context.additional_context["settings"])


@_job(cron="40 15 * * *")
async def apply_retention(context: JobContext, timestamp: int) -> None:
    """Every night in Australia: what is due of the classes that are approved to stand."""
    await children.run(_apply_standing, context.additional_context["settings"])


def _apply_standing(settings: Settings) -> None:
    from privacy.retention import apply_standing

    apply_standing(settings)


@_job(cron="17 * * * *")
async def forget_what_was_asked(context: JobContext, timestamp: int) -> None:
    """Hourly: what admins asked of providers. What is kept for a day is gone an hour later at most."""
    await context.app.connector.execute_query_async(REQUESTS["forget_old"])


def _remove_exports(settings: Settings) -> None:
    with destroying(settings) as database:
        exports.remove_exports(settings, database)


@_job(cron="30 14 * * *")
async def keep_house(context: JobContext, timestamp: int) -> None:
    """Daily: partitions ahead, and how large everything is; old keys, old jobs and old exports go."""
    await context.app.connector.execute_query_one_async(SQL["make_partitions"])
    await context.app.connector.execute_query_one_async(SQL["forget_old_keys"])
    await context.app.job_manager.delete_old_jobs(
        nb_hours=KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )
    await context.app.connector.execute_query_async(SCHEDULES["forget_failures"])
    await asyncio.to_thread(_note_sizes, context.additional_context["settings"])
    await asyncio.to_thread(_remove_exports, context.additional_context["settings"])


def _note_sizes(settings: Settings) -> None:
    with psycopg.connect(settings.url_for(Role.LOADER)) as database:
        growth.note(settings, database)
