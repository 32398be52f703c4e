"""One app process: uvicorn with our application, listening itself or handed its connections by the door.

python -m app                     one process: it listens
python -m app, more processes     the door (app/serving/door.py) listens, peeks whose connection it is, and hands the
                                  connection itself to the process of that person
"""

from __future__ import annotations

import asyncio
import resource
import socket
from typing import Any

import uvicorn
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import database
from app.serving import bounds, uploads
from warehouse import bounded_http

#: As many connections in one message as the kernel hands over at most; the door sends one.
MOST_AT_ONCE = 16
#: An office has one address, and each open tab holds two connections.
MOST_OF_ADDRESS, MOST_CONNECTIONS = 2_000, 10_000
READY = b"r"


def configured(application: ASGIApp, *, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Config:
    """How every app process serves."""
    proxies = database.settings().trusted_proxies
    connections = bounded_http.Connections(
        proxies,
        most_of_address=MOST_OF_ADDRESS,
        most=MOST_CONNECTIONS,
        # A list of customers and its head; nobody else sends more than a line.
        request_bytes=uploads.LARGEST_BYTES + bounded_http.HEAD_BYTES,
    )
    return uvicorn.Config(
        application,
        host=host,
        port=port,
        # See app.serving.server: the query of /session/start holds a token.
        access_log=False,
        log_level="info",
        ws_max_size=bounds.FRAME_BYTES,
        # Whoever is not named as a proxy says nothing about where a request came from.
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        **bounded_http.configured(connections),
        # As Streamlit's own server has it: packing costs each tab a quarter of a megabyte and time at each message.
        ws_per_message_deflate=False,
        # An open page holds its WebSocket; it is told to come back later, not waited for.
        timeout_graceful_shutdown=2,
        server_header=False,
    )


def allow_many_connections() -> None:
    """Each open page holds two connections; the usual 1,024 files are for programs of another kind."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class HandedOver(uvicorn.Server):
    """A server whose connections come through a channel from the door."""

    def __init__(self, config: uvicorn.Config, channel: socket.socket) -> None:
        super().__init__(config)
        self._channel = channel
        self._taken: set[asyncio.Task[Any]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])
        self._channel.setblocking(False)
        asyncio.get_running_loop().add_reader(self._channel, self._take)
        self._channel.send(READY)

    def _take(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            said, descriptors, _, _ = socket.recv_fds(self._channel, 1, MOST_AT_ONCE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            said, descriptors = b"", []
        for descriptor in descriptors:
            connection = socket.socket(fileno=descriptor)
            connection.setblocking(False)
            task = loop.create_task(self._connect(connection))
            self._taken.add(task)
            task.add_done_callback(self._taken.discard)
        if not said:
            # The door is gone: nobody else can come here.
            loop.remove_reader(self._channel)
            self.should_exit = True

    async def _connect(self, connection: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)
        except OSError:
            # Gone before it was taken.
            connection.close()

    def _protocol(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made


class OneRequestEach:
    """ASGI middleware behind the door: a proxy's connections carry requests of many people, so each carries one.

    The door looks at the first request of a connection only.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "x-forwarded-for" not in Headers(scope=scope):
            await self.app(scope, receive, send)
            return

        async def send_and_close(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["connection"] = "close"
            await send(message)

        await self.app(scope, receive, send_and_close)
