"""Sends prepared HTTP requests as fast as the other side takes them, over many connections at once.

A request that is not answered with 2xx is sent again after a pause that grows; one that is refused
as unacceptable (4xx) is given up sooner.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
MOST_TRIES, MOST_REFUSALS = 80, 3
ANSWER_SECONDS = 30.0


@dataclass
class Post:
    """One request as bytes, to `host`:`port`."""

    host: str
    port: int
    request: bytes
    label: str
    tries: int = 0


@dataclass
class Tally:
    """What became of a volley. `by_label` counts the acknowledged ones."""

    acknowledged: int = 0
    retried: int = 0
    refused: int = 0
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    by_label: Counter[str] = field(default_factory=Counter)


def post(url: str, headers: dict[str, str], body: bytes, label: str) -> Post:
    """A POST as bytes.

    Raises:
        ValueError: the address is not http://host[:port]/…
    """
    split = urlsplit(url)
    if split.scheme != "http" or not split.hostname:
        raise ValueError(f"{url} is not an http address")
    target = (split.path or "/") + (f"?{split.query}" if split.query else "")
    lines = [f"POST {target} HTTP/1.1", f"Host: {split.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    head = "\r\n".join(lines).encode("latin-1")
    return Post(split.hostname, split.port or 80, head + body, label)


async def fire(posts: list[Post], connections: int) -> Tally:
    """Send them all; returns when each is acknowledged or given up."""
    tally, waiting = Tally(), deque(posts)
    begun = time.perf_counter()
    left = len(posts)

    def settled() -> None:
        nonlocal left
        left -= 1

    async def work() -> None:
        line: Line | None = None
        while left > 0:
            if not waiting:  # what is out may come back
                await asyncio.sleep(0.01)
                continue
            one = waiting.popleft()
            one.tries += 1
            try:
                if line is None or not line.fits(one):
                    line = await Line.to(one)
                status = await asyncio.wait_for(line.ask(one.request), ANSWER_SECONDS)
            except (OSError, TimeoutError):
                line, status = None, 0
            tally.statuses[status] += 1
            if 200 <= status < 300:
                tally.acknowledged += 1
                tally.by_label[one.label] += 1
                settled()
            elif one.tries >= (MOST_REFUSALS if 400 <= status < 500 else MOST_TRIES):
                tally.refused += 1
                settled()
            else:
                tally.retried += 1
                await asyncio.sleep(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(one.tries, 8)))
                waiting.append(one)

    await asyncio.gather(*(work() for _ in range(max(1, min(connections, len(posts))))))
    tally.seconds = round(time.perf_counter() - begun, 3)
    return tally


class Line(asyncio.Protocol):
    """One kept-alive connection that asks and waits for the answer."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._answer: asyncio.Future[int] | None = None

    @classmethod
    async def to(cls, one: Post) -> Line:
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(lambda: cls(one.host, one.port), one.host, one.port)
        return line

    def fits(self, one: Post) -> bool:
        return self._transport is not None and (self.host, self.port) == (one.host, one.port)

    def ask(self, request: bytes) -> asyncio.Future[int]:
        """The status of the answer.

        Raises:
            OSError: from the future, when the connection ends before.
        """
        self._answer = asyncio.get_running_loop().create_future()
        if self._transport is None:
            self._answer.set_exception(ConnectionError("the connection is closed"))
        else:
            self._transport.write(request)
        return self._answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop has transports of a kind of its own.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the connection ended"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, gap, rest = self._buffer.partition(b"\r\n\r\n")
        if not gap or self._answer is None or self._answer.done():
            return
        lines = head.lower().split(b"\r\n")
        status = int(lines[0].split()[1])
        length = next(
            (int(line[15:]) for line in lines[1:] if line.startswith(b"content-length:")), 0
        )
        chunked = any(line.startswith(b"transfer-encoding:") for line in lines[1:])
        if len(rest) < length or (chunked and not rest.endswith(b"0\r\n\r\n")):
            return
        self._buffer = b""
        ends = b"connection: close" in lines or lines[0].startswith(b"http/1.0")
        if ends and self._transport is not None:
            self._transport.close()
            self._transport = None
        self._answer.set_result(status)
