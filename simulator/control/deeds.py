"""What the control interface does: messages, what happens to them, faults, streams."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from simulator.channels import CHATS, MAIL, SMS, VOICE, WHATSAPP
from simulator.control import orders
from simulator.control.arrivals import Announced, Arrivals
from simulator.control.order_parts import BadRequest
from simulator.faults import ACTIONS
from simulator.google.gmail_rest import WATCH_DAYS
from simulator.google.gmail_tokens import GmailTokens
from simulator.meta.meta_media import MetaMedia
from simulator.store.calls import PhoneCall
from simulator.store.chats import EDIT, REACT, UNREACT, UNSEND, Chat
from simulator.store.records import Sms
from simulator.world.live import Live

WAIT_SECONDS = 15.0
Deed = Callable[[dict[str, Any]], Awaitable[Any]]


class ControlDeeds:
    """POST /simulator/<name>."""

    def __init__(
        self, arrivals: Arrivals, gmail_tokens: GmailTokens, media: MetaMedia, live: Live
    ) -> None:
        self.arrivals, self.gmail_tokens, self.media, self.live = (
            arrivals,
            gmail_tokens,
            media,
            live,
        )
        self.state, self.courier = arrivals.state, arrivals.courier
        self.faults = arrivals.courier.faults

    def all(self) -> dict[str, Deed]:
        return {
            "subscriptions": self.subscribe,
            "messages": self.message,
            "react": self.react,
            "edit": self.edit,
            "unsend": self.unsend,
            "read": self.read,
            "live": self.stream,
            "faults": self.set_faults,
            "conference": self.conference,
            "redact": self.redact,
            "delete": self.delete,
            "labels": self.labels,
        }

    async def subscribe(self, body: dict[str, Any]) -> Any:
        """Point the Pub/Sub push subscription at a receiver; also watches the mailbox unless watch
        is false."""
        endpoint, audience = str(body.get("endpoint", "")), str(body.get("audience", ""))
        self.state.record(
            {"what": "subscription", "endpoint": endpoint, "audience": audience or endpoint}
        )
        if body.get("watch", True):
            self.state.record(
                {"what": "watch", "until_ms": int((time.time() + WATCH_DAYS * 86_400) * 1000)}
            )
        return {
            "subscription": self.state.subscription,
            "watch_until_ms": self.state.watch_until_ms,
        }

    # -- messages ----------------------------------------------------------------------------------

    async def message(self, body: dict[str, Any]) -> Any:
        """Make one message now. Waits for the first attempt of its webhook or push unless wait is
        false."""
        wanted = orders.read(self.state, body)
        record, announced = self._made(wanted)
        delivery = await first_try(announced if wanted.wait else None)
        return {"channel": wanted.turn.channel, **_ids(record), "delivery": delivery}

    def _made(self, wanted: orders.Wanted) -> tuple[Any, Announced | None]:
        turn, silent = wanted.turn, wanted.silent
        if turn.channel == SMS:
            return self.arrivals.sms(
                turn,
                at=wanted.at,
                final=wanted.final or "delivered",
                callback=wanted.callback,
                silent=silent,
            )
        if turn.channel == MAIL:
            return self.arrivals.mail(
                turn, wanted.previous, at=wanted.at, raw=wanted.raw, silent=silent
            )
        if turn.channel == VOICE:
            return self.arrivals.call(turn, at=wanted.at, silent=silent, spoken=wanted.spoken)
        return self.arrivals.chats.say(
            turn,
            at_ms=self.arrivals.now_ms(wanted.at),
            replied=wanted.replied,
            final=wanted.final,
            silent=silent,
            standby=wanted.standby,
        )

    # -- what happens to messages ------------------------------------------------------------------

    async def react(self, body: dict[str, Any]) -> Any:
        """{"id", "emoji"}: a reaction; without emoji it is taken back. `by` is person or us."""
        chat = self._chat(body)
        emoji, by_us = str(body.get("emoji") or ""), body.get("by", "person") == "us"
        what = REACT if emoji else UNREACT
        return await self._happens(chat, what, by_us=by_us, emoji=emoji)

    async def edit(self, body: dict[str, Any]) -> Any:
        """{"id", "body"}: the author changes the text. Pages cannot."""
        chat = self._chat(body)
        if chat.outbound and chat.channel != WHATSAPP:
            raise BadRequest(f"{chat.channel} does not tell of our own edits")
        text = str(body.get("body", ""))
        return await self._happens(chat, EDIT, by_us=chat.outbound, text=text)

    async def unsend(self, body: dict[str, Any]) -> Any:
        """{"id"}: the author takes the message back. Messenger tells nobody."""
        chat = self._chat(body)
        return await self._happens(chat, UNSEND, by_us=chat.outbound)

    async def conference(self, body: dict[str, Any]) -> Any:
        """{"seconds"}: a conference ends and leaves a recording."""
        recording, announced = self.arrivals.conference(int(body.get("seconds", 60)))
        delivery = await first_try(announced)
        return {
            "sid": recording.sid,
            "conference_sid": recording.conference_sid,
            "delivery": delivery,
        }

    async def read(self, body: dict[str, Any]) -> Any:
        """{"id"}: the person reads a message of ours."""
        chat = self._chat(body)
        if not chat.outbound:
            raise BadRequest("read needs the id of a message of ours")
        return {"id": chat.id, "delivery": await first_try(self.arrivals.chats.read(chat))}

    def _chat(self, body: dict[str, Any]) -> Chat:
        chat = self.state.chats.by_id.get(str(body.get("id")))
        if chat is None:
            raise BadRequest(f"id names no message of {', '.join(CHATS)}")
        return chat

    async def _happens(self, chat: Chat, what: str, *, by_us: bool, **content: str) -> Any:
        at_ms = max(chat.at_ms + 1, self.arrivals.now_ms())
        chats = self.arrivals.chats
        happening = chats.make_happening(chat, what, by_us=by_us, at_ms=at_ms, **content)
        delivery = await first_try(chats.happen(chat, happening))
        return {"id": chat.id, "what": what, "event_id": happening.id, "delivery": delivery}

    async def redact(self, body: dict[str, Any]) -> Any:
        """Empty the body of an SMS at the provider; mails cannot be redacted."""
        if body.get("channel") != SMS or body.get("id") not in self.state.sms_by_sid:
            raise BadRequest("redact needs channel twilio_sms and the id of a message")
        self.state.redact_sms(str(body["id"]))
        return {"redacted": body["id"]}

    async def delete(self, body: dict[str, Any]) -> Any:
        """Remove a message, a call, a recording or a transcription at the provider for good. Twilio
        tells nobody; Gmail notifies of a change."""
        channel, identity = body.get("channel"), str(body.get("id"))
        if channel == SMS and identity in self.state.sms_by_sid:
            self.state.delete_sms(identity)
        elif channel == VOICE and identity in self.state.calls.by_sid:
            self.state.calls.delete(identity)
        elif channel == MAIL and identity in self.state.mail_by_id:
            self.state.delete_mail(identity)
            self.arrivals.pubsub.notify()
        else:
            raise BadRequest("delete needs a channel and the id of one of its messages")
        return {"deleted": identity}

    async def labels(self, body: dict[str, Any]) -> Any:
        """Change a mail's labels, as staff do by reading, binning, or marking as no spam."""
        if body.get("id") not in self.state.mail_by_id:
            raise BadRequest("labels needs the id of a mail")
        self.state.change_labels(str(body["id"]), body.get("add") or [], body.get("remove") or [])
        self.arrivals.pubsub.notify()
        return asdict(self.state.mail_by_id[body["id"]])["labels"]

    # -- streams and faults ------------------------------------------------------------------------

    async def stream(self, body: dict[str, Any]) -> Any:
        per_minute = body.get("per_minute")
        if not isinstance(per_minute, (int, float)) or not 0 <= per_minute <= 6000:
            raise BadRequest("per_minute must be a number from 0 to 6000")
        self.live.set(float(per_minute), body.get("seed"))
        return {"per_minute": self.live.per_minute}

    async def set_faults(self, body: dict[str, Any]) -> Any:
        actions = {name: body.pop(name) for name in ACTIONS if name in body}
        if body.get("expire_history_before") == "now":
            # Everything handed out so far is too old, the present historyId included.
            self.state.history_id = self.state.next_history_id()
            body["expire_history_before"] = self.state.history_id
        elif isinstance(body.get("expire_history_before"), str):
            body["expire_history_before"] = int(body["expire_history_before"])
        self.faults.set(body)
        doing: dict[str, Callable[[Any], None]] = {
            "expire_access_tokens": lambda value: self.gmail_tokens.access_tokens.clear(),
            "rotate_signing_key": lambda value: self.arrivals.pubsub.keys.rotate(),
            "expire_meta_token": self.faults.expire_tokens,
            "renew_token": lambda value: self.faults.expired_tokens.clear(),
            "expire_media": lambda value: self.media.expire(),
        }
        for name, value in actions.items():
            if value:
                doing[name](value)
        return {"faults": self.faults.values}


async def first_try(announced: Announced | None) -> dict[str, Any] | None:
    """The log line of the first attempt, once it is made."""
    if announced is None:
        return None
    with contextlib.suppress(asyncio.TimeoutError):
        return await asyncio.wait_for(asyncio.shield(announced), WAIT_SECONDS)
    return None


def _ids(record: Any) -> dict[str, Any]:
    if isinstance(record, Sms):
        return {"sid": record.sid, "id": record.sid, "media": [m.sid for m in record.media]}
    if isinstance(record, PhoneCall):
        return {
            "sid": record.root.sid,
            "id": record.root.sid,
            "legs": [leg.sid for leg in record.legs],
            "recordings": [r.sid for r in record.recordings],
            "transcriptions": [t.sid for t in record.transcriptions],
        }
    if isinstance(record, Chat):
        return {"id": record.id, "thread": record.thread, "media": [m.id for m in record.media]}
    return {
        "id": record.id,
        "thread_id": record.thread_id,
        "history_id": str(record.history_id),
        "message_id": record.message_id,
    }
