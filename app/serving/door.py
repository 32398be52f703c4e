"""The door before several app processes: one address, each person's connections in one process.

It reads nothing away: it peeks at the head of the first request, finds the session's cookie, and hands the open
connection to the process that has this person (SCM_RIGHTS). From then on it costs nothing and knows nothing.
A process that ends is started again; its people come back by themselves and go to one that lives.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from app.access import sessions
from app.serving.process import READY

log = logging.getLogger("crm.app")

ROOT = Path(__file__).resolve().parents[2]
#: A request's head: ours are short; a longer one goes by the address.
HEAD_BYTES = 16_384
HEAD_SECONDS = 10.0
LOOK_AGAIN_SECONDS = 0.02
#: Connections that have not said yet what they want.
MOST_WAITING = 2_000
#: So long a connection waits for a process that can take it.
PATIENCE_SECONDS = 20.0
#: A process that takes nothing for so long hangs.
STUCK_SECONDS = 10.0
#: Each process is asked this often whether it lives, and so long it may say nothing.
ASK_EVERY_SECONDS = 5.0
ANSWER_SECONDS = 5.0
SILENT_SECONDS = 30.0
ALIVE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
STOP_SECONDS = 6.0
MOST_PEOPLE = 20_000
COOKIES = re.compile(rb"(?im)^cookie:[ \t]*(.*?)\r$")


@dataclass(eq=False)
class Process:
    """One app process, the present life of it."""

    number: int
    child: subprocess.Popen[bytes]
    channel: socket.socket
    is_ready: bool = False
    people: set[bytes] = field(default_factory=set)


class Door:
    """Run with `asyncio.run(Door(...).run())`."""

    def __init__(self, host: str, port: int, processes: int) -> None:
        self._host, self._port, self._count = host, port, processes
        self._processes: dict[int, Process] = {}
        #: Who was where, the latest last.
        self._people: OrderedDict[bytes, Process] = OrderedDict()
        self._waiting: set[asyncio.Task[None]] = set()
        self._somebody_ready = asyncio.Event()
        self._stop = asyncio.Event()
        self._cookie = re.compile(
            rb"(?:^|;[ ]*)" + sessions.cookie_name().encode() + rb"=([^;]{1,200})"
        )

    async def run(self) -> int:
        """Until SIGTERM or SIGINT; 1 where the address is taken."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        try:
            listening = socket.create_server((self._host, self._port), backlog=2048)
        except OSError as fault:
            log.error("cannot listen on %s port %d: %s", self._host, self._port, fault)
            return 1
        listening.setblocking(False)
        kept = [loop.create_task(self._keep(number)) for number in range(1, self._count + 1)]
        accepting = loop.create_task(self._accept(listening))
        log.info("%d app processes behind %s port %d", self._count, self._host, self._port)
        await self._stop.wait()
        listening.close()
        for task in (accepting, *kept, *self._waiting):
            task.cancel()
        await asyncio.gather(accepting, *kept, *self._waiting, return_exceptions=True)
        return 0

    # -- processes --------------------------------------------------------------------------------

    async def _keep(self, number: int) -> None:
        """Keep one process running."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            began = time.monotonic()
            process = self._start(number)
            watching = asyncio.create_task(self._watch(process))
            try:
                await self._until_it_ends(process)
            finally:
                watching.cancel()
                self._forget(process)
                await asyncio.to_thread(_end, process.child)
            lived = time.monotonic() - began
            pause = FIRST_PAUSE_SECONDS if lived > 30 else min(pause * 2, LONGEST_PAUSE_SECONDS)
            log.warning("app process %d ended (%s)", number, process.child.returncode)
            await asyncio.sleep(pause)

    def _start(self, number: int) -> Process:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        child = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "app",
                "--worker",
                str(number),
                "--channel",
                str(theirs.fileno()),
            ],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        theirs.close()
        self._processes[number] = Process(number, child, ours)
        return self._processes[number]

    async def _until_it_ends(self, process: Process) -> None:
        """The channel ends with the process, at once and however it ends."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                said = await loop.sock_recv(process.channel, 1)
            except OSError:
                return
            if not said:
                return
            if said == READY:
                process.is_ready = True
                self._somebody_ready.set()

    async def _watch(self, process: Process) -> None:
        """End a process that runs and answers nothing: it hangs, and so do its people."""
        answered = time.monotonic()
        while True:
            await asyncio.sleep(ASK_EVERY_SECONDS)
            if not process.is_ready or await self._answers(process):
                answered = time.monotonic()
            elif time.monotonic() - answered > SILENT_SECONDS:
                log.error("app process %d answers nothing: ended", process.number)
                process.child.kill()
                return

    async def _answers(self, process: Process) -> bool:
        """Whether it answers a request of our own, which it is handed like anybody's."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            try:
                socket.send_fds(process.channel, [b"c"], [theirs.fileno()])
                theirs.close()
                ours.setblocking(False)
                loop = asyncio.get_running_loop()
                async with asyncio.timeout(ANSWER_SECONDS):
                    await loop.sock_sendall(ours, ALIVE)
                    return (await loop.sock_recv(ours, 64)).startswith(b"HTTP/1.1 200")
            except (OSError, TimeoutError):
                return False

    def _forget(self, process: Process) -> None:
        process.is_ready = False
        process.channel.close()
        for person in process.people:
            self._people.pop(person, None)
        process.people.clear()
        if self._processes.get(process.number) is process:
            del self._processes[process.number]
        if not any(each.is_ready for each in self._processes.values()):
            self._somebody_ready.clear()

    # -- connections ------------------------------------------------------------------------------

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(listening)
            except OSError as fault:
                # Out of files, most likely: some will be free in a moment.
                log.error("cannot take a connection: %s", fault)
                await asyncio.sleep(0.1)
                continue
            if len(self._waiting) >= MOST_WAITING:
                connection.close()
                continue
            task = loop.create_task(self._pass_on(connection, str(address[0]).encode()))
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)

    async def _pass_on(self, connection: socket.socket, address: bytes) -> None:
        with connection, suppress(OSError, TimeoutError):
            async with asyncio.timeout(HEAD_SECONDS):
                head = await self._head(connection)
            if not head:
                return
            person = self._person(head) or address
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._hand_over(connection, person)

    async def _head(self, connection: socket.socket) -> bytes:
        """The head of the first request, or as much as there is room for; it stays unread."""
        connection.setblocking(False)
        while True:
            await _readable(connection)
            seen = connection.recv(HEAD_BYTES, socket.MSG_PEEK)
            if not seen or b"\r\n\r\n" in seen or len(seen) == HEAD_BYTES:
                return seen
            # What was peeked at stays readable, so the rest cannot be waited for.
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    def _person(self, head: bytes) -> bytes | None:
        for cookies in COOKIES.findall(head.partition(b"\r\n\r\n")[0] + b"\r\n"):
            found = self._cookie.search(cookies)
            if found:
                return bytes(found[1])
        return None

    async def _hand_over(self, connection: socket.socket, person: bytes) -> None:
        since = None
        while True:
            await self._somebody_ready.wait()
            process = self._process_of(person)
            try:
                socket.send_fds(process.channel, [b"c"], [connection.fileno()])
                return
            except BlockingIOError:
                since = since or time.monotonic()
                if time.monotonic() - since > STUCK_SECONDS:
                    log.error("app process %d takes no connections: ended", process.number)
                    process.child.kill()
                    since = None
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
            except OSError:
                # It ended this moment; its end is noticed in the next.
                process.is_ready = False
                if not any(each.is_ready for each in self._processes.values()):
                    self._somebody_ready.clear()

    def _process_of(self, person: bytes) -> Process:
        """Where this person is, or the process with the fewest people."""
        process = self._people.get(person)
        if process is None or not process.is_ready:
            ready = [each for each in self._processes.values() if each.is_ready]
            process = min(ready, key=lambda each: (len(each.people), each.number))
            self._people[person] = process
            process.people.add(person)
        self._people.move_to_end(person)
        while len(self._people) > MOST_PEOPLE:
            forgotten, was = self._people.popitem(last=False)
            was.people.discard(forgotten)
        return process


async def _readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(connection, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_reader(connection)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
    child.wait()
