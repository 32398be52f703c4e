"""HTTP to places that a message names: only where a channel's media lie, and never further.

    URL ──> Hosts.place (https, host on the list) ──> one look-up, every address checked ──> connect to that address

A provider's message can hold any URL, and a name can lead anywhere by the time it is looked up again. So the
address that was checked is the one that is connected to, under the name's own certificate; a redirect is followed
to listed hosts alone and without credentials, no proxy of the environment is used, and nothing is decompressed. Time
and size are bounded. Texts of failures name a host at most: a URL is often a signed one.
"""

from __future__ import annotations

import json
import logging
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from queue import Empty, Queue
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore

from providers.failures import NotAccepted, NotAllowed, Resting, TryLater, seconds_asked
from providers.public_addresses import is_private, is_public, parsed

CONNECT_SECONDS = 10.0
READ_SECONDS = 20.0
TOTAL_SECONDS = 300.0
#: An answer may be slow to begin, and then brings at least this much a second: a drip holds nobody up.
GRACE_SECONDS = 20.0
LEAST_BYTES_PER_SECOND = 20_000
ADDRESSES_TRIED = 3
#: What a JSON answer may measure.
JSON_BYTES = 1_000_000
REDIRECTS = {301, 302, 303, 307, 308}
HOPS = 3
#: A place that asks for a pause without saying how long.
STATUS_REST_SECONDS = 60.0

HTTPS_PORT = 443
VISIBLE = re.compile(r"[\x21-\x5b\x5d-\x7e]+")  # no space, no control character, no backslash
NAME = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
AUTHORITY = re.compile(
    rf"(?P<host>{NAME}(?:\.{NAME})*|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?"
)

# Its debug lines hold whole URLs.
logging.getLogger("httpcore").setLevel(logging.WARNING)

#: Addresses of a name, as texts.
Resolver = Callable[[str, int], list[str]]


class Unreachable(TryLater):
    """No answer: no such name, no connection, or it broke off or took too long."""


@dataclass(frozen=True)
class Place:
    """A URL that was found on a list. `is_named`: an admin named exactly this host and port."""

    scheme: str
    host: str
    port: int
    target: str
    is_named: bool = False


@dataclass(frozen=True)
class Hosts:
    """Where one connection may fetch from.

    `patterns`: `host` or `*.domain` (any name below it), by https on port 443 at public addresses.
    `named`: host and port, named by an admin: http too, and at a private address too.
    """

    patterns: tuple[str, ...] = ()
    named: frozenset[tuple[str, int]] = frozenset()

    @classmethod
    def listed(cls, entries: Iterable[str]) -> Hosts:
        """From a list as in the registry and in `media_hosts`: `host`, `*.domain` or `host:port`."""
        patterns, named = [], []
        for entry in (given.strip().lower() for given in entries):
            host, colon, port = entry.rpartition(":")
            if colon and port.isdigit() and not entry.endswith("]"):
                named.append((host, int(port)))
            elif entry:
                patterns.append(entry)
        return cls(tuple(patterns), frozenset(named))

    @classmethod
    def of_base(cls, url: str) -> Hosts:
        """The host and port of one address that an admin has set, and nothing else."""
        parts = urlsplit(url.lower())
        port = parts.port or (HTTPS_PORT if parts.scheme == "https" else 80)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        return cls(named=frozenset({(host, port)}))

    def place(self, url: str) -> Place:
        """Where a URL leads.

        Raises:
            NotAllowed: not to a host of this list, or not in the plain form that every program reads alike.
        """
        if not VISIBLE.fullmatch(url):
            raise NotAllowed("the address has characters that no URL has")
        try:
            parts = urlsplit(url)
        except ValueError:
            raise NotAllowed("the address is no URL") from None
        found = AUTHORITY.fullmatch(parts.netloc.lower())
        if parts.scheme not in ("http", "https") or not found:
            raise NotAllowed("the address is not a plain https address")
        host, given = found["host"], found["port"]
        port = int(given) if given else (HTTPS_PORT if parts.scheme == "https" else 80)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if (host, port) in self.named:
            return Place(parts.scheme, host, port, target, is_named=True)
        if not any(_matches(host, pattern) for pattern in self.patterns):
            raise NotAllowed(
                f"{host[:100]} is not among the hosts that this channel's media come from"
            )
        if parts.scheme != "https":
            raise NotAllowed(f"{host[:100]} would be asked without encryption")
        if port != HTTPS_PORT:
            raise NotAllowed(f"port {port} of {host[:100]} is not open to us")
        return Place(parts.scheme, host, port, target)


