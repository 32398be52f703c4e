"""Carries webhooks and pushes to the receiver, with the faults in force, and keeps a log of
them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from itertools import count
from typing import Any

import httpx

from simulator.faults import Faults
from simulator.trust import trusted

LOG_LENGTH = 5000


class Courier:
    """One HTTP client for all deliveries; keeps what is under way so that it can be ended at
    once."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.log: deque[dict[str, Any]] = deque(maxlen=LOG_LENGTH)
        self._numbers = count(1)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._client = httpx.AsyncClient(
            follow_redirects=False,
            trust_env=False,
            verify=trusted(),
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=32),
        )

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something in the background until it ends or the simulator does."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    def note(
        self, channel: str, kind: str, ids: dict[str, str], outcome: str, **more: Any
    ) -> dict[str, Any]:
        """A line of the log: outcome is answered, dropped, coalesced, unwatched, unsubscribed,
        connect_failed, timed_out or given_up; an answered one has its HTTP status."""
        line = {
            "number": next(self._numbers),
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "channel": channel,
            "kind": kind,
            "ids": ids,
            "outcome": outcome,
            **more,
        }
        self.log.append(line)
        return line

    def carry(
        self,
        channel: str,
        kind: str,
        ids: dict[str, str],
        send: Callable[[], Awaitable[dict[str, Any]]],
    ) -> asyncio.Future[dict[str, Any]]:
        """Send what `send` sends, as often and as late as the faults want it. The future has the
        log line of the first attempt of the first copy."""
        first: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        if self.faults.hit("drop"):
            first.set_result(self.note(channel, kind, ids, "dropped"))
            return first

        async def copy() -> None:
            await asyncio.sleep(self.faults.pause())
            line = await send()
            if not first.done():
                first.set_result(line)

        for _ in range(self.faults.copies()):
            self.start(copy())
        return first

    async def post(
        self,
        channel: str,
        kind: str,
        ids: dict[str, str],
        url: str,
        *,
        method: str = "POST",
        body: bytes = b"",
        headers: dict[str, str],
        attempt: int = 1,
        connect_seconds: float = 5.0,
        total_seconds: float = 15.0,
    ) -> dict[str, Any]:
        """One HTTP request; returns its log line whatever happens."""
        begun = time.perf_counter()
        timeout = httpx.Timeout(total_seconds, connect=connect_seconds)
        status: int | None = None
        try:
            answer = await asyncio.wait_for(
                self._client.request(method, url, content=body, headers=headers, timeout=timeout),
                total_seconds,
            )
            outcome, status = "answered", answer.status_code
        except httpx.ConnectTimeout:
            outcome = "connect_failed"
        except (TimeoutError, httpx.TimeoutException):
            outcome = "timed_out"
        except (httpx.TransportError, httpx.InvalidURL, httpx.UnsupportedProtocol):
            outcome = "connect_failed"
        took = round((time.perf_counter() - begun) * 1000, 1)
        return self.note(
            channel,
            kind,
            ids,
            outcome,
            status=status,
            attempt=attempt,
            milliseconds=took,
            url=url.partition("?")[0],
        )
