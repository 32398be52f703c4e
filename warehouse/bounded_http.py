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
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Request line and headers. Providers send some 2 KiB, browsers with our cookie less than 8.
HEAD_BYTES = 32 * 1024
#: What comes on the wire for one request, chunk sizes and trailers included: over every channel's limit of a body.
REQUEST_BYTES = 8 * 1024 * 1024
#: From the first byte, or from the connection, until the head is whole.
HEAD_SECONDS = 10.0
#: From then on until the body is whole.
BODY_SECONDS = 30.0
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


class Bounded(HttpToolsProtocol):
    """uvicorn's own protocol, with an end to what it waits for."""

    taken: Connections
    _address: str | None = None
    _is_head = True
    _refused = False
    _wire = 0
    #: What came before the pause of a connection that waits; None where none does.
    _held: bytes | None = None
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
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
        self._stop_waiting()
        self._leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
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
        if self._refused:
            return
        self._is_head = False
        self._wait(BODY_SECONDS)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._stop_waiting()
        self._is_head, self._wire = True, 0
        if not self._refused:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        # What the parser itself does not take.
        self._count_refusal()
        super().send_400_response(msg)

    def on_response_complete(self) -> None:
        # Of a request that another one follows at once, that one is the present cycle.
        if not self._refused and self.cycle.response_complete and self.cycle.more_body:
            # It was answered without its body, so nothing of that is to be read to its end.
            self._refuse(400, counts=self._is_long())
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
        if self._address is not None:
            self.taken.refused(self._address)

    def _refuse(self, status: int, *, counts: bool = True) -> None:
        """Answer where nothing was answered yet, and close: what still comes is not read."""
        self._stop_waiting()
        if self._refused:
            return
        self._refused = True
        # Browsers open connections ahead and say nothing on some of them.
        if counts and self._wire:
            self._count_refusal()
        if self._is_head or status == 503:
            self.transport.write(
                ANSWERS[status] + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            )
        self.transport.pause_reading()
        self.transport.close()


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
