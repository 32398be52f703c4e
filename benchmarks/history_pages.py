"""Twilio's lists, played from memory and quickly enough that what is measured is our side alone.

    python -m benchmarks.history_pages --port N --messages M

Pages, page tokens and the filter by time are those of the simulated provider (simulator.twilio.twilio_pages); only the
resources are made ahead, as JSON. Whatever is asked that this stand-in does not know (another path, another
parameter, a wrong secret) is refused as Twilio refuses, and counted: where a pull asked for what the provider
would have answered otherwise, no figure of it counts.

    GET /asked    how many requests came of each kind, and which were refused
"""

from __future__ import annotations

import argparse
import base64
import bisect
import http.server
import itertools
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from simulator.twilio.twilio_errors import failure
from simulator.twilio.twilio_pages import date_test, page, read_token, rfc2822

ACCOUNT_SID = "AC0a1b2c3d4e5f60718293a4b5c6d7e8f9"
AUTH_TOKEN = "invented-for-a-benchmark"
ROOT = f"/2010-04-01/Accounts/{ACCOUNT_SID}"
AUTHORIZATION = "Basic " + base64.b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode()
#: A place in time after all others.
NEWEST = (1 << 62, "")
#: What every list can be asked for.
PAGING = {"PageSize", "Page", "PageToken"}
TEXTS = (
    "is my bike ready? I could come by on Thursday after four.",
    "thank you, that was quick!",
    "the rear brake squeals again. Can you have a look at it this week? 🚲",
    "yes",
    "المفتاح معي، سأصل غدا",
)


@dataclass(frozen=True, slots=True)
class Record:
    """A resource: when it was made, and itself as JSON."""

    at: int
    sid: str
    body: bytes

    @property
    def order(self) -> tuple[int, str]:
        return self.at, self.sid


@dataclass
class Shelf:
    """One list of an account; `also` are parameters that it takes and that change nothing here."""

    path: str
    items: str
    #: Its filter by time, if it has one.
    since: str | None
    #: Newest first, by `order`.
    records: list[Record]
    also: frozenset[str] = frozenset()
    by_sid: dict[str, Record] = field(init=False)

    def __post_init__(self) -> None:
        self.by_sid = {record.sid: record for record in self.records}

    def page(self, query: Mapping[str, str]) -> bytes:
        """A page as Twilio gives it.

        Raises:
            ValueError: a parameter that is not known, or a value that is none.
        """
        if unknown := set(query) - PAGING - {self.since} - set(self.also):
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        # The page would be found without it, by going through all that is newer.
        behind = read_token(query["PageToken"]) if query.get("PageToken") else NEWEST
        start = bisect.bisect_left(self.records, True, key=lambda record: record.order < behind)
        found: Iterator[Record] = itertools.islice(self.records, start, None)
        if self.since and query.get(self.since):
            is_asked_for = date_test(query[self.since], ">")
            found = itertools.takewhile(lambda record: is_asked_for(record.at), found)
        return orjson.dumps(page(query, f"{ROOT}/{self.path}.json", self.items, found, _as_it_is))


class Twilio:
    """An account with some lists over HTTP; `asked` and `refused` count the requests by kind."""

    def __init__(self, shelves: Iterable[Shelf], port: int = 0) -> None:
        self.shelves = {shelf.path: shelf for shelf in shelves}
        self.asked: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        twilio = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Or a body waits 40 ms for the word that its headers have arrived.
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                status, body = twilio.answer(self.path, self.headers.get("Authorization", ""))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        #: What a connection is made of.
        self.keys = {"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN, "api_base": self.url}

    def answer(self, address: str, authorization: str) -> tuple[int, bytes]:
        """Status and body."""
        split = urlsplit(address)
        if split.path == "/asked":
            return 200, orjson.dumps({"asked": self.asked, "refused": self.refused})
        kind, folder, sid = self._kind(split.path)
        self.asked[kind] += 1
        if authorization != AUTHORIZATION:
            return self._refuse(kind, 20003)
        if folder is None:
            return self._refuse(kind, 20404)
        shelf, query = self.shelves[folder], dict(parse_qsl(split.query, keep_blank_values=True))
        if sid is None:
            try:
                return 200, shelf.page(query)
            except ValueError:
                return self._refuse(kind, 20001)
        if query:
            return self._refuse(kind, 20001)
        if sid not in shelf.by_sid:
            # No refusal: that is how Twilio tells that something is gone.
            return _failure(20404)
        return 200, shelf.by_sid[sid].body

    def _kind(self, path: str) -> tuple[str, str | None, str | None]:
        """What a path asks for, in words for the count; the list, and the sid of one resource of it."""
        found = re.fullmatch(rf"{ROOT}/(\w+?)(?:/(\w{{34}}))?\.json", path)
        if found is None or found[1] not in self.shelves:
            return path, None, None
        return f"{'one of' if found[2] else 'list'} {found[1]}", found[1], found[2]

    def _refuse(self, kind: str, code: int) -> tuple[int, bytes]:
        self.refused[f"{kind} ({code})"] += 1
        return _failure(code)


def _as_it_is(record: Record) -> Any:
    return orjson.Fragment(record.body)


def _failure(code: int) -> tuple[int, bytes]:
    answer = failure(code)
    return answer.status_code, bytes(answer.body)


@contextmanager
def running(twilio: Twilio) -> Iterator[Twilio]:
    """It answers until the block ends."""
    thread = threading.Thread(target=twilio.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield twilio
    finally:
        twilio.server.shutdown()
        twilio.server.server_close()
        thread.join()


def messages(count: int, newest: datetime) -> Shelf:
    """The message list: so many, one a second, the newest first."""
    at = int(newest.timestamp())
    # Of two in one second the greater sid is the newer one; here no two are.
    records = [Record(at - n, f"SM{n:032x}", message(n, at - n)) for n in range(count)]
    return Shelf("Messages", "messages", "DateSent>", records)


def message(n: int, at: int) -> bytes:
    inbound = n % 2 == 0
    sent = rfc2822(at)
    ours, theirs = "+61491570156", f"+6125550{n % 10_000:04d}"
    sid = f"SM{n:032x}"
    uri = f"{ROOT}/Messages/{sid}"
    return orjson.dumps(
        {
            "sid": sid,
            "account_sid": ACCOUNT_SID,
            "messaging_service_sid": None,
            "from": theirs if inbound else ours,
            "to": ours if inbound else theirs,
            "body": f"Message {n}: {TEXTS[n % len(TEXTS)]}",
            "direction": "inbound" if inbound else "outbound-api",
            "status": "received" if inbound else "delivered",
            "num_segments": "1",
            "num_media": "0",
            "error_code": None,
            "error_message": None,
            "price": None if inbound else "-0.05150",
            "price_unit": "USD",
            "date_created": sent,
            "date_updated": sent,
            "date_sent": sent,
            "uri": f"{uri}.json",
            "api_version": "2010-04-01",
            "subresource_uris": {"media": f"{uri}/Media.json"},
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history_pages", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--messages", type=int, required=True)
    chosen = parser.parse_args()
    Twilio([messages(chosen.messages, datetime.now(UTC))], chosen.port).server.serve_forever()


if __name__ == "__main__":
    main()
