"""How all providers answer: how late, and what time they say that it is."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simulator.faults import Faults

#: Calls of whoever plays the providers.
CONTROL = "/simulator/"


class Answering:
    """Around every answer, by `answer_seconds` and `clock_behind_seconds`."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self.app, self.faults = app, faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = time.time() - self.faults.values["clock_behind_seconds"]
                date = (b"date", formatdate(said, usegmt=True).encode())
                message = {**message, "headers": [*message.get("headers", ()), date]}
            await send(message)

        seconds = self.faults.values["answer_seconds"]
        if seconds and not scope["path"].startswith(CONTROL):
            await asyncio.sleep(seconds)
        await self.app(scope, receive, dated)
