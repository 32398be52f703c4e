"""A storage of files over real HTTP, that a test scripts path by path: what no honest provider does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Play = Callable[[BaseHTTPRequestHandler], None]


class Storage:
    """`paths` maps a path to how it is answered; `requests` are the paths and headers that came."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.paths: dict[str, Play] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        storage = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Or a body waits 40 ms for the word that its headers have arrived.
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                headers = {name.lower(): value for name, value in self.headers.items()}
                storage.requests.append((self.path, headers))
                self.close_connection = True
                play = storage.paths.get(path, says(404))
                try:
                    play(self)
                except (BrokenPipeError, ConnectionResetError):
                    pass

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass

        self.server = Server((host, 0), Handler)
        self.port: int = self.server.server_port
        self.place = f"{host}:{self.port}"
        self.base = f"http://{self.place}"

    def asked(self, path: str) -> list[dict[str, str]]:
        """The headers of every request for this path."""
        return [headers for asked, headers in self.requests if urlsplit(asked).path == path]


@contextmanager
def running(storage: Storage) -> Iterator[Storage]:
    thread = threading.Thread(target=storage.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield storage
    finally:
        storage.server.shutdown()
        storage.server.server_close()
        thread.join()


def gives(content: bytes, content_type: str = "image/png", **headers: str) -> Play:
    """The file, as any storage gives it."""

    def play(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return play


def says(status: int, body: bytes = b"", **headers: str) -> Play:
    """Another answer than a file."""

    def play(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return play


def in_turn(*plays: Play) -> Play:
    """One answer after the other; the last one repeats."""
    left = list(plays)

    def play(handler: BaseHTTPRequestHandler) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(handler)

    return play


def image(width: int = 40, height: int = 30, padding: int = 0) -> bytes:
    """The beginning of a PNG of this size; nothing here decodes it."""
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + size + b"\x08\x02\0\0\0" + b"\0" * padding
