"""A receiver that listens over real HTTP, and a simulator to talk to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from simulator import server

ANCHOR = datetime(2026, 8, 16, 3, 45, 1, tzinfo=UTC)


@dataclass
class Received:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Keeps what arrives; answers the statuses of `answers` first, then 204. A Meta handshake with
    the right token gets its challenge back."""

    url: str = ""
    verify_token: str = "a token to verify"
    handshakes: list[str] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    requests: list[Received] = field(default_factory=list)

    def wait_for(self, number: int, seconds: float = 60.0) -> list[Received]:
        until = time.monotonic() + seconds
        while len(self.requests) < number and time.monotonic() < until:
            time.sleep(0.01)
        assert len(self.requests) >= number, f"{len(self.requests)} of {number} requests came"
        return list(self.requests)


class Listening(ThreadingHTTPServer):
    #: A burst opens 64 connections at once. Of those beyond Python's own five the kernel drops the first attempt, and
    #: the next ones come 1, 3, 7, … seconds later.
    request_queue_size = 256


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            kept.requests.append(
                Received(self.command, self.path, dict(self.headers.items()), body)
            )
            self.send_response(kept.answers.pop(0) if kept.answers else 204)
            self.end_headers()

        def do_GET(self) -> None:
            query = dict(parse_qsl(urlsplit(self.path).query))
            if "hub.mode" not in query:
                self.do_POST()
                return
            good = query["hub.verify_token"] == kept.verify_token
            kept.handshakes.append(query["hub.challenge"])
            self.send_response(200 if good else 403)
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            self.wfile.write(query["hub.challenge"].encode() if good else b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    listening = Listening(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{listening.server_port}"
    thread = threading.Thread(
        target=listening.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    )
    thread.start()
    yield kept
    listening.shutdown()
    listening.server_close()


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[server.Simulator]:
    with server.start(
        seed=7, messages=600, state_dir=tmp_path / "provider", anchor=ANCHOR
    ) as running:
        # What comes beside every message has tests of its own.
        running.faults(number_edits=0, twiml_callbacks=1)
        yield running


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    def wait(true: Callable[[], bool], seconds: float = 60.0) -> None:
        until = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < until, "it did not become true in time"
            time.sleep(0.02)

    return wait
