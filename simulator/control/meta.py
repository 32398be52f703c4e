"""What the control interface does at Meta (and for addresses at Twilio) beyond messages: events by
name or raw, the dashboard's part of a set-up."""

from __future__ import annotations

import time
from typing import Any

from simulator.channels import CHATS, INSTAGRAM, MESSENGER, SMS, VOICE, WHATSAPP
from simulator.control.arrivals import Arrivals
from simulator.control.deeds import Deed, first_try
from simulator.control.order_parts import BadRequest, person
from simulator.meta import named_events
from simulator.meta.meta_notices import OBJECTS, Notice
from simulator.meta.whatsapp_history import WhatsappHistory
from simulator.store.chat_scribe import write_chat
from simulator.store.chats import Contact
from simulator.twilio.twilio_numbers import HIDDEN
from simulator.world.turns import chat_turn

EVENT_KEYS = {
    "channel",
    "event",
    "person",
    "to",
    "field",
    "value",
    "item",
    "holder",
    "raw",
    "asset",
}
EVENT_KEYS |= {"payload", "messages", "characters", "wait"}


class ControlMeta:
    """POST /simulator/events and /simulator/callbacks."""

    def __init__(self, arrivals: Arrivals, history: WhatsappHistory) -> None:
        self.arrivals, self.history, self.chats = arrivals, history, arrivals.chats
        self.state, self.webhooks = arrivals.state, arrivals.chats.webhooks

    def all(self) -> dict[str, Deed]:
        return {"events": self.event, "callbacks": self.point}

    async def event(self, body: dict[str, Any]) -> Any:
        """An event that is no message: {"channel", "event", "person", "payload"}; or a change
        {"field", "value"} or an item {"field", "item", "holder"} as it is; or a whole body {"raw"}.
        On WhatsApp `history` with a number of `messages` makes so many old ones in one chunk."""
        channel = body.get("channel")
        if channel not in CHATS:
            raise BadRequest(f"channel must be one of {', '.join(CHATS)}")
        if unknown := set(body) - EVENT_KEYS:
            raise BadRequest(f"unknown keys: {', '.join(sorted(unknown))}")
        notice = self._notice(channel, body)
        notice.asset = str(body.get("asset") or notice.asset)
        announced = self.webhooks.announce(notice)
        delivery = await first_try(announced if body.get("wait", True) else None)
        return {"channel": channel, "event": notice.kind, "delivery": delivery}

    def _notice(self, channel: str, body: dict[str, Any]) -> Notice:
        asset = self.chats.notices.asset[channel]
        if "raw" in body:
            return Notice(
                channel, asset, str(body.get("field", "messages")), {}, "raw", {}, raw=body["raw"]
            )
        if "value" in body or "item" in body:
            holder = "changes" if "value" in body else str(body.get("holder", "messaging"))
            item = body.get("value") or body.get("item") or {}
            return Notice(
                channel, asset, str(body.get("field", "messages")), item, "raw", {}, holder
            )
        name, now = str(body.get("event")), int(self.arrivals.now() * 1000)
        if name == "history" and channel == WHATSAPP:
            return self._old_messages(body)
        if name not in named_events.names(channel):
            known = ", ".join([*named_events.names(channel), "history"])
            raise BadRequest(f"event must be one of {known}")
        contact, more = self._contact(channel, body), body.get("payload") or {}
        if channel == WHATSAPP:
            key = self.state.next_key()
            field, holder, item = named_events.whatsapp(
                self.chats.notices.whatsapp, name, contact, key, now, more
            )
        else:
            field, holder, item = named_events.messaging(
                self.chats.notices.messaging, channel, name, contact, now, more
            )
        return Notice(channel, asset, field, item, name, {}, holder)

    def _contact(self, channel: str, body: dict[str, Any]) -> Contact:
        if body.get("to"):
            return Contact(str(body["to"]).lstrip("+"))
        known = person(self.state, str(body.get("person") or self.state.people[0].name))
        contact = known.contact(channel)
        if contact is None:
            raise BadRequest(f"{known.name} is not on {channel}")
        return contact

    def _old_messages(self, body: dict[str, Any]) -> Notice:
        """So many messages of 100 days ago, said by one person, in one chunk."""
        contact = self._contact(WHATSAPP, body)
        begun = int((time.time() - 100 * 86_400) * 1000)
        text = "ж" * int(body.get("characters", 40))
        made = []
        for number in range(int(body.get("messages", 1))):
            turn = chat_turn(WHATSAPP, contact, f"{number} {text}", inbound=number % 3 > 0)
            key = self.state.next_key()
            chat = write_chat(turn, begun + number * 1000, key)
            self.state.chats.add(chat, self.state.made_count)
            made.append(chat)
        return self.history.chunk_of(made)

    async def point(self, body: dict[str, Any]) -> Any:
        """{"channel", "url", "verify_token"}: all that an admin does in a provider's console so that
        the webhooks of a channel come to an address; "" ends it.

        Meta asks for the handshake; `flavour` facebook takes Instagram by way of the page.
        """
        channel, url = body.get("channel"), str(body.get("url", ""))
        if channel in (SMS, VOICE):
            values = {"status_callback": url}
            if channel == SMS:
                values = {"sms_url": url, "sms_method": "POST", HIDDEN: url}
            for number in self.state.numbers:
                self.state.record({"what": "number", "sid": number["sid"], "values": values})
            return {"channel": channel, "url": url}
        if channel not in CHATS:
            raise BadRequest(f"channel must be one of {', '.join((SMS, VOICE, *CHATS))}")
        token = str(body.get("verify_token", ""))
        wrong = await self.webhooks.handshake(url, token) if url else ""
        if wrong:
            raise BadRequest(f"the callback failed the handshake: {wrong}")
        meta, asset = self.state.accounts.meta, self.chats.notices.asset[channel]
        app = meta.app.id
        values_of = {"callback_url": url, "verify_token": token, "fields": []}
        self.state.meta.set_callback(app, OBJECTS[channel], values_of if url else None)
        if channel == INSTAGRAM and body.get("flavour", "instagram") == "instagram":
            app = meta.instagram_app.id
        elif channel == INSTAGRAM:
            asset = meta.page_id
        if url and not (
            channel in (INSTAGRAM, MESSENGER) and app in self.state.meta.installed.get(asset, {})
        ):
            self.state.meta.install(asset, app, {"fields": []})
        return {"channel": channel, "url": url, "app": app}
