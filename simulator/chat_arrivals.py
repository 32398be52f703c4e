"""Chat messages made now: written into Meta's record, then announced by webhook."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from simulator.channels import INSTAGRAM, MESSENGER, WHATSAPP
from simulator.chat_scribe import happenings, message_id, write_chat
from simulator.chats import EDIT, Chat, Happening
from simulator.courier import Courier
from simulator.messaging_events import MessagingEvents
from simulator.meta_notices import Notice
from simulator.meta_webhooks import Announced, MetaWebhooks
from simulator.state import State
from simulator.turns import Turn
from simulator.whatsapp_events import WhatsappEvents

# What an outbound message goes through, by its end.
STEPS = {
    WHATSAPP: {
        "sent": ("sent",),
        "delivered": ("sent", "delivered"),
        "read": ("sent", "delivered", "read"),
        "failed": ("failed",),
    },
    MESSENGER: {"sent": (), "delivered": ("delivered",), "read": ("delivered", "read")},
    INSTAGRAM: {"sent": (), "delivered": (), "read": ("read",)},
}
STEP_MS = 1500


class ChatArrivals:
    """The one place where live messages of the three chats come into being."""

    def __init__(
        self,
        state: State,
        courier: Courier,
        webhooks: MetaWebhooks,
        whatsapp: WhatsappEvents,
        messaging: MessagingEvents,
    ) -> None:
        self.state, self.courier, self.webhooks = state, courier, webhooks
        self.whatsapp, self.messaging = whatsapp, messaging

    def say(
        self,
        turn: Turn,
        *,
        at_ms: int,
        replied: Chat | None = None,
        final: str | None = None,
        silent: bool = False,
        standby: bool = False,
    ) -> tuple[Chat, Announced | None]:
        """A message at `at_ms`. What the turn says will happen to it happens after real seconds,
        or at once with `silent`, which announces nothing."""
        key = self.state.next_key()
        chat = write_chat(turn, at_ms, key, replied, history=False)
        if replied is not None:
            chat.reply_to = replied.id
        if silent:
            chat.status = (final or "read") if chat.outbound else "received"
            chat.happenings = happenings(turn, chat, key)
        self.state.chats.add(chat, self.state.made_count)
        if silent:
            return chat, None
        announced = self.announce(chat, standby=standby)
        if chat.outbound:
            self.courier.start(self.go_on(chat, final or "read", standby=standby))
        for happening in happenings(turn, chat, key):
            self.courier.start(self._later(chat, happening))
        return chat, announced

    async def _later(self, chat: Chat, happening: Happening) -> None:
        await asyncio.sleep((happening.at_ms - chat.at_ms) / 1000)
        self.happen(chat, happening)

    # -- announcements -----------------------------------------------------------------------------

    def announce(self, chat: Chat, *, standby: bool = False) -> Announced:
        """Tell of a message; its media may be fetched from now on."""
        self.state.chats.issue([chat], int(time.time() * 1000))
        if chat.kind == "call":
            return self._call(chat)
        if chat.channel == WHATSAPP:
            if (
                chat.by_api
            ):  # Another program's messages are not echoed: only statuses tell of them.
                return self._tell_status(chat, "sent", chat.at_ms + STEP_MS)
            field, value = "messages", self.whatsapp.message(chat)
            if chat.outbound:
                field, value = "smb_message_echoes", self.whatsapp.echo(chat)
            if standby:
                field, value = "standby", _stood_by(value)
            return self._tell(chat, field, value, "changes", "message")
        field, item = self.messaging.message(chat)
        holder = "standby" if standby else "messaging"
        return self._tell(chat, "standby" if standby else field, item, holder, "message")

    def happen(self, chat: Chat, happening: Happening) -> Announced | None:
        """Let a reaction, an edit or an unsend happen and tell of it. None where nobody is told."""
        self.state.chats.happen(chat, happening, self.state.made_count)
        return self.tell_happening(chat, happening)

    def tell_happening(self, chat: Chat, happening: Happening) -> Announced | None:
        if chat.channel == WHATSAPP:
            field, value = self.whatsapp.happening(chat, happening)
            return self._tell(chat, field, value, "changes", happening.what)
        told = self.messaging.happening(chat, happening)
        return self._tell(chat, *told, "messaging", happening.what) if told else None

    def make_happening(
        self, chat: Chat, what: str, *, by_us: bool, text: str = "", emoji: str = "", at_ms: int
    ) -> Happening:
        identity = message_id(chat.channel, chat.contact, self.state.next_key())
        return Happening(what, at_ms, by_us, text if what == EDIT else "", emoji, identity)

    async def go_on(self, chat: Chat, final: str, *, standby: bool = False) -> None:
        """The statuses of an outbound message, up to its end."""
        steps = STEPS[chat.channel].get(final, ())
        for number, status in enumerate(steps, 1):
            await asyncio.sleep(0.05 + self.courier.faults.random.random() * 0.15)
            self.state.chats.set_status(chat, status)
            if chat.by_api and number == 1:
                continue  # told already, as the only sign of it
            self._tell_status(chat, status, chat.at_ms + number * STEP_MS, standby=standby)

    def read(self, chat: Chat) -> Announced | None:
        """The person reads our message now."""
        self.state.chats.set_status(chat, "read")
        return self._tell_status(chat, "read", int(time.time() * 1000))

    def tell_statuses(self, chat: Chat) -> list[Announced]:
        """All that became of an outbound message, without waiting."""
        steps = STEPS[chat.channel].get(chat.status, ())
        return [
            self._tell_status(chat, status, chat.at_ms + number * STEP_MS)
            for number, status in enumerate(steps, 1)
        ]

    def _tell_status(
        self, chat: Chat, status: str, at_ms: int, *, standby: bool = False
    ) -> Announced:
        if chat.channel == WHATSAPP:
            value = self.whatsapp.status(chat, status, at_ms)
            if standby:
                return self._tell(chat, "standby", _stood_by(value), "changes", "status")
            return self._tell(chat, "messages", value, "changes", "status")
        told = self.messaging.status(chat, status, at_ms)
        assert told, f"{chat.channel} has no event for {status}"
        return self._tell(chat, *told, "messaging", "status")

    def _call(self, chat: Chat) -> Announced:
        """A WhatsApp call, from its beginning to its end."""
        first = self._tell(chat, "calls", self.whatsapp.call(chat, "connect"), "changes", "call")
        if chat.outbound:
            word = "ACCEPTED" if chat.extra.get("seconds") else "REJECTED"
            for status in ("RINGING", word):
                self._tell(chat, "calls", self.whatsapp.call(chat, status), "changes", "call")
        self._tell(chat, "calls", self.whatsapp.call(chat, "terminate"), "changes", "call")
        return first

    def _tell(
        self, chat: Chat, field: str, item: dict[str, Any], holder: str, kind: str
    ) -> Announced:
        asset = self.webhooks.asset[chat.channel]
        ids = {"id": chat.id}
        return self.webhooks.announce(Notice(chat.channel, asset, field, item, kind, ids, holder))


def _stood_by(value: dict[str, Any]) -> dict[str, Any]:
    """The value of a `standby` change: what another party handles lies one level deeper."""
    outer = {key: value[key] for key in ("messaging_product", "metadata")}
    inner = {key: content for key, content in value.items() if key not in outer}
    for echo in inner.get("message_echoes", []):
        sent = {key: content for key, content in echo.items() if key not in ("id", "timestamp")}
        sent = {"messaging_product": "whatsapp", "recipient_type": "individual", **sent}
        identity, at = echo["id"], echo["timestamp"]
        inner["message_echoes"] = [{"id": identity, "timestamp": at, "message": sent}]
        inner.pop("contacts", None)
    return {**outer, "standby": inner}