def _matches(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


class Answer:
    """An answer whose body has not been read yet; header names in lower case."""

    def __init__(self, response: httpcore.Response, host: str) -> None:
        self.host = host
        self.status: int = response.status
        self.headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in response.headers
        }
        self._response = response

    def chunks(self, limit_bytes: int) -> Iterator[bytes]:
        """The body, piece by piece, exactly as sent.

        Raises:
            NotAllowed: it is larger, or says so beforehand, or it is compressed.
            Unreachable: it broke off or took too long.
        """
        coding = self.headers.get("content-encoding", "").strip().lower()
        if coding not in ("", "identity"):
            raise NotAllowed(f"{self.host} sent compressed bytes where it was asked for plain ones")
        told = self.headers.get("content-length", "")
        if told.isdigit() and int(told) > limit_bytes:
            raise NotAllowed(_too_large(limit_bytes))
        received = 0
        with _in_words(self.host):
            for piece in self._response.iter_stream():
                received += len(piece)
                if received > limit_bytes:
                    raise NotAllowed(_too_large(limit_bytes))
                yield piece

    def json(self) -> Any:
        """The body read as JSON; None where it is none.

        Raises:
            NotAllowed: it is larger than any answer of an API.
            Unreachable: it broke off or took too long.
        """
        content = b"".join(self.chunks(JSON_BYTES))
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            return None


def _too_large(limit_bytes: int) -> str:
    return f"larger than {limit_bytes // 1_000_000} MB, the most that is fetched"


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities that are trusted, read once a process: it takes a twentieth of a second."""
    return httpcore.default_ssl_context()


class SafeClient:
    """Asks for one URL at a time, on a connection of its own, so that nothing is carried from one to the next.

    Threads may share it. `resolve` and `tls` are for tests.
    """

    def __init__(
        self,
        *,
        resolve: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
        read_seconds: float = READ_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self.resolve = resolve or look_up
        self.tls = tls or _trusted()
        self.read_seconds = read_seconds
        self.total_seconds, self.grace_seconds = total_seconds, grace_seconds

    def get(
        self, url: str, hosts: Hosts, headers: Mapping[str, str] | None = None
    ) -> AbstractContextManager[Answer]:
        """The answer to one GET. A redirect is an answer like others.

        Raises:
            NotAllowed: the URL leads to no host of `hosts`, or its name to an address that is closed to us.
            Unreachable: no answer.
        """
        return self._ask("GET", url, hosts, headers)

    def head(self, url: str, hosts: Hosts) -> AbstractContextManager[Answer]:
        """The headers of an address. Raises as `get`."""
        return self._ask("HEAD", url, hosts)

    @contextmanager
    def _ask(
        self,
        method: str,
        url: str,
        hosts: Hosts,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Iterator[Answer]:
        place = hosts.place(url)
        clock = _Clock(self.total_seconds, self.grace_seconds)
        network = _Network(place, self.resolve, clock)
        default_port = HTTPS_PORT if place.scheme == "https" else 80
        host = place.host if place.port == default_port else f"{place.host}:{place.port}"
        asked: dict[bytes | str, bytes | str] = {
            "Host": host,
            "Accept": "*/*",
            # Compression could hide a gigabyte in a megabyte.
            "Accept-Encoding": "identity",
            "User-Agent": "crm-correspondence",
            "Connection": "close",
        }
        asked.update(headers or {})
        if content is not None:
            asked["Content-Length"] = str(len(content))
        request = httpcore.Request(
            method,
            httpcore.URL(
                scheme=place.scheme, host=place.host, port=place.port, target=place.target
            ),
            headers=asked,
            content=content,
            extensions={"timeout": {"connect": CONNECT_SECONDS, "read": self.read_seconds}},
        )
        with httpcore.HTTPConnection(
            origin=request.url.origin, ssl_context=self.tls, network_backend=network
        ) as connection:
            with _in_words(place.host):
                response = connection.handle_request(request)
            try:
                yield Answer(response, place.host)
            finally:
                response.close()

    @contextmanager
    def follow(
        self, url: str, hosts: Hosts, credentials: Mapping[str, str], onward: Hosts
    ) -> Iterator[Answer]:
        """The answer at the end of at most HOPS redirects. Only the first address gets the credentials.

        Args:
            onward: where redirects may lead.
        """
        with ExitStack() as opened:
            for _ in range(HOPS + 1):
                answer = opened.enter_context(self.get(url, hosts, credentials))
                location = answer.headers.get("location")
                if answer.status not in REDIRECTS or not location:
                    yield answer
                    return
                opened.close()
                try:
                    url = urljoin(url, location)
                except ValueError:
                    raise NotAllowed("redirected to an address that is no URL") from None
                hosts, credentials = onward, {}
        raise NotAllowed(f"redirected more than {HOPS} times")


def is_there(answer: Answer) -> bool:
    """Whether the answer is a file, False where it says that there is none.

    Raises:
        TryLater: it says that it cannot answer now.
        NotAccepted: it says something else.
    """
    if answer.status == 200:
        return True
    if answer.status in (404, 410):
        return False
    said = f"{answer.host} answered {answer.status}"
    after = seconds_asked(answer.headers.get("retry-after"))
    if answer.status == 429:
        raise Resting(f"{said}: it asks us to slow down", after or STATUS_REST_SECONDS)
    if answer.status in (401, 403, 408, 425) or answer.status >= 500:
        raise TryLater(f"{said}: it cannot give the file now", after)
    raise NotAccepted(f"{said}: it does not give the file")


@contextmanager
def _in_words(host: str) -> Iterator[None]:
    """The library's errors as ours; their own texts may hold what we sent."""
    try:
        yield
    except httpcore.TimeoutException:
        raise Unreachable(f"{host} answers too slowly") from None
    except ssl.SSLError:
        raise Unreachable(f"{host} has no certificate that is valid for it") from None
    except httpcore.ConnectError as error:
        if isinstance(error.__cause__ or error.__context__, ssl.SSLError):
            raise Unreachable(f"{host} has no certificate that is valid for it") from None
        raise Unreachable(f"{host} cannot be reached") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        raise Unreachable(f"{host} broke off ({type(error).__name__})") from None


