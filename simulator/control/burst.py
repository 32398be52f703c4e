"""POST /simulator/burst: many events over all channels, rendered first, then sent all at once."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from simulator.channels import CHANNELS, CHATS, MAIL, SMS, VOICE
from simulator.control.arrivals import Arrivals
from simulator.control.burst_plan import Group
from simulator.control.deeds import Deed
from simulator.control.order_parts import BadRequest
from simulator.control.rehearsal import has_address
from simulator.control.volley import Post, Tally, fire, post
from simulator.google.pubsub import envelope as push_envelope
from simulator.meta.chat_notices import STEP_MS
from simulator.meta.meta_notices import Notice, envelope
from simulator.meta.meta_wire import body_of
from simulator.store.calls import PhoneCall
from simulator.store.chats import Chat
from simulator.store.records import Mail, Sms
from simulator.twilio.twilio_caller import sign, signed_url
from simulator.twilio.twilio_webhooks import inbound_params, status_params
from simulator.world.catalogue import MAILBOX

KEYS = {"events", "seed", "duplicate_max", "shuffle", "batch", "connections", "channels"}
MOST_EVENTS = 2_000_000
BREATHE_EVERY = 400


class Burst:
    """`events` webhooks beside their duplicates; a channel without an address gets none.

    Unlike a real Twilio it does not lose what fails, and unlike a real Gmail it tells of every mail:
    what is acknowledged must be countable. The fault `drop` loses its share all the same.
    """

    def __init__(self, arrivals: Arrivals) -> None:
        self.arrivals, self.state, self.courier = arrivals, arrivals.state, arrivals.courier
        self.faults = arrivals.courier.faults

    def all(self) -> dict[str, Deed]:
        return {"burst": self.burst}

    async def burst(self, body: dict[str, Any]) -> Any:
        """{"events", "messages": {channel: n}, "posts", "acknowledged", "dropped", "duplicates",
        "retried", "refused", "render_seconds", "seconds"}"""
        order = self._order(body)
        begun = time.perf_counter()
        self.state.record(order)  # from here on the providers know all of it
        planned, self.state.burst = self.state.burst, []
        posts, messages, dropped = await self._posts(planned, int(body.get("batch") or 1))
        rng = random.Random(f"{order['key']}|posts")
        copies = int(body.get("duplicate_max") or 0)
        doubles = [p for one in posts for p in [one] * rng.randint(0, copies)]
        every = [Post(p.host, p.port, p.request, p.label) for p in [*posts, *doubles]]
        if body.get("shuffle"):
            rng.shuffle(every)
        rendered = round(time.perf_counter() - begun, 3)
        tally = await fire(every, int(body.get("connections") or 64))
        self.courier.note("burst", "burst", {"key": order["key"]}, "answered", status=200)
        return self._told(order, messages, dropped, len(doubles), tally, rendered)

    def _order(self, body: dict[str, Any]) -> dict[str, Any]:
        """The journal line.

        Raises:
            BadRequest: a key is unknown, the number is none, or nobody listens.
        """
        if unknown := set(body) - KEYS:
            raise BadRequest(f"unknown keys: {', '.join(sorted(unknown))}; known: {sorted(KEYS)}")
        events = body.get("events")
        if not isinstance(events, int) or not 1 <= events <= MOST_EVENTS:
            raise BadRequest(f"events must be a number from 1 to {MOST_EVENTS}")
        asked = body.get("channels") or list(CHANNELS)
        channels = [c for c in CHANNELS if c in asked and has_address(self.arrivals, c)]
        if not channels:
            raise BadRequest("no channel has an address for its webhooks")
        return {
            "what": "burst",
            "key": f"{self.state.seed}|{body.get('seed', 0)}|{self.state.next_key()}",
            "events": events,
            "until_ms": self.arrivals.now_ms(),
            "channels": channels,
            "history_id": self.state.history_id,
            "made": self.state.made_count,
        }

    def _told(
        self,
        order: dict[str, Any],
        messages: Counter[str],
        dropped: int,
        duplicates: int,
        tally: Tally,
        rendered: float,
    ) -> dict[str, Any]:
        return {
            "events": order["events"],
            "messages": dict(messages),
            "dropped": dropped,
            "duplicates": duplicates,
            "acknowledged": tally.acknowledged,
            "acknowledged_by_channel": dict(tally.by_label),
            "retried": tally.retried,
            "refused": tally.refused,
            "statuses": {str(k): v for k, v in tally.statuses.items()},
            "render_seconds": rendered,
            "seconds": tally.seconds,
        }

    # -- rendering ---------------------------------------------------------------------------------

    async def _posts(
        self, planned: list[Group], batch: int
    ) -> tuple[list[Post], Counter[str], int]:
        posts: list[Post] = []
        waiting: dict[str, list[Notice]] = {channel: [] for channel in CHATS}
        messages: Counter[str] = Counter()
        dropped = 0
        self._push_headers: dict[str, str] = {}
        for number, group in enumerate(planned):
            if number % BREATHE_EVERY == 0:
                await asyncio.sleep(0)
            messages[group.channel] += 1
            rendered = list(self._rendered(group))
            for one in rendered:
                if self.faults.hit("drop"):
                    dropped += 1
                elif isinstance(one, Post):
                    posts.append(one)
                else:
                    waiting[group.channel].append(one)
            if group.channel in CHATS and len(waiting[group.channel]) >= batch:
                posts += self._enveloped(waiting[group.channel], batch)
                waiting[group.channel] = []
        for notices in waiting.values():
            posts += self._enveloped(notices, batch)
        return posts, messages, dropped

    def _rendered(self, group: Group) -> Iterator[Post | Notice]:
        record, count = group.record, len(group.steps)
        if isinstance(record, Sms):
            yield from self._texts(record, group.steps)
        elif isinstance(record, PhoneCall):
            url = self.arrivals.voice.address(record)
            for _, _, params in self.arrivals.voice.events.told(record)[:count]:
                yield self._twilio(VOICE, url, params)
        elif isinstance(record, Mail):
            yield self._push(record)
        else:
            yield from self._notices(record, group.steps)

    def _texts(self, sms: Sms, steps: list[str]) -> Iterator[Post]:
        number = self.arrivals.webhooks.caller.number(sms.recipient) or {}
        for step in steps:
            if step == "message":
                yield self._twilio(SMS, number.get("sms_url", ""), inbound_params(self.state, sms))
            else:
                url = self.arrivals.webhooks.status_address(sms) or number.get("sms_url", "")
                yield self._twilio(SMS, url, status_params(self.state, sms, step, sms.error_code))

    def _twilio(self, channel: str, url: str, params: dict[str, str]) -> Post:
        bare = url.partition("#")[0]
        signature = sign(self.state.accounts.auth_token, signed_url(channel, bare), params)
        headers = {
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": signature,
        }
        return post(bare, headers, urlencode(params).encode(), channel)

    def _push(self, mail: Mail) -> Post:
        subscription = self.state.subscription
        if not self._push_headers:  # one token is good for an hour
            token = self.arrivals.pubsub.keys.token(
                audience=subscription["audience"] or subscription["endpoint"],
                email=self.state.accounts.push_service_account,
            )
            self._push_headers = {
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                "User-Agent": "APIs-Google",
            }
        at = datetime.fromtimestamp(mail.received_ms / 1000, UTC)
        # Mails of one millisecond must not share a message id.
        identity = str(int(mail.id, 16))
        topic = self.state.accounts.pubsub_subscription
        body = push_envelope(MAILBOX, mail.history_id, identity, at, topic)
        return post(subscription["endpoint"], self._push_headers, body, MAIL)

    def _notices(self, chat: Chat, steps: list[str]) -> Iterator[Notice]:
        notices = self.arrivals.chats.notices
        happened = {h.what: h for h in chat.happenings}
        statuses = 0
        for step in steps:
            if step == "message":
                yield from notices.message(chat)
            elif step in happened:
                told = notices.happening(chat, happened[step])
                assert told
                yield told
            else:
                statuses += 1
                yield notices.status(chat, step, chat.at_ms + statuses * STEP_MS)

    def _enveloped(self, notices: list[Notice], batch: int) -> list[Post]:
        posts = []
        webhooks = self.arrivals.chats.webhooks
        for start in range(0, len(notices), batch):
            part = notices[start : start + batch]
            channel = part[0].channel
            body = body_of(envelope(part, int(time.time() * 1000), self.faults.random))
            for app, url in webhooks.targets(channel, "messages"):
                posts.append(post(url, webhooks.headers(app, body), body, channel))
        return posts
