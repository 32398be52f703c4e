"""Twilio's part in a benchmark: signed, unique posts over many keep-alive connections, from a process of its own.

Signed by the public rule alone, apart from webhooks/ (docs/providers/README.md); all bodies are made and signed
before the clock starts. It reads orders as JSON lines and answers each with one line:

    {"do": "flood", "port", "path", "url", "token", "account_sid", "sender", "first", "posts", "connections"}
        as fast as answers come: the next post of a connection leaves when its answer is in
    {"do": "steady", … , "per_second"}
        one post every 1/per_second, whatever the answers do; a time counts from when the post was due

    {"started", "started_at", "seconds", "statuses": {"200": n}, "broken": n, "latencies_ms": […]}
        `started` by time.perf_counter, which all processes of a machine share, `started_at` by the wall clock
"""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import hmac
import json
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

import uvloop

#: A post without an answer for so long is counted as broken.
PATIENCE_SECONDS = 20.0


def message_id(number: int) -> str:
    """The message that the post of this number becomes."""
    return f"twilio_sms|SM{number:032x}"


def form(number: int, account_sid: str, sender: str | list[str] | None) -> bytes:
    """An incoming message as Twilio posts it, unlike every other number's; several senders take turns."""
    if isinstance(sender, list):
        sender = sender[number % len(sender)]
    return urlencode(
        {
            "ToCountry": "AU",
            "ToState": "",
            "SmsMessageSid": f"SM{number:032x}",
            "NumMedia": "0",
            "ToCity": "",
            "FromZip": "",
            "SmsSid": f"SM{number:032x}",
            "FromState": "",
            "SmsStatus": "received",
            "FromCity": "",
            "Body": f"Is bike {number} ready? I could come by on Thursday after four. 🚲",
            "FromCountry": "AU",
            "To": "+61491570156",
            "ToZip": "",
            "NumSegments": "1",
            "MessageSid": f"SM{number:032x}",
            "AccountSid": account_sid,
            "From": sender or f"+6125550{number % 10_000:04d}",
            "ApiVersion": "2010-04-01",
        }
    ).encode()


def signature(url: str, body: bytes, token: str) -> str:
    """HMAC-SHA1 over the URL and the parameters sorted by name, base64."""
    pairs = sorted(parse_qsl(body.decode(), keep_blank_values=True))
    signed = url + "".join(name + value for name, value in pairs)
    made = hmac.new(token.encode(), signed.encode(), hashlib.sha1)
    return base64.b64encode(made.digest()).decode()


def request(number: int, order: dict[str, Any]) -> bytes:
    """One whole HTTP request, ready to be written."""
    body = form(number, order["account_sid"], order["sender"])
    head = (
        f"POST {order['path']} HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{order['port']}\r\n"
        "User-Agent: TwilioProxy/1.1\r\n"
        "Accept: */*\r\n"
        "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
        f"X-Twilio-Signature: {signature(order['url'], body, order['token'])}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass
class Run:
    """What one order has sent and heard."""

    waiting: deque[tuple[float, bytes]] = field(default_factory=deque)
    #: In turns, so that no connection idles until the server closes it.
    idle: deque[Line] = field(default_factory=deque)
    statuses: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    outstanding: int = 0
    broken: int = 0
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    def settle(self, due: float, status: str) -> None:
        self.latencies.append(time.perf_counter() - due)
        self.statuses[status] += 1
        self.outstanding -= 1
        if not self.outstanding:
            self.finished.set()


class Line(asyncio.Protocol):
    """One keep-alive connection: a post at a time."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._held = b""
        self._due: float | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def send(self, due: float, post: bytes) -> None:
        assert self.transport is not None
        self._due = due
        self.transport.write(post)

    def data_received(self, data: bytes) -> None:
        held = self._held + data if self._held else data
        end = held.find(b"\r\n\r\n")
        if end < 0 or len(held) < end + 4 + _content_length(held[:end]):
            self._held = held
            return
        self._held = b""
        due, self._due = self._due, None
        assert due is not None, "an answer to nothing"
        run = self._run
        run.settle(due, held[9:12].decode())
        if run.waiting:
            next_due, post = run.waiting.popleft()
            # A flood's post is due when its connection is free.
            self.send(next_due or time.perf_counter(), post)
        else:
            run.idle.append(self)

    def connection_lost(self, fault: Exception | None) -> None:
        if self in self._run.idle:
            self._run.idle.remove(self)
        if self._due is not None:
            self._run.broken += 1
            self._run.settle(self._due, "broken")
            self._due = None


def _content_length(head: bytes) -> int:
    place = head.lower().find(b"content-length:")
    return int(head[place + 15 :].split(b"\r\n", 1)[0]) if place >= 0 else 0


async def carry_out(order: dict[str, Any]) -> dict[str, Any]:
    """Make the posts, then send them as the order says."""
    posts = [
        request(number, order) for number in range(order["first"], order["first"] + order["posts"])
    ]
    run = Run(outstanding=len(posts))
    loop = asyncio.get_running_loop()
    lines = [
        (await loop.create_connection(lambda: Line(run), "127.0.0.1", order["port"]))[1]
        for _ in range(order["connections"])
    ]
    gc.collect()
    gc.disable()
    started, started_at = time.perf_counter(), time.time()
    if order["do"] == "flood":
        run.waiting.extend((0.0, post) for post in posts)
        for line in lines:
            if run.waiting:
                line.send(time.perf_counter(), run.waiting.popleft()[1])
    else:
        run.idle.extend(lines)
        await _send_steadily(run, posts, started, order["per_second"])
    patience = PATIENCE_SECONDS + len(posts) / 500
    try:
        await asyncio.wait_for(run.finished.wait(), patience)
    except TimeoutError:
        run.broken += run.outstanding
    seconds = time.perf_counter() - started
    gc.enable()
    for line in lines:
        if line.transport is not None:
            line.transport.close()
    return {
        "started": started,
        "started_at": started_at,
        "seconds": seconds,
        "statuses": dict(run.statuses),
        "broken": run.broken,
        "latencies_ms": [round(latency * 1000, 3) for latency in run.latencies],
    }


async def _send_steadily(run: Run, posts: list[bytes], started: float, per_second: float) -> None:
    """Open loop: a slow answer delays no other post, unless every connection waits for one."""
    for index, post in enumerate(posts):
        due = started + index / per_second
        pause = due - time.perf_counter()
        if pause > 0:
            await asyncio.sleep(pause)
        if run.idle:
            run.idle.popleft().send(due, post)
        else:
            run.waiting.append((due, post))


def main() -> None:
    for line in sys.stdin:
        answer = uvloop.run(carry_out(json.loads(line)))
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