class _Clock:
    """How long one answer may take: in all, and for what it has brought so far."""

    def __init__(self, total_seconds: float, grace_seconds: float) -> None:
        self._started = time.monotonic()
        self._total, self._grace = total_seconds, grace_seconds
        self.received = 0

    def left(self) -> float:
        """Seconds until what has come is too little.

        Raises:
            httpcore.ReadTimeout: none are left.
        """
        allowed = min(self._total, self._grace + self.received / LEAST_BYTES_PER_SECOND)
        left = self._started + allowed - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left


class _Network(httpcore.NetworkBackend):
    """Opens a connection to an address of the place that has been checked, and to nothing else."""

    def __init__(self, place: Place, resolve: Resolver, clock: _Clock) -> None:
        self.place, self.resolve, self.clock = place, resolve, clock

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError()
        for address in checked_addresses(self.place, self.resolve)[:ADDRESSES_TRIED]:
            try:
                return _Timed(
                    httpcore.SyncBackend().connect_tcp(
                        address, self.place.port, min(CONNECT_SECONDS, self.clock.left())
                    ),
                    self.clock,
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        raise httpcore.UnsupportedProtocol

    def sleep(self, seconds: float) -> None:
        raise httpcore.UnsupportedProtocol


class _Timed(httpcore.NetworkStream):
    """A stream under a clock, headers and handshake included."""

    def __init__(self, stream: httpcore.NetworkStream, clock: _Clock) -> None:
        self._stream, self._clock = stream, clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        content = self._stream.read(max_bytes, min(timeout or READ_SECONDS, self._clock.left()))
        self._clock.received += len(content)
        return content

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, min(timeout or READ_SECONDS, self._clock.left()))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        allowed = min(timeout or CONNECT_SECONDS, self._clock.left())
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, allowed), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def checked_addresses(place: Place, resolve: Resolver) -> list[str]:
    """The addresses of a place, looked up once. One that is closed to us closes the place: a name of a
    provider has no such address.

    Raises:
        NotAllowed: an address is not of the public internet, and no admin has named this host and port.
        Unreachable: there is no such name.
    """
    try:
        addresses = [parsed(text) for text in resolve(place.host.strip("[]"), place.port)]
    except (OSError, UnicodeError, ValueError):
        addresses = []
    if not addresses:
        raise Unreachable(f"{place.host} is not known to the name servers")
    for address in addresses:
        if not is_public(address) and not (place.is_named and is_private(address)):
            raise NotAllowed(f"{place.host} leads to an address that is not of the public internet")
    return [str(address) for address in dict.fromkeys(addresses)]


def look_up(host: str, port: int) -> list[str]:
    """The addresses of a name, by the system's resolver, which knows no time limit of its own.

    Raises:
        OSError: there are none, or they did not come in time.
    """
    found: Queue[list[str] | OSError | UnicodeError] = Queue()

    def ask() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            found.put(error)
        else:
            found.put([str(entry[4][0]) for entry in entries])

    threading.Thread(target=ask, name="look-up", daemon=True).start()
    try:
        answer = found.get(timeout=CONNECT_SECONDS)
    except Empty:
        raise TimeoutError(f"no answer about {host}") from None
    if isinstance(answer, Exception):
        raise answer
    return answer
