"""The worker: runs the jobs, and turns a push that carries no message into a pull at once.

    python -m worker

It stops within five seconds of SIGTERM or SIGINT, goes on by itself when Postgres was away, and takes up
what a killed worker left. Several may run, on several machines.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time
from collections.abc import Coroutine
from typing import Any

import orjson
import psycopg
from procrastinate import App
from procrastinate.exceptions import ProcrastinateException

from warehouse import sign_of_life
from warehouse.channels import registry
from warehouse.health import WATCH_SECONDS
from warehouse.notices import Notice
from warehouse.settings import Role, Settings, SettingsError
from worker import analysts, children, jobs, outside, watchdog
from worker.failing import is_told_elsewhere

#: Pulls and fetches wait for providers most of the time; a slot costs a process of some 40 MB while it runs.
SLOTS = 16
HEARTBEAT_SECONDS = 3.0
#: A worker silent for so long is dead, and its jobs are repeated.
DEAD_SECONDS = 12.0
GRACE_SECONDS = 2.0
PAUSES_SECONDS = (0.2, 5.0)

log = logging.getLogger("crm.worker")


class Worker:
    """One worker process; `run` returns when `stop` was called."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._stopped = asyncio.Event()
        self._is_ready = asyncio.Event()

    def stop(self) -> None:
        self._stopped.set()

    async def run(self) -> None:
        beside = [asyncio.create_task(self._warm()), asyncio.create_task(self._live())]
        try:
            await self._until_stopped()
        finally:
            for task in beside:
                task.cancel()
            # Where warming failed, the first pull has tried again and said so.
            await asyncio.gather(*beside, return_exceptions=True)

    async def _warm(self) -> None:
        # It takes two seconds of a core, which those that start beside us need first.
        await self._is_ready.wait()
        await children.warm()
        log.info("ready to pull")

    async def _live(self) -> None:
        """Say that we live, once we are ready: also while the warehouse is away, for we wait then."""
        await self._is_ready.wait()
        while True:
            try:
                await asyncio.to_thread(sign_of_life.give, self.settings)
            except OSError as error:
                # A full disk: whoever looks after us sees the old one for a while.
                log.warning("no sign of life can be given: %s", error.strerror)
            await asyncio.sleep(sign_of_life.TOUCH_SECONDS)

    async def _until_stopped(self) -> None:
        pause = PAUSES_SECONDS[0]
        while not self._stopped.is_set():
            started = time.monotonic()
            try:
                await self._until_something_ends()
            except (psycopg.Error, ProcrastinateException, OSError) as error:
                log.warning("the warehouse is away (%s); trying again", type(error).__name__)
            if not self._stopped.is_set():
                pause = (
                    PAUSES_SECONDS[0]
                    if time.monotonic() - started > 10
                    else min(pause * 2, PAUSES_SECONDS[1])
                )
                await self._sleep(pause)

    async def _until_something_ends(self) -> None:
        """Run all parts; when one ends, end the others, and say why by its error."""
        app = jobs.application(self.settings)
        async with app.open_async():
            parts: list[Coroutine[Any, Any, Any]] = [
                app.run_worker_async(
                    concurrency=SLOTS,
                    install_signal_handlers=False,
                    # procrastinate forgets a notification that comes while it looks for jobs.
                    fetch_job_polling_interval=0.5,
                    update_heartbeat_interval=HEARTBEAT_SECONDS,
                    stalled_worker_timeout=DEAD_SECONDS,
                    shutdown_graceful_timeout=GRACE_SECONDS,
                    additional_context={"settings": self.settings},
                ),
                self._listen(app),
                self._heal(app),
                self._watch(),
                self._look_from_outside(),
                self._look_at_clock(),
                self._note_analysts(),
                self._stopped.wait(),
            ]
            tasks = [asyncio.create_task(part) for part in parts]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            for task in done:
                task.result()

    async def _listen(self, app: App) -> None:
        """A push may only say that something changed; messages may bring attachments; an admin may ask something.

        After a gap in listening, pull and look through everything.
        """
        url = self.settings.url_for(Role.LOADER)
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as database:
            for notice in (Notice.DELIVERIES, Notice.CHANGED, Notice.ASKED):
                await database.execute(f"listen {notice}".encode())
            await jobs.note_schedule(app)
            await jobs.catch_up(app)
            log.info("worker ready")
            self._is_ready.set()
            async for notification in database.notifies():
                if notification.channel == Notice.CHANGED:
                    if orjson.loads(notification.payload).get("attachments"):
                        await jobs.ask_for_media(app)
                    continue
                if notification.channel == Notice.ASKED:
                    kind, _, asked = notification.payload.rpartition(" ")
                    if kind == "privacy":
                        await jobs.defer_privacy_task(app, asked)
                    else:
                        await jobs.defer_answer(app, asked)
                    continue
                channel, _, connection_id = notification.payload.partition(" ")
                known = registry().get(channel)
                if not (known and known.pulls and connection_id):
                    continue
                if not known.push_carries_messages:
                    await jobs.defer(app, "pull_connection", connection_id)
                elif known.pull_after_push_seconds:
                    await jobs.defer_after_push(app, connection_id, known.pull_after_push_seconds)

    async def _watch(self) -> None:
        """Whether what landed is folded; the finding is for the health page."""
        while True:
            missing = await asyncio.to_thread(watchdog.watch, self.settings)
            if missing.count:
                log.error(
                    "%d deliveries or loads are not folded, since %s", missing.count, missing.since
                )
            await asyncio.sleep(WATCH_SECONDS)

    async def _look_from_outside(self) -> None:
        """Whether providers can call us."""
        looking = outside.Outside(self.settings)
        while True:
            await asyncio.to_thread(looking.look)
            await asyncio.sleep(outside.LOOK_SECONDS)

    async def _look_at_clock(self) -> None:
        """Whether our clock is the providers'."""
        while True:
            await asyncio.to_thread(outside.look_at_clock, self.settings)
            await asyncio.sleep(outside.CLOCK_SECONDS)

    async def _note_analysts(self) -> None:
        """What analysts asked by SQL stands among the events within a minute."""
        while True:
            await asyncio.to_thread(analysts.collect, self.settings)
            await asyncio.sleep(analysts.COLLECT_SECONDS)

    async def _heal(self, app: App) -> None:
        """Jobs of workers that died are repeated at once."""
        while True:
            for name in await jobs.heal(app, DEAD_SECONDS):
                log.info("a job of a dead worker is repeated: %s", name)
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopped.wait(), seconds)
        except TimeoutError:
            pass


async def serve(settings: Settings) -> None:
    """Run a worker until SIGTERM or SIGINT."""
    worker = Worker(settings)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, worker.stop)
    await worker.run()


def main() -> int:
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(name)s: %(message)s", stream=sys.stderr
    )
    # Their lines per job would bury ours.
    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    for handler in logging.getLogger().handlers:
        handler.addFilter(lambda record: not is_told_elsewhere(record))
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    try:
        asyncio.run(serve(Settings()))
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0
