"""HTTP of a connection that costs us little, whoever is at its other end: bytes and seconds until a request is whole.

uvicorn bounds neither: 100 MB of one header held everybody else up for half a minute, and a thousand half-sent heads
were held for ever. Behind a proxy every connection is the proxy's, so its address (`CRM_TRUSTED_PROXIES`) is not
counted.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Collection
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, cast

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

#: Request line and headers. Providers send some 2 KiB, browsers with our cookie less than 8.
HEAD_BYTES = 32 * 1024
#: What comes on the wire for one request, chunk sizes and trailers included: over every channel's limit of a body.
REQUEST_BYTES = 8 * 1024 * 1024
#: From the first byte, or from the connection, until the head is whole.
HEAD_SECONDS = 10.0
#: From then on until the body is whole.
BODY_SECONDS = 30.0
#: Where a request is answered before it is read to its end, so much of the rest is read and thrown away, for so long
#: at most: with a byte unread the kernel ends the connection by a reset, and whoever still sends does not read the
#: answer. It is more than any channel takes: who sends a little too much hears it.
REST_BYTES = 5 * 1024 * 1024
REST_SECONDS = 2.0
#: Connections of one address at once, and of all together.
MOST_OF_ADDRESS = 256
MOST_CONNECTIONS = 2_000
#: An address whose requests were refused so often within RATE_SECONDS is not read from at once any more: each further
#: connection of it waits so long. Refusals are quick, and who is refused at once comes again at once.
MOST_REFUSED = 20
HELD_SECONDS = 2.0
RATE_SECONDS = 10.0
MOST_REMEMBERED = 5_000
ANSWERS = {
    400: b"HTTP/1.1 400 Bad Request",
    408: b"HTTP/1.1 408 Request Timeout",
    431: b"HTTP/1.1 431 Request Header Fields Too Large",
    503: b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5",
}


class Rate:
    """How often something happened in the last seconds, by whom. Forgets the longest silent first."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def allows(self, by: str, most: int, now: float) -> bool:
        """Count one more; whether that many may be."""
        since, count = self._seen.pop(by, (now, 0))
        if now - since > RATE_SECONDS:
            since, count = now, 0
        self._seen[by] = (since, count + 1)
        while len(self._seen) > MOST_REMEMBERED:
            self._seen.popitem(last=False)
        return count < most

    def is_used_up(self, by: str, most: int, now: float) -> bool:
        """Whether one more would be too many; counts nothing."""
        since, count = self._seen.get(by, (now, 0))
        return now - since <= RATE_SECONDS and count >= most


class Connections:
    """Who has how many connections to this process."""

    def __init__(
        self,
        uncounted: Collection[str] = (),
        *,
        most_of_address: int | None = None,
        most: int | None = None,
        request_bytes: int = REQUEST_BYTES,
    ) -> None:
        """
        Args:
            uncounted: addresses or networks of proxies.
            most_of_address: other bounds than a receiver's.
            most: of all together.
            request_bytes: the longest request that is read.
        """
        self.most_of_address, self.most = most_of_address, most
        self.request_bytes = request_bytes
        self.uncounted = [ip_network(each, strict=False) for each in uncounted]
        self.all = 0
        self.of_address: Counter[str] = Counter()
        self._refusals = Rate()

    def refused(self, address: str) -> None:
        """A request of this address was refused before anybody looked into it."""
        if not self._is_uncounted(address):
            self._refusals.allows(address, MOST_REFUSED, time.monotonic())

    def is_held(self, address: str) -> bool:
        """Whether so much of this address was refused just now that it is to wait."""
        return self._refusals.is_used_up(address, MOST_REFUSED, time.monotonic())

    def take(self, address: str) -> bool:
        """Whether one more may come; it is counted when it may."""
        if self.all >= (self.most or MOST_CONNECTIONS):
            return False
        most = self.most_of_address or MOST_OF_ADDRESS
        if self.of_address[address] >= most and not self._is_uncounted(address):
            return False
        self.all += 1
        self.of_address[address] += 1
        return True

    def _is_uncounted(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in each for each in self.uncounted)

    def give_back(self, address: str) -> None:
        self.all -= 1
        self.of_address[address] -= 1
        if not self.of_address[address]:
            del self.of_address[address]


