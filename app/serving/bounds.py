"""What a page's socket may ask of us: frames and connections are counted before anybody is known, and after.

Each frame can make the whole script run. Ten thousand of them, 90 KB from somebody who never signed in, kept an app
process busy for longer than four minutes. So strangers share little, by address and all together; who is signed in has
their own share, by account, which no stranger can use up.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from http.cookies import CookieError, SimpleCookie

import psycopg
from psycopg_pool import PoolTimeout
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access import sessions
from warehouse.bounded_http import HELD_SECONDS, Rate, network

log = logging.getLogger("crm.app")

STREAM = "/_stcore/stream"
#: Frames within bounded_http.RATE_SECONDS: of one address, of all strangers, of one account over all its tabs.
FRAMES_OF_ADDRESS = 80
FRAMES_OF_STRANGERS = 400
FRAMES_OF_ACCOUNT = 300
#: Sockets at once.
SOCKETS_OF_ADDRESS = 40
SOCKETS_OF_STRANGERS = 400
SOCKETS_OF_ACCOUNT = 60
#: A frame says which widgets stand how; texts of ours are short.
FRAME_BYTES = 512 * 1024
TOO_MUCH = 1008
STRANGERS = "strangers"


class BoundedSockets:
    """ASGI middleware round Streamlit's WebSocket."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.open: Counter[str] = Counter()
        self.frames = Rate()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket" or scope["path"] != STREAM:
            await self.app(scope, receive, send)
            return
        address = f"address {network(scope['client'][0] if scope.get('client') else '')}"
        account = await _account(scope)
        if account:
            places = {account: SOCKETS_OF_ACCOUNT}
            shares = {account: FRAMES_OF_ACCOUNT}
        else:
            places = {address: SOCKETS_OF_ADDRESS, STRANGERS: SOCKETS_OF_STRANGERS}
            shares = {address: FRAMES_OF_ADDRESS, STRANGERS: FRAMES_OF_STRANGERS}
        now = time.monotonic()
        if any(self.open[by] >= most for by, most in places.items()) or any(
            self.frames.is_used_up(by, most, now) for by, most in shares.items()
        ):
            # To open a socket costs the framework a session, and who is refused at once comes again at once.
            await asyncio.sleep(HELD_SECONDS)
            await send({"type": "websocket.close", "code": TOO_MUCH})
            return
        self.open.update(places.keys())
        ended = False

        async def receive_bounded() -> Message:
            nonlocal ended
            if ended:
                return {"type": "websocket.disconnect", "code": TOO_MUCH}
            message = await receive()
            if message["type"] != "websocket.receive":
                return message
            now = time.monotonic()
            size = len(message.get("bytes") or message.get("text") or "")
            # All are counted, also behind the one that is too many.
            within = [self.frames.allows(by, most, now) for by, most in shares.items()]
            if size <= FRAME_BYTES and all(within):
                return message
            ended = True
            log.warning("a page's socket asked too much: closed")
            await send({"type": "websocket.close", "code": TOO_MUCH})
            return {"type": "websocket.disconnect", "code": TOO_MUCH}

        async def send_until_ended(message: Message) -> None:
            # What the script still has to say goes nowhere.
            if not ended:
                await send(message)

        try:
            await self.app(scope, receive_bounded, send_until_ended)
        finally:
            self.open.subtract(places.keys())
            for by in places:
                if not self.open[by]:
                    del self.open[by]


async def _account(scope: Scope) -> str | None:
    """Whose session the cookie is, as the database knows it; None for a stranger."""
    token = cookie(Headers(scope=scope).get("cookie", ""), sessions.cookie_name())
    if not token:
        return None
    try:
        found = await run_in_threadpool(sessions.standing, token, ip=None)
    except (psycopg.Error, PoolTimeout):
        # Nobody is known while the warehouse is away, and little is to be had.
        return None
    return f"account {found.viewer.user_name}" if found else None


def cookie(header: str, name: str) -> str | None:
    """One cookie of a header."""
    try:
        found = SimpleCookie(header[:8_192]).get(name)
    except CookieError:
        return None
    return found.value if found else None
