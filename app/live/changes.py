"""What changed: one listener per process, so that an open page asks nothing until it is told.

    fold, decisions ── crm_changed ──┐
    media fetches ──── crm_media ────┤
    health of pulls ── crm_health ───┼──> here ──> streams (app/live/stream.py) ──> bells of open pages
    the watchdog ───── crm_watched ──┤
    sessions, users ── crm_people ───┘

Every change has a number. A page notes the number before it reads, so that whatever came in between is seen by
comparing, also after a break; only while nobody listens everything may have changed.

With a replica (app/replica.py) a page is told when what it reads from has the change, not when the primary has it.

One thing is told by silence: that no worker lives. Its watchdog is heard every few seconds, and when it no longer is,
health has changed. So nobody has to look.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from enum import IntEnum
from typing import Any, Protocol

import psycopg

from app import database, replica
from app.live import topics
from warehouse.health import WATCH_SECONDS, WORKER_SILENT
from warehouse.notices import Notice
from warehouse.settings import Role

log = logging.getLogger("crm.app")

CHANNELS = (Notice.CHANGED, Notice.MEDIA, Notice.HEALTH, Notice.WATCHED, Notice.PEOPLE)
#: What concerns no row that a page reads from a replica: who is signed in, and that a worker lives.
AT_ONCE = (Notice.WATCHED, Notice.PEOPLE)
RETRY_SECONDS = 1.0
#: It may have died just before its next word, and health calls it dead so long after its last sign of life.
SILENT_SECONDS = WATCH_SECONDS + WORKER_SILENT.total_seconds() + 1
#: Topics whose last change is remembered one by one.
MOST_TOPICS = 20_000


class Change(IntEnum):
    """How much of a page a change can concern; the greater includes the lesser."""

    #: Messages were folded: new, or other than they were.
    FOLDED = 1
    #: What stands beside the messages: what became of an attachment, how a connection stands.
    BESIDE = 2
    #: Somebody decided whose messages these are, or nobody knows what happened: begin anew.
    DECIDED = 3


class Listener(Protocol):
    """Who is told, in the event loop."""

    @property
    def session_id(self) -> str: ...

    @property
    def user_name(self) -> str: ...

    def tell(self, topic: str | None, change: Change) -> None:
        """The topic changed so much; None: everything may have."""

    def look_again(self) -> None:
        """The session or the rights of the person may be others now."""

    def end(self) -> None:
        """Nobody hears what happens; come back later."""


class House:
    """What changed in this process's sight, and who wants to know."""

    def __init__(self) -> None:
        #: Marks of another process, or of an earlier life of this one, do not compare with ours.
        self.name = secrets.token_hex(4)
        self.hears = False
        self.listeners: set[Listener] = set()
        #: How often a session or a user changed: whoever looks one up sees by it whether that is old already.
        self.people_changes = 0
        self._by_topic: dict[str, set[Listener]] = {}
        #: How many have a topic open that may wait (app/live/topics.py).
        self.patient = 0
        self._number = 0
        self._changed: OrderedDict[str, dict[Change, int]] = OrderedDict()
        self._everything: dict[Change, int] = {}
        self._lock = threading.Lock()
        #: Whether the watchdog of a worker speaks, and the clock that goes off when it is silent.
        self._speaks = False
        self._silence: asyncio.TimerHandle | None = None

    # -- asked by pages, from their own threads ---------------------------------------------------

    @property
    def mark(self) -> str:
        """This moment, to compare with later."""
        return f"{self.name}.{self._number}"

    def since(self, topic: str, mark: str) -> Change | None:
        """The greatest change of the topic after the mark; None where there was none."""
        name, _, number = mark.partition(".")
        if name != self.name or not self.hears or not number.isdecimal():
            return Change.DECIDED if name != self.name else Change.BESIDE
        after = int(number)
        with self._lock:
            known = (*self._everything.items(), *self._changed.get(topic, {}).items())
        return max((change for change, at in known if at > after), default=None)

    # -- told by the listener ---------------------------------------------------------------------

    def changed(self, named: Iterable[str], change: Change) -> None:
        """These topics changed."""
        with self._lock:
            self._number += 1
            for topic in named:
                self._changed.setdefault(topic, {})[change] = self._number
                self._changed.move_to_end(topic)
            while len(self._changed) > MOST_TOPICS:
                _, forgotten = self._changed.popitem(last=False)
                for kind, at in forgotten.items():
                    self._everything[kind] = max(at, self._everything.get(kind, 0))
        for topic in named:
            for listener in tuple(self._by_topic.get(topic, ())):
                listener.tell(topic, change)

    def changed_everything(self, change: Change) -> None:
        """Any topic may have changed."""
        with self._lock:
            self._number += 1
            self._everything[change] = self._number
        for listener in tuple(self.listeners):
            listener.tell(None, change)

    def watched(self) -> None:
        """The watchdog of a worker was heard. It may have been called dead."""
        if not self._speaks:
            self.changed([topics.CONNECTIONS], Change.BESIDE)
        self._speaks = True
        self.await_watchdog()

    def await_watchdog(self) -> None:
        """From now on its silence counts."""
        if self._silence is not None:
            self._silence.cancel()
        self._silence = asyncio.get_running_loop().call_later(SILENT_SECONDS, self._silent)

    def _silent(self) -> None:
        self._speaks = False
        self.changed([topics.CONNECTIONS], Change.BESIDE)

    def hearing(self) -> None:
        """From now on nothing is missed; what was before may have been."""
        self.changed_everything(Change.DECIDED)
        self.hears = True

    def deaf(self) -> None:
        self.hears = self._speaks = False
        if self._silence is not None:
            self._silence.cancel()
        for listener in tuple(self.listeners):
            listener.end()

    # -- who is told ------------------------------------------------------------------------------

    def join(self, listener: Listener) -> None:
        self.listeners.add(listener)

    def leave(self, listener: Listener, named: Iterable[str]) -> None:
        self.listeners.discard(listener)
        for topic in named:
            self.close(listener, topic)

    def open(self, listener: Listener, topic: str) -> None:
        those = self._by_topic.setdefault(topic, set())
        if listener not in those:
            those.add(listener)
            self.patient += topics.may_wait(topic)

    def close(self, listener: Listener, topic: str) -> None:
        left = self._by_topic.get(topic, set())
        if listener in left:
            left.discard(listener)
            self.patient -= topics.may_wait(topic)
        if not left:
            self._by_topic.pop(topic, None)

    def look_again(self, *, session_id: str | None, user_name: str | None) -> None:
        self.people_changes += 1
        for listener in tuple(self.listeners):
            if listener.session_id == session_id or listener.user_name == user_name:
                listener.look_again()


