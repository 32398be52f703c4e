"""What Meta says of a chat message, of its status and of what happens to it, as notices to send."""

from __future__ import annotations

from typing import Any

from simulator.channels import CHATS, INSTAGRAM, MESSENGER, WHATSAPP
from simulator.faults import Faults
from simulator.meta.messaging_events import MessagingEvents
from simulator.meta.meta_notices import Notice
from simulator.meta.whatsapp_events import WhatsappEvents
from simulator.store.chats import Chat, Happening
from simulator.store.scribe import digits

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


class ChatNotices:
    """Puts the events of the three channels into notices of the shop's accounts."""

    def __init__(
        self, whatsapp: WhatsappEvents, messaging: MessagingEvents, faults: Faults
    ) -> None:
        self.whatsapp, self.messaging, self.faults = whatsapp, messaging, faults
        accounts = whatsapp.accounts
        assets = (accounts.waba_id, accounts.instagram_id, accounts.page_id)
        self.asset = dict(zip(CHATS, assets, strict=True))

    def message(self, chat: Chat, *, standby: bool = False) -> list[Notice]:
        """A message, an echo, or the course of a call."""
        if chat.kind == "call":
            return [self._change(chat, "calls", value, "call") for value in self._call(chat)]
        if chat.channel == WHATSAPP:
            if (
                chat.by_api
            ):  # Another program's messages are not echoed: only statuses tell of them.
                return [self.status(chat, "sent", chat.at_ms + STEP_MS)]
            field, value = "messages", self.whatsapp.message(chat)
            if chat.outbound:
                field, value = "smb_message_echoes", self.whatsapp.echo(chat)
            if standby:
                field, value = "standby", _stood_by(value)
            return [self._change(chat, field, value, "message")]
        field, item = self.messaging.message(chat)
        if standby:
            return [self._item(chat, "standby", item, "message", "standby")]
        return [self._item(chat, field, item, "message"), *self._numbered(chat)]

    def _numbered(self, chat: Chat) -> list[Notice]:
        """Instagram tells of an ordinary message as of an edit that is none, often without who."""
        if (
            chat.channel != INSTAGRAM
            or chat.kind == "postback"
            or not self.faults.values["number_edits"]
        ):
            return []
        item = self.messaging.item(
            chat,
            chat.at_ms,
            from_us=chat.outbound,
            message_edit={"mid": chat.id, "num_edit": 0},
        )
        if int(digits(2, "numbered", chat.id)) % 3:
            del item["sender"], item["recipient"]
        return [self._item(chat, "message_edit", item, "edit of nothing")]

    def happening(self, chat: Chat, happening: Happening) -> Notice | None:
        """A reaction, an edit, an unsend; None where nobody is told."""
        if chat.channel == WHATSAPP:
            field, value = self.whatsapp.happening(chat, happening)
            return self._change(chat, field, value, happening.what)
        told = self.messaging.happening(chat, happening)
        return self._item(chat, *told, happening.what) if told else None

    def status(self, chat: Chat, status: str, at_ms: int, *, standby: bool = False) -> Notice:
        """A status of ours that the channel has an event for."""
        if chat.channel == WHATSAPP:
            value = self.whatsapp.status(chat, status, at_ms)
            if standby:
                return self._change(chat, "standby", _stood_by(value), "status")
            return self._change(chat, "messages", value, "status")
        told = self.messaging.status(chat, status, at_ms)
        assert told, f"{chat.channel} has no event for {status}"
        return self._item(chat, *told, "status")

    def _call(self, chat: Chat) -> list[dict[str, Any]]:
        """A WhatsApp call, from its beginning to its end, and what was recorded of it."""
        answer = "ACCEPTED" if chat.extra.get("seconds") else "REJECTED"
        between = ["RINGING", answer] if chat.outbound else []
        told = [self.whatsapp.call(chat, event) for event in ("connect", *between, "terminate")]
        return told + [self.whatsapp.recorded(chat, medium) for medium in chat.media]

    def _change(self, chat: Chat, field: str, value: dict[str, Any], kind: str) -> Notice:
        return self._item(chat, field, value, kind, "changes")

    def _item(
        self, chat: Chat, field: str, item: dict[str, Any], kind: str, holder: str = "messaging"
    ) -> Notice:
        asset = self.asset[chat.channel]
        return Notice(chat.channel, asset, field, item, kind, {"id": chat.id}, holder)


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