def network(address: str) -> str:
    """What counts as one address: of IPv6 the /64, because whoever has one has 2^64."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(IPv6Address(int(found) >> 64 << 64))
    return str(found)


def bounded(connections: Connections) -> type[asyncio.Protocol]:
    """A protocol for `uvicorn.Config(http=…)` that counts its connections there."""

    class Counted(Bounded):
        taken = connections

    return Counted


class Answering:
    """The transport as uvicorn sees it. It closes as the protocol says: uvicorn ends connections in many places."""

    def __init__(self, transport: asyncio.Transport, protocol: Bounded) -> None:
        self._transport, self._protocol = transport, protocol

    def write(self, data: bytes) -> None:
        # What was asked for by a request that was refused meanwhile has nowhere to go.
        if not self._protocol.is_over:
            self._transport.write(data)

    def close(self) -> None:
        self._protocol.close_answered()

    def is_closing(self) -> bool:
        return self._protocol.is_over or self._transport.is_closing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Cycle(RequestResponseCycle):
    """A request and its answer, which says that the connection ends with it where it comes before the whole request: a
    sender who is not told sends the next one into a connection that is being closed."""

    async def send(self, message: ASGISendEvent) -> None:
        if message["type"] == "http.response.start" and self.more_body:
            self.keep_alive = False
        await super().send(message)


class Bounded(HttpToolsProtocol):
    """uvicorn's own protocol, with an end to what it waits for."""

    taken: Connections
    #: Whether nothing of what still comes is read as a request.
    is_over = False
    _connection: asyncio.Transport
    _address: str | None = None
    _is_counted = False
    _is_head = True
    _wire = 0
    #: How much more is thrown away.
    _rest = 0
    #: What came before the pause of a connection that waits; None where none does.
    _held: bytes | None = None
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._connection = transport
        super().connection_made(cast(asyncio.Transport, Answering(transport, self)))
        address = network(self.client[0] if self.client else "")
        if not self.taken.take(address):
            self._refuse(503)
            return
        self._address = address
        if self.taken.is_held(address):
            # Not every loop heeds a pause that comes before it reads at all.
            self.loop.call_soon(self._pause)
            self._held = b""
            self._deadline = self.loop.call_later(HELD_SECONDS, self._read_on)
            return
        self._wait(HEAD_SECONDS)

    def _pause(self) -> None:
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def _read_on(self) -> None:
        came, self._held = self._held, None
        self._wait(HEAD_SECONDS)
        self.transport.resume_reading()
        if came:
            self.data_received(came)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_over = True
        self._stop_waiting()
        self._leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.is_over:
            self._throw_away(data)
            return
        if self._held is not None:
            self._held += data
            return
        self._wire += len(data)
        if self._is_head and self._deadline is None:
            self._wait(HEAD_SECONDS)
        super().data_received(data)
        if self._is_head and self._wire > HEAD_BYTES:
            self._refuse(431)
        elif self._wire > self.taken.request_bytes:
            self._refuse(400)

    def handle_websocket_upgrade(self) -> None:
        # From here on another protocol has the connection; it still counts until it ends.
        self._stop_waiting()
        self.transport = self._connection
        super().handle_websocket_upgrade()
        counted, lost = self, self.transport.get_protocol()
        ended = lost.connection_lost

        def connection_lost(exc: Exception | None) -> None:
            counted._leave()
            ended(exc)

        lost.connection_lost = connection_lost  # type: ignore[method-assign]

    # -- what the parser says ---------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers are nobody's headers.
        if self._is_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > HEAD_BYTES:
            self._refuse(431)
        if self.is_over:
            return
        self._is_head = False
        self._wait(BODY_SECONDS)
        super().on_headers_complete()
        # A WebSocket has none.
        if self.cycle is not None:
            self.cycle.__class__ = Cycle

    def on_body(self, body: bytes) -> None:
        if not self.is_over:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self.is_over:
            return
        self._stop_waiting()
        self._is_head, self._wire = True, 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        # What the parser itself does not take. What was refused while it read is that already.
        if not self.is_over:
            self._count_refusal()
            super().send_400_response(msg)

    def on_response_complete(self) -> None:
        # Of a request that another one follows at once, that one is the present cycle.
        if self.cycle.response_complete and self.cycle.more_body:
            # It was answered without its body, so that is no request to come.
            if self._is_long():
                self._count_refusal()
            if not self.is_over:
                self.close_answered()
        super().on_response_complete()

    def _is_long(self) -> bool:
        """Whether the body is longer than what comes with a head: a shorter one was on its way when it was answered."""
        told = dict(self.headers).get(b"content-length", b"")
        return not told.isdigit() or int(told) > HEAD_BYTES

    # -- ends -------------------------------------------------------------------------------------

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._deadline = self.loop.call_later(seconds, self._refuse, 408)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _leave(self) -> None:
        if self._address is not None:
            self.taken.give_back(self._address)
            self._address = None

    def _count_refusal(self) -> None:
        if self._address is not None and not self._is_counted:
            self._is_counted = True
            self.taken.refused(self._address)

    def _refuse(self, status: int) -> None:
        """Answer where nothing was answered yet, and close."""
        if self.is_over:
            return
        # Browsers open connections ahead and say nothing on some of them.
        if self._wire:
            self._count_refusal()
        if not self._is_head and status != 503:
            self._end()
            return
        self._connection.write(
            ANSWERS[status] + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        )
        # For whom there is no place there is none now, and whose time is over has had it.
        if status in (408, 503):
            self._end()
        else:
            self.close_answered()

    def close_answered(self) -> None:
        """Close behind an answer, so that it arrives.

        While the request is still coming, our end is closed and the rest is thrown away, until the other end closes too
        or has sent too much.
        """
        is_whole = self._is_head and not self._wire
        if self.is_over or is_whole or not self._connection.can_write_eof():
            self._end()
            return
        self.is_over = True
        self._rest = REST_BYTES
        self._stop_waiting()
        self._deadline = self.loop.call_later(REST_SECONDS, self._end)
        if self.cycle is not None and not self.cycle.response_complete:
            # Whoever reads the request hears of no more.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.flow.resume_reading()
        try:
            self._connection.write_eof()
        except OSError:
            # The other end is gone already.
            self._end()

    def _throw_away(self, data: bytes) -> None:
        self._rest -= len(data)
        if self._rest < 0:
            self._end()

    def _end(self) -> None:
        """Close now: what still comes is not read."""
        self._stop_waiting()
        self.is_over = True
        if not self._connection.is_closing():
            self._connection.pause_reading()
            self._connection.close()


class Sparing(logging.Filter):
    """Lets so many records of one place in the code through in a minute: strangers must not fill the disk."""

    def __init__(self, most: int = 30) -> None:
        super().__init__()
        self._most = most
        self._seen: dict[tuple[str, int], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        place = (record.pathname, record.lineno)
        now = time.monotonic()
        since, count = self._seen.get(place, (now, 0))
        if now - since > 60:
            since, count = now, 0
        self._seen[place] = (since, count + 1)
        return count < self._most


def spare_logs(*names: str) -> None:
    """Bound what these loggers write."""
    for name in names:
        logging.getLogger(name).addFilter(Sparing())


def configured(connections: Connections) -> dict[str, Any]:
    """What every server of ours says to uvicorn about its connections."""
    return {"http": bounded(connections), "h11_max_incomplete_event_size": HEAD_BYTES}
