"""Files of chats: Meta's storage addresses, how long they live, and the bytes behind them.

WhatsApp tells a media id (7 days) for which the API gives an address (5 minutes) that needs the
token. Instagram and Messenger tell an address that needs nothing, and is signed; it lives for some
days, a story's until the story ends.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from simulator.channels import WHATSAPP
from simulator.meta.graph_tokens import GraphTokens
from simulator.store import files
from simulator.store.chats import Chat, Medium
from simulator.store.records import File
from simulator.store.state import State

DAY_MS = 86_400_000
WHATSAPP_ID_MS, WHATSAPP_URL_MS = 7 * DAY_MS, 5 * 60_000
URL_MS, STORY_MS = 3 * DAY_MS, DAY_MS
STORIES = ("story_mention", "story_reply")
CHUNK = 65_536


class MetaMedia:
    """Addresses are made when asked for. `expire` ends the life of all told so far."""

    def __init__(self, state: State, tokens: GraphTokens) -> None:
        self.state, self.tokens = state, tokens
        self.expired_ms = 0

    def routes(self) -> list[Route]:
        return [
            Route("/cdn/{asset}/{name}", self.stored, methods=["GET"]),
            Route("/whatsapp_business/attachments/", self.attachment, methods=["GET"]),
        ]

    def expire(self) -> None:
        self.expired_ms = int(time.time() * 1000)

    def address(self, chat: Chat, medium: Medium) -> str:
        """Where the file can be fetched from now on, for a while."""
        now = int(time.time() * 1000)
        if chat.channel == WHATSAPP:
            return self._whatsapp_address(medium, now, "&source=webhook")
        until = chat.at_ms + STORY_MS if chat.kind in STORIES else now + URL_MS
        signed = f"{now:x}.{until:x}"
        return (
            f"{self.state.base_url}/cdn/{medium.id}/{quote(medium.file.name)}"
            f"?oe={signed}&oh={self._ticket(medium.id, signed)}"
        )

    def whatsapp(self, identity: str) -> dict[str, Any] | None:
        """What the API says of a media id; None once it is gone."""
        found = self.state.chats.media.get(identity)
        now = int(time.time() * 1000)
        if found is None or found[0].channel != WHATSAPP:
            return None
        medium = found[1]
        if medium.issued_ms < now - WHATSAPP_ID_MS or medium.issued_ms <= self.expired_ms:
            return None
        size = 0 if files.is_trap(medium.file) else len(files.render(medium.file))
        return {
            "messaging_product": "whatsapp",
            "url": self._whatsapp_address(medium, now, ""),
            "mime_type": medium.file.content_type,
            "sha256": files.sha256(medium.file).hex(),
            "file_size": str(size),
            "id": identity,
        }

    async def stored(self, request: Request) -> Response:
        asset, signed = request.path_params["asset"], request.query_params.get("oe", "")
        found = self.state.chats.media.get(asset)
        if found is None or found[0].channel == WHATSAPP:
            return Response("Not Found", 404, media_type="text/plain")
        issued, until = _times(signed)
        given = request.query_params.get("oh", "")
        if not hmac.compare_digest(given, self._ticket(asset, signed)):
            return Response("Bad URL hash", 403, media_type="text/plain")
        if until < time.time() * 1000 or issued <= self.expired_ms or found[0].unsent:
            return Response("URL signature expired", 403, media_type="text/plain")
        return _answer(found[1].file)

    async def attachment(self, request: Request) -> Response:
        """WhatsApp's file; needs the token as well."""
        token = self.tokens.given(request, [])
        if self.tokens.principal(token) != WHATSAPP:
            return Response("Authentication Error", 401, media_type="text/plain")
        asset, signed = (request.query_params.get(k, "") for k in ("mid", "ext"))
        found = self.state.chats.media.get(asset)
        issued, until = _times(signed)
        given = request.query_params.get("hash", "")
        alive = until >= time.time() * 1000 and issued > self.expired_ms
        if (
            found is None
            or not alive
            or not hmac.compare_digest(given, self._ticket(asset, signed))
        ):
            return Response("Not Found", 404, media_type="text/plain")
        return _answer(found[1].file)

    def _whatsapp_address(self, medium: Medium, now: int, source: str) -> str:
        signed = f"{now:x}.{now + WHATSAPP_URL_MS:x}"
        return (
            f"{self.state.base_url}/whatsapp_business/attachments/?mid={medium.id}{source}"
            f"&ext={signed}&hash={self._ticket(medium.id, signed)}"
        )

    def _ticket(self, asset: str, signed: str) -> str:
        key = self.state.accounts.meta.app.secret.encode()
        return hmac.new(key, f"{asset}|{signed}".encode(), hashlib.sha256).hexdigest()[:40]


def _times(signed: str) -> tuple[int, int]:
    """When the address was made, and until when it holds; (0, 0) where it says neither."""
    try:
        issued, _, until = signed.partition(".")
        return int(issued, 16), int(until, 16)
    except ValueError:
        return 0, 0


def _answer(file: File) -> Response:
    kind, _, rest = file.spec.partition(":")
    if kind == "redirect":
        return RedirectResponse(rest, 302)
    if kind == "bomb":
        return StreamingResponse(_endless(int(rest)), media_type=file.content_type)
    return Response(files.render(file), media_type=file.content_type)


async def _endless(length: int) -> AsyncIterator[bytes]:
    """Begins like a JPEG, goes on with nothing, and does not say for how long."""
    yield b"\xff\xd8\xff\xe0"
    for _ in range(0, length, CHUNK):
        yield bytes(CHUNK)
