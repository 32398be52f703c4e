"""Graph calls about a WhatsApp number: media, delivery events, the number, the business app's data.

There is no call that lists messages. `message_history` tells what became of outbound ones, as
facebook/openapi describes it, without content.
"""

from __future__ import annotations

from typing import Any

from simulator.channels import WHATSAPP
from simulator.meta.graph_errors import GraphError, gone, invalid_parameter
from simulator.meta.graph_fields import Wanted, parse
from simulator.meta.graph_pages import page
from simulator.meta.graph_rest import Answer, Call
from simulator.meta.meta_media import MetaMedia
from simulator.store.chats import Chat
from simulator.store.scribe import digits
from simulator.store.state import State

STEPS = {"failed": ("FAILED",), "sent": ("SENT",), "delivered": ("SENT", "DELIVERED")}
READ = ("SENT", "DELIVERED", "READ")


class GraphWhatsapp:
    """The calls of the system user's token."""

    def __init__(self, state: State, media: MetaMedia) -> None:
        self.state, self.media, self.meta = state, media, state.accounts.meta

    async def answer(self, call: Call) -> Answer | None:
        if call.channel != WHATSAPP or call.method != "GET" or not call.steps:
            return None
        match call.steps:
            case [self.meta.phone_number_id]:
                return self._number(call.query.get("fields", ""))
            case [self.meta.phone_number_id, "message_history"]:
                return self._message_history(call)
            case [self.meta.waba_id]:
                return {"id": self.meta.waba_id, "name": self.meta.page_name, "currency": "AUD"}
            case [self.meta.waba_id, "phone_numbers"]:
                return {"data": [self._number()]}
            case [identity]:
                return self._medium(call, identity)
        return None

    def _number(self, fields: str = "") -> Answer:
        whole: Answer = {
            "verified_name": self.meta.page_name,
            "display_phone_number": f"+{self.meta.display_phone_number}",
            "quality_rating": "GREEN",
            "platform_type": "CLOUD_API",
            "is_on_biz_app": True,
            "id": self.meta.phone_number_id,
        }
        if not fields:
            return whole
        whole["webhook_configuration"] = self._addresses()
        return {name: whole[name] for name in (*parse(fields), "id") if name in whole}

    def _addresses(self) -> dict[str, str]:
        """Where the number's events go: to the account's own address before the app's."""
        app = self.meta.app.id
        own = self.state.meta.installed.get(self.meta.waba_id, {}).get(app, {})
        callback = self.state.meta.callbacks.get(app, {}).get("whatsapp_business_account", {})
        told = {
            "whatsapp_business_account": own.get("override_callback_uri"),
            "application": callback.get("callback_url"),
        }
        return {level: url for level, url in told.items() if url}

    def _medium(self, call: Call, identity: str) -> Answer:
        if (
            call.query.get("phone_number_id", self.meta.phone_number_id)
            != self.meta.phone_number_id
        ):
            raise invalid_parameter("The media does not belong to this phone number")
        found = self.media.whatsapp(identity)
        if found is None:
            raise gone(what=f"Object with ID '{identity}' does not exist.")
        return found

    def _message_history(self, call: Call) -> Answer:
        wanted = parse(call.query.get("fields") or "id,message_id")
        only = call.query.get("message_id")
        sent = [
            chat
            for chat in reversed(self.state.chats.in_order(WHATSAPP))
            if chat.outbound and only in (None, "", chat.id)
        ]
        if call.query.get("limit", "1").isdigit() and int(call.query.get("limit", "1")) > 100:
            raise GraphError(100, "(#100) Param limit must be at most 100")
        return page(
            sent,
            lambda chat: (chat.at_ms, chat.id),
            lambda chat: self._events(chat, wanted),
            call.query,
            call.url,
            call.token,
            most=100,
        )

    def _events(self, chat: Chat, wanted: dict[str, Wanted]) -> dict[str, Any]:
        shown: dict[str, Any] = {"id": digits(16, "history", chat.id), "message_id": chat.id}
        if "events" in wanted:
            steps = READ if chat.status in ("read", "played") else STEPS.get(chat.status, ())
            nested = wanted["events"].fields
            events = [
                {
                    "id": digits(16, "event", chat.id, step),
                    "delivery_status": step,
                    "timestamp": chat.at_ms // 1000 + 2 * n,
                    "webhook_update_state": "DELIVERED",
                    "application": {"id": self.meta.app.id},
                }
                for n, step in enumerate(steps)
            ]
            names = ("id", *(nested or ("delivery_status", "timestamp")))
            shown["events"] = {"data": [{k: e[k] for k in names if k in e} for e in events]}
        return shown
