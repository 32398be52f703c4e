"""Carries Meta's webhooks to the callback addresses of the subscribed apps, and asks for handshakes.

https://developers.facebook.com/docs/graph-api/webhooks/getting-started. How long Meta tries again
is known (Messenger an hour, then the app is unsubscribed; Instagram 36 hours; WhatsApp 7 days), how
often is not: at once, then with growing pauses. An hour of theirs is `meta_hour_seconds` here.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import urlencode

import httpx

from simulator.channels import INSTAGRAM, MESSENGER, WHATSAPP
from simulator.courier import Courier
from simulator.meta.meta_notices import OBJECTS, SYNONYMS, Notice, envelope
from simulator.meta.meta_wire import body_of, sign
from simulator.store.state import State
from simulator.trust import trusted

HOUR = 3600.0
TRIED_HOURS = {MESSENGER: 1.0, INSTAGRAM: 36.0, WHATSAPP: 168.0}
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 2 * HOUR
ANSWER_SECONDS = {MESSENGER: 5.0, INSTAGRAM: 5.0, WHATSAPP: 10.0}
BATCH_SECONDS = 0.4
Announced = asyncio.Future[dict[str, Any]]


class MetaWebhooks:
    """One sender for the three channels."""

    def __init__(self, state: State, courier: Courier) -> None:
        self.state, self.courier = state, courier
        self.accounts = state.accounts.meta
        self.asset = {
            WHATSAPP: self.accounts.waba_id,
            INSTAGRAM: self.accounts.instagram_id,
            MESSENGER: self.accounts.page_id,
        }
        self._waiting: dict[tuple[str, str, str], list[tuple[Notice, Announced]]] = {}
        self._failing: dict[tuple[str, str], float] = {}

    # -- handshake ---------------------------------------------------------------------------------

    async def handshake(self, url: str, verify_token: str) -> str:
        """Ask the callback to echo a challenge; "" if it did, otherwise what was wrong."""
        challenge = str(self.courier.faults.random.randint(10**8, 2 * 10**9))
        query = {
            "hub.mode": "subscribe",
            "hub.challenge": challenge,
            "hub.verify_token": verify_token,
        }
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=10.0, verify=trusted()) as client:
                answer = await client.get(
                    f"{url}{'&' if '?' in url else '?'}{urlencode(query)}",
                    headers={"User-Agent": "facebookplatform/1.0", "Accept": "*/*"},
                )
        except (httpx.HTTPError, httpx.InvalidURL):
            return "the callback does not answer"
        if answer.status_code != 200:
            return f"HTTP Status Code = {answer.status_code}"
        return "" if answer.text == challenge else "the callback did not echo the challenge"

    # -- announcements -----------------------------------------------------------------------------

    def targets(self, channel: str, field: str, asset: str = "") -> list[tuple[str, str]]:
        """(app, callback address) of who hears of a field. An Instagram account that signed in to nobody itself is
        heard of through its page."""
        assets = [asset or self.asset[channel]]
        if channel == INSTAGRAM and not asset and not self.state.meta.installed.get(assets[0]):
            assets = [self.accounts.page_id]
        found = {
            target
            for each in assets
            for name in (field, SYNONYMS.get(field, field))
            for target in self.state.meta.targets(OBJECTS[channel], each, name)
        }
        return sorted(found)

    def announce(self, notice: Notice) -> Announced:
        """Tell everybody who subscribed. The future has the log line of the first attempt."""
        # An account that nobody connected here is told to those who hear of ours.
        targets = self.targets(notice.channel, notice.field)
        if not targets:
            return self._done(notice, "unsubscribed")
        sent = [self._to(notice, app, url) for app, url in targets]
        return sent[0]

    def _done(self, notice: Notice, outcome: str) -> Announced:
        future: Announced = asyncio.get_running_loop().create_future()
        future.set_result(self.courier.note(notice.channel, notice.kind, notice.ids, outcome))
        return future

    def _to(self, notice: Notice, app: str, url: str) -> Announced:
        size = int(self.courier.faults.values["batch"])
        if size < 2 or notice.raw is not None:
            return self._carry([notice], app, url)
        future: Announced = asyncio.get_running_loop().create_future()
        key = (notice.channel, app, url)
        waiting = self._waiting.setdefault(key, [])
        waiting.append((notice, future))
        if len(waiting) >= size:
            self._flush(key)
        elif len(waiting) == 1:
            self.courier.start(self._flush_later(key))
        return future

    async def _flush_later(self, key: tuple[str, str, str]) -> None:
        await asyncio.sleep(BATCH_SECONDS)
        self._flush(key)

    def _flush(self, key: tuple[str, str, str]) -> None:
        waiting = self._waiting.pop(key, [])
        if not waiting:
            return
        sent = self._carry([notice for notice, _ in waiting], key[1], key[2])

        def tell(done: Announced) -> None:
            for _, future in waiting:
                if not future.done() and not done.cancelled():
                    future.set_result(done.result())

        sent.add_done_callback(tell)

    def _carry(self, notices: list[Notice], app: str, url: str) -> Announced:
        first = notices[0]
        kind = first.kind if len(notices) == 1 else "batch"
        ids = first.ids if len(notices) == 1 else {"size": str(len(notices))}
        body = body_of(envelope(notices, int(time.time() * 1000), self.courier.faults.random))
        retrying: list[asyncio.Task[None]] = []

        async def send() -> dict[str, Any]:
            line = await self.once(first.channel, kind, ids, app, url, body, 1)
            if not _good(line) and not retrying:
                again = self._again(first.channel, kind, ids, app, url, body)
                retrying.append(self.courier.start(again))
            return line

        return self.courier.carry(first.channel, kind, ids, send)

    # -- deliveries --------------------------------------------------------------------------------

    def headers(self, app: str, body: bytes) -> dict[str, str]:
        secret = next(a.secret for a in self.accounts.apps() if a.id == app)
        if self.courier.faults.hit("forge"):
            secret = "not-the-secret"
        return {
            "User-Agent": "facebookexternalua",
            "Accept": "*/*",
            "Content-Type": "application/json",
            "X-Hub-Signature-256": sign(secret, body),
        }

    async def once(
        self,
        channel: str,
        kind: str,
        ids: dict[str, str],
        app: str,
        url: str,
        body: bytes,
        attempt: int,
    ) -> dict[str, Any]:
        line = await self.courier.post(
            channel,
            kind,
            ids,
            url,
            body=body,
            headers=self.headers(app, body),
            attempt=attempt,
            total_seconds=ANSWER_SECONDS[channel],
        )
        if _good(line):
            self._failing.pop((channel, app), None)
        else:
            self._failing.setdefault((channel, app), time.monotonic())
        return line

    async def _again(
        self, channel: str, kind: str, ids: dict[str, str], app: str, url: str, body: bytes
    ) -> None:
        """Again at once, then with growing pauses, until it is taken or Meta gives up."""
        scale = max(0.01, float(self.courier.faults.values["meta_hour_seconds"])) / HOUR
        waited, pause, attempt = 0.0, 0.0, 1
        while waited <= TRIED_HOURS[channel] * HOUR:
            await asyncio.sleep(pause * scale)
            waited += pause
            attempt += 1
            if _good(await self.once(channel, kind, ids, app, url, body, attempt)):
                return
            pause = min(pause * 2, LONGEST_PAUSE) or FIRST_PAUSE
        self.courier.note(channel, kind, ids, "given_up")
        failing = time.monotonic() - self._failing.get((channel, app), time.monotonic())
        if channel == MESSENGER and failing >= HOUR * scale * 0.9:
            self.state.meta.install(self.accounts.page_id, app, None)
            self.courier.note(channel, "webhooks_disabled", {"app": app}, "unsubscribed")


def _good(line: dict[str, Any]) -> bool:
    return 200 <= (line["status"] or 0) < 300
