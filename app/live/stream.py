"""`/news`: one WebSocket per open page, which says which of its bells to ring, and nothing else.

    page   {"open": {bell: [ticket, mark]}, "close": [bell]}
    server {"hello": true}   {"changed": [bell], "mark": mark}   {} (a sign of life)

A part that was drawn with the mark that was said, or a later one, has read what changed.

Its own session is looked up when it opens and whenever the session, the user or the time says that it may be over:
then it closes with ENDED or OTHER_RIGHTS, and the page covers itself.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from app import database
from app.access import sessions
from app.access.sessions import Standing
from app.live import topics
from app.live.changes import Change, house

log = logging.getLogger("crm.app")

ENDED, OTHER_RIGHTS, WRONG, FULL, LATER = 4401, 4403, 4400, 4429, 1013

#: No more than four times a second. Lists change with every message of anybody, and what stands beside a timeline with
#: every one of this customer: each is read at most once a second, and all that this process has open so often together.
PACE_SECONDS = 0.25
LIST_PACE_SECONDS = 1.0
LIST_RUNS_PER_SECOND = 2
#: Proxies end connections on which nothing is said; most wait for a minute.
SIGN_OF_LIFE_SECONDS = 25.0
#: Who does not read for this long is gone.
READ_SECONDS = 20.0

MOST_STREAMS = 5_000
MOST_OF_ADDRESS = 1_000
MOST_OF_SESSION = 100
MOST_BELLS = 16
LONGEST_NAME = 60
LONGEST_TICKET = 600
LONGEST_TEXT = 20_000
#: A page says something when a part of it comes or goes.
MOST_TEXTS, TEXTS_SECONDS = 60, 10.0


class _Places:
    """How many streams there are, of whom."""

    def __init__(self) -> None:
        self.all = 0
        self.of: Counter[str] = Counter()

    @contextmanager
    def taken(self, by: str, most: int) -> Iterator[bool]:
        """A place for the time of the block; False where there is none left."""
        if self.of[by] >= most:
            yield False
            return
        self.of[by] += 1
        try:
            yield True
        finally:
            self.of[by] -= 1
            if not self.of[by]:
                del self.of[by]


_places = _Places()


def _patient_pace() -> float:
    """Seconds between two readings of a part that may wait, with as many open as there are now."""
    return max(LIST_PACE_SECONDS, house.patient / LIST_RUNS_PER_SECOND)


async def news(socket: WebSocket) -> None:
    """One stream from its opening to its end. The middleware has looked at its Origin."""
    address = socket.client.host if socket.client else "unknown"
    with (
        _places.taken("everybody", MOST_STREAMS) as is_free,
        _places.taken(f"address {address}", MOST_OF_ADDRESS) as is_free_for_address,
    ):
        if not (is_free and is_free_for_address):
            # Before it is accepted: refusing costs as little as can be.
            await socket.close(FULL)
            return
        await socket.accept()
        code = await _admit(socket, address)
        with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
            if socket.application_state is not WebSocketState.DISCONNECTED:
                async with asyncio.timeout(READ_SECONDS):
                    await socket.close(code)


async def _admit(socket: WebSocket, address: str) -> int:
    """Find out who it is, and serve them; the code to close with."""
    if not house.hears:
        return LATER
    look = partial(_standing, socket.cookies.get(sessions.cookie_name()), address)
    changes = house.people_changes
    try:
        standing = await run_in_threadpool(look)
    except database.AWAY:
        return LATER
    if standing is None:
        return ENDED
    with _places.taken(f"session {standing.viewer.session_id}", MOST_OF_SESSION) as is_free:
        if not is_free:
            return FULL
        stream = Stream(socket, standing, look)
        if changes != house.people_changes:
            stream.look_again()
        return await stream.serve()


def _standing(token: str | None, address: str) -> Standing | None:
    return sessions.standing(token, ip=address)


class Stream:
    """What one page has open, and what is to be said to it."""

    def __init__(self, socket: WebSocket, standing: Standing, look: Any) -> None:
        self._socket, self._look = socket, look
        self._viewer = standing.viewer
        self._ends_at = time.monotonic() + standing.seconds_left
        self._topics: dict[str, str] = {}
        #: When each bell may ring, of those that are to.
        self._due: dict[str, float] = {}
        self._rung: dict[str, float] = {}
        self._wake = asyncio.Event()
        self._must_look = False
        self._code: int | None = None

    # -- as news.Listener -------------------------------------------------------------------------

    @property
    def session_id(self) -> str:
        return self._viewer.session_id

    @property
    def user_name(self) -> str:
        return self._viewer.user_name

    def tell(self, topic: str | None, change: Change) -> None:
        for bell, its in self._topics.items():
            if topic is None or its == topic:
                self._ring(bell, change)

    def look_again(self) -> None:
        self._must_look = True
        self._wake.set()

    def end(self) -> None:
        self._code = LATER
        self._wake.set()

    # -- serving ----------------------------------------------------------------------------------

    async def serve(self) -> int:
        """Until one side ends it; the code to close with."""
        house.join(self)
        tasks = {asyncio.create_task(self._hear()), asyncio.create_task(self._say())}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return max(task.result() for task in done)
        except (TimeoutError, RuntimeError, WebSocketDisconnect):
            # It does not read, or is gone while something was said to it.
            return WRONG
        finally:
            house.leave(self, set(self._topics.values()))
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _hear(self) -> int:
        """What the page opens and closes."""
        began, texts = time.monotonic(), 0
        try:
            while True:
                text = await self._socket.receive_text()
                if time.monotonic() - began > TEXTS_SECONDS:
                    began, texts = time.monotonic(), 0
                texts += 1
                if texts > MOST_TEXTS or len(text) > LONGEST_TEXT or not self._take(text):
                    log.warning("a stream of %s said what no page says", self.user_name)
                    return WRONG
        except (WebSocketDisconnect, RuntimeError, KeyError):
            # Starlette: RuntimeError after a disconnect, KeyError for a frame that is no text.
            return 1000

    def _take(self, text: str) -> bool:
        """False where it is nothing that our script sends, or names a topic that this session has not open."""
        try:
            said = json.loads(text)
            opened, closed = said.get("open", {}), said.get("close", [])
            pairs = [(bell, ticket, mark) for bell, (ticket, mark) in opened.items()]
        except (ValueError, TypeError, AttributeError):
            return False
        if not isinstance(closed, list):
            return False
        for bell in closed:
            self._close(str(bell))
        return all(
            isinstance(ticket, str)
            and isinstance(mark, str)
            and len(bell) <= LONGEST_NAME
            and len(ticket) <= LONGEST_TICKET
            and self._open(bell, ticket, mark)
            for bell, ticket, mark in pairs
        )

    def _open(self, bell: str, ticket: str, mark: str) -> bool:
        found = topics.topic_of(ticket, self.session_id)
        if found is None:
            return False
        role, topic = found
        if role is not self._viewer.role:
            # The page was drawn before the person's role changed.
            self._code = OTHER_RIGHTS
            self._wake.set()
            return True
        if not self._viewer.may(topics.needed(topic)):
            return False
        self._close(bell)
        if len(self._topics) >= MOST_BELLS:
            return False
        self._topics[bell] = topic
        house.open(self, topic)
        # Between the page's reading and now.
        change = house.since(topic, mark)
        if change is not None:
            self._ring(bell, change)
        return True

    def _close(self, bell: str) -> None:
        topic = self._topics.pop(bell, None)
        self._due.pop(bell, None)
        self._rung.pop(bell, None)
        if topic is not None and topic not in self._topics.values():
            house.close(self, topic)

    def _ring(self, bell: str, change: Change) -> None:
        topic = self._topics[bell]
        pace = PACE_SECONDS
        if topics.may_wait(topic):
            # A person's decision beside a timeline is seen at once, what a message changes there is not waited for.
            waits = topic in topics.LISTS or change is Change.FOLDED
            pace = _patient_pace() if waits else PACE_SECONDS
        at = max(time.monotonic(), self._rung.get(bell, 0.0) + pace)
        if at < self._due.get(bell, math.inf):
            self._due[bell] = at
            self._wake.set()

    async def _say(self) -> int:
        """What changed, at its pace; signs of life; and whether the session still stands."""
        await self._send({"hello": True})
        said_at = time.monotonic()
        while True:
            now = time.monotonic()
            if self._code is not None:
                return self._code
            if self._must_look or now >= self._ends_at:
                code = await self._looked()
                if code is not None:
                    return code
            ready = [bell for bell, at in self._due.items() if at <= now]
            if ready:
                for bell in ready:
                    del self._due[bell]
                    self._rung[bell] = now
                await self._send({"changed": ready, "mark": house.mark})
                said_at = now
            elif now - said_at >= SIGN_OF_LIFE_SECONDS:
                await self._send({})
                said_at = now
            until = min(said_at + SIGN_OF_LIFE_SECONDS, self._ends_at, *self._due.values())
            # Not wait_for: in Python 3.11 it loses a cancellation that comes with the event.
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, until - time.monotonic())):
                    await self._wake.wait()
            self._wake.clear()

    async def _looked(self) -> int | None:
        """The code to close with where the session is not what it was."""
        self._must_look = False
        try:
            standing = await run_in_threadpool(self._look)
        except database.AWAY:
            return LATER
        if standing is None:
            return ENDED
        if standing.viewer.role is not self._viewer.role:
            return OTHER_RIGHTS
        self._ends_at = time.monotonic() + standing.seconds_left
        return None

    async def _send(self, said: dict[str, Any]) -> None:
        async with asyncio.timeout(READ_SECONDS):
            await self._socket.send_text(json.dumps(said))