house = House()


def mark() -> str:
    """This moment, to be noted before a page reads."""
    return house.mark


def since(topic: str, mark: str) -> Change | None:
    """How the topic changed after the mark was taken; None where it did not."""
    return house.since(topic, mark)


# -- the listener --------------------------------------------------------------------------------


async def listen(customers_of: Callable[[str], list[str]]) -> None:
    """Hear notices until cancelled.

    Args:
        customers_of: whose a message is; asked in a thread.
    """
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                database.settings().url_for(Role.APP),
                autocommit=True,
                application_name="crm app news",
                connect_timeout=3,
                keepalives_idle=20,
                keepalives_interval=5,
                keepalives_count=3,
            ) as connection:
                for channel in CHANNELS:
                    await connection.execute(f"listen {channel}".encode())
                await _let_catch_up()
                house.hearing()
                house.await_watchdog()
                async with _telling(customers_of) as tell:
                    async for notice in connection.notifies():
                        await tell(notice.channel, notice.payload)
        except psycopg.Error as fault:
            log.warning("not listening for news: %s", type(fault).__name__)
        finally:
            house.deaf()
        await asyncio.sleep(RETRY_SECONDS)


Tell = Callable[[str, str], Awaitable[None]]


@asynccontextmanager
async def _telling(customers_of: Callable[[str], list[str]]) -> AsyncIterator[Tell]:
    """How a notice is passed on: at once, or, with a replica, in its turn and when that has what it tells of."""
    if replica.beside() is None:

        async def at_once(channel: str, payload: str) -> None:
            await _hear(channel, payload, customers_of)

        yield at_once
        return
    waiting: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def in_turn(channel: str, payload: str) -> None:
        if channel in AT_ONCE:
            await _hear(channel, payload, customers_of)
        else:
            waiting.put_nowait((channel, payload))

    async def pass_on() -> None:
        while True:
            heard = [await waiting.get()]
            while not waiting.empty():
                heard.append(waiting.get_nowait())
            await _let_catch_up()
            for channel, payload in heard:
                await _hear(channel, payload, customers_of)

    tasks = [asyncio.create_task(pass_on()), asyncio.create_task(_tell_of_replica())]
    try:
        yield in_turn
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _let_catch_up() -> None:
    beside = replica.beside()
    if beside is not None:
        await asyncio.to_thread(beside.catch_up)


async def _tell_of_replica() -> None:
    """Pages that show health are told when the replica is left out, or read from again."""
    said = replica.trouble()
    while True:
        await asyncio.sleep(replica.LOOK_SECONDS)
        now = replica.trouble()
        if bool(now) != bool(said):
            house.changed([topics.CONNECTIONS], Change.BESIDE)
        said = now


async def _hear(channel: str, payload: str, customers_of: Callable[[str], list[str]]) -> None:
    try:
        said = json.loads(payload or "{}")
    except ValueError:
        said = None
    if not isinstance(said, dict):
        house.changed_everything(Change.BESIDE)
    elif channel == Notice.PEOPLE:
        house.look_again(session_id=said.get("session"), user_name=said.get("user"))
    elif channel == Notice.WATCHED:
        house.watched()
    elif channel == Notice.HEALTH:
        house.changed([topics.CONNECTIONS, topics.PRIVACY, topics.QUALITY], Change.BESIDE)
    elif channel == Notice.MEDIA:
        await _media(str(said.get("message") or ""), customers_of)
    else:
        _changed(said)


def _changed(said: dict[str, Any]) -> None:
    """A fold or a decision, with whom it concerns."""
    customers = [str(each) for each in said.get("customers") or []]
    change = Change.FOLDED if "fold" in said else Change.DECIDED
    if said.get("beside"):
        # Tags, assignment, notes: nobody's messages are others for it.
        change = Change.BESIDE
    if said.get("many"):
        house.changed_everything(change)
        return
    house.changed([topics.WORK] if said.get("beside") else topics.LISTS, change)
    house.changed([topics.timeline(each) for each in customers], change)
    house.changed([topics.about(each) for each in customers], change)


async def _media(message_id: str, customers_of: Callable[[str], list[str]]) -> None:
    named = None
    if message_id and house.listeners:
        with suppress(*database.AWAY):
            named = await asyncio.to_thread(customers_of, message_id)
    if named is None:
        house.changed_everything(Change.BESIDE)
        return
    house.changed([topics.CONNECTIONS], Change.BESIDE)
    house.changed([topics.timeline(each) for each in named], Change.BESIDE)
