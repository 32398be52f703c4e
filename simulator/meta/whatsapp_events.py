"""What WhatsApp's webhooks say of messages, echoes, statuses and what happens to messages.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
and its siblings; sender and contact after
…/whatsapp/business-scoped-user-ids: a person with a username may have no number in a payload.
"""

from __future__ import annotations

import base64
from typing import Any

from simulator.meta.meta_media import MetaMedia
from simulator.store import files
from simulator.store.chats import EDIT, REACT, UNREACT, Chat, Contact, Happening, Medium
from simulator.store.scribe import sid
from simulator.world.accounts import MetaAccounts

UNDELIVERABLE = {
    "code": 131026,
    "title": "Message undeliverable",
    "message": "Message undeliverable",
    "error_data": {"details": "Message Undeliverable."},
    "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
}
UNKNOWN = {
    "code": 131051,
    "title": "Message type unknown",
    "message": "Message type unknown",
    "error_data": {"details": "Message type is currently not supported."},
}


def contact_of(contact: Contact) -> dict[str, Any]:
    profile = {"name": contact.name} | ({"username": contact.username} if contact.username else {})
    return {"profile": profile} | _ids(contact, "wa_id", "user_id")


def _ids(contact: Contact, number: str, user: str) -> dict[str, str]:
    shown = {} if contact.hidden else {number: contact.address}
    return shown | ({user: contact.bsuid} if contact.bsuid else {})


class WhatsappEvents:
    """Builds the `value` of a change."""

    def __init__(self, accounts: MetaAccounts, media: MetaMedia) -> None:
        self.accounts, self.media = accounts, media

    def value(self, **parts: Any) -> dict[str, Any]:
        metadata = {
            "display_phone_number": self.accounts.display_phone_number,
            "phone_number_id": self.accounts.phone_number_id,
        }
        return {"messaging_product": "whatsapp", "metadata": metadata, **parts}

    def message(self, chat: Chat) -> dict[str, Any]:
        """An inbound message (field `messages`)."""
        told = self._common(chat.contact, chat.id, chat.at_ms) | self.content(chat)
        return self.value(contacts=[contact_of(chat.contact)], messages=[told])

    def echo(self, chat: Chat) -> dict[str, Any]:
        """What staff sent from the app (field `smb_message_echoes`)."""
        told = self._echoed(chat.contact, chat.id, chat.at_ms) | self.content(chat)
        return self.value(contacts=[contact_of(chat.contact)], message_echoes=[told])

    def happening(self, chat: Chat, happening: Happening) -> tuple[str, dict[str, Any]]:
        """Field and value of a reaction, an edit or a revoke."""
        told: dict[str, Any]
        if happening.what in (REACT, UNREACT):
            emoji = {"emoji": happening.emoji} if happening.what == REACT else {}
            told = {"type": "reaction", "reaction": {"message_id": chat.id, **emoji}}
        elif happening.what == EDIT:
            content = {"type": "text", "text": {"body": happening.text}}
            if chat.kind != "text":
                content = self.content(chat)
                content[content["type"]]["caption"] = happening.text  # type: ignore[index]
            edited = {"context": {"id": "M0"}, **content}
            told = {"type": "edit", "edit": {"original_message_id": chat.id, "message": edited}}
        else:
            told = {"type": "revoke", "revoke": {"original_message_id": chat.id}}
        if happening.by_us:
            told = self._echoed(chat.contact, happening.id, happening.at_ms) | told
            return "smb_message_echoes", self.value(message_echoes=[told])
        told = self._common(chat.contact, happening.id, happening.at_ms) | told
        return "messages", self.value(contacts=[contact_of(chat.contact)], messages=[told])

    def status(self, chat: Chat, status: str, at_ms: int) -> dict[str, Any]:
        told: dict[str, Any] = {
            "id": chat.id,
            "status": status,
            "timestamp": str(at_ms // 1000),
            **_ids(chat.contact, "recipient_id", "recipient_user_id"),
        }
        if status == "failed":
            return self.value(statuses=[told | {"errors": [UNDELIVERABLE]}])
        if status in ("sent", "delivered"):
            identity = sid("", "conversation", chat.thread)[:30]
            told["conversation"] = {"id": identity, "origin": {"type": "service"}}
            told["pricing"] = {
                "billable": False,
                "pricing_model": "PMP",
                "type": "free_customer_service",
                "category": "service",
            }
        return self.value(contacts=[contact_of(chat.contact)], statuses=[told])

    def call(self, chat: Chat, event: str) -> dict[str, Any]:
        """A WhatsApp call (field `calls`): connect, terminate, or a status word."""
        ours, theirs = self.accounts.display_phone_number, chat.contact.shown
        seconds = int(chat.extra.get("seconds", 0))
        begun, ended = chat.at_ms // 1000 + 4, chat.at_ms // 1000 + 4 + seconds
        if event not in ("connect", "terminate"):
            told = {"id": chat.id, "timestamp": str(begun), "type": "call", "status": event}
            ringing = told | {"recipient_id": theirs}
            return self.value(contacts=[contact_of(chat.contact)], statuses=[ringing])
        call: dict[str, Any] = {
            "id": chat.id,
            "to": theirs if chat.outbound else ours,
            "from": ours if chat.outbound else theirs,
            "event": event,
            "direction": "BUSINESS_INITIATED" if chat.outbound else "USER_INITIATED",
        }
        if event == "connect":
            call |= {"timestamp": str(chat.at_ms // 1000)}
            call |= {"session": {"sdp_type": "offer", "sdp": "v=0\r\n"}}
        else:
            call |= {"timestamp": str(ended), "status": "COMPLETED" if seconds else "FAILED"}
            if seconds:
                times = {"start_time": str(begun), "end_time": str(ended), "duration": seconds}
                call |= times
        return self.value(contacts=[contact_of(chat.contact)], calls=[call])

    def recorded(self, chat: Chat, medium: Medium) -> dict[str, Any]:
        """What was kept of a call, some time after its end: its sound, or a transcript as a JSON document.

        https://developers.facebook.com/documentation/business-messaging/whatsapp/calling/call-recording
        The transcript's event is named as it was seen, and not as the page has it.
        """
        is_sound = medium.file.content_type.startswith("audio/")
        file = {
            "id": medium.id,
            "mime_type": medium.file.content_type,
            "sha256": base64.b64encode(files.sha256(medium.file)).decode(),
            "url": self.media.address(chat, medium),
        }
        call: dict[str, Any] = {
            "id": chat.id,
            **_ids(chat.contact, "from", "from_user_id"),
            "timestamp": str(chat.at_ms // 1000 + int(chat.extra.get("seconds", 0)) + 60),
            "event": "call_recording_available" if is_sound else "call_transcript_available",
        }
        kept = {"type": "audio", "audio": file} if is_sound else {"document": file}
        call["call_recording" if is_sound else "call_transcript"] = kept
        return self.value(contacts=[contact_of(chat.contact)], calls=[call])

    def content(self, chat: Chat, *, with_url: bool = True) -> dict[str, Any]:
        """`type`, the type's object, and what may stand beside it."""
        kind, told = self._object(chat, with_url)
        context: dict[str, Any] = {}
        if chat.reply_to:
            context = {"from": self.accounts.display_phone_number, "id": chat.reply_to}
        if chat.extra.get("forwarded"):
            context["forwarded"] = True
        beside: dict[str, Any] = {"context": context} if context else {}
        if referral := chat.extra.get("referral"):
            beside["referral"] = {
                "source_url": "https://fb.me/saltbush",
                "source_id": referral.get("ad_id", ""),
                "source_type": "ad",
                "headline": referral.get("headline", ""),
                "body": "Book before the end of the month",
                "media_type": "image",
                "image_url": f"{self.media.state.base_url}/advertisement.jpg",
                "ctwa_clid": "ARexampleclid",
            }
        for key in ("group_id", "origin"):
            if key in chat.extra:
                beside[key] = chat.extra[key]
        return {"type": kind, **told, **beside}

    def _object(self, chat: Chat, with_url: bool) -> tuple[str, dict[str, Any]]:
        extra = chat.extra
        if chat.media:
            kind = chat.kind if chat.kind != "share" else "image"
            return kind, {kind: self._medium(chat, with_url)}
        match chat.kind:
            case "location":
                return "location", {"location": extra}
            case "contacts":
                return "contacts", {"contacts": [_card(card) for card in extra["cards"]]}
            case "interactive":
                reply = {"id": extra.get("reply_id", "1"), "title": chat.text}
                interactive = {"type": "button_reply", "button_reply": reply}
                return "interactive", {"interactive": interactive}
            case "button":
                payload = extra.get("payload", chat.text.upper())
                return "button", {"button": {"payload": payload, "text": chat.text}}
            case "order":
                items = [
                    {
                        "product_retailer_id": item["sku"],
                        "quantity": item["quantity"],
                        "item_price": item["price"],
                        "currency": "AUD",
                    }
                    for item in extra["items"]
                ]
                told = {"catalog_id": "194836987003835", "text": chat.text, "product_items": items}
                return "order", {"order": told}
            case "unsupported":
                told = {"type": extra.get("type", "poll_creation")}
                return "unsupported", {"unsupported": told, "errors": [UNKNOWN]}
        return "text", {"text": {"body": chat.text}}

    def _medium(self, chat: Chat, with_url: bool) -> dict[str, Any]:
        medium = chat.media[0]
        told: dict[str, Any] = {
            "mime_type": medium.file.content_type,
            "sha256": base64.b64encode(files.sha256(medium.file)).decode(),
            "id": medium.id,
        }
        if with_url:
            told["url"] = self.media.address(chat, medium)
        if chat.kind == "audio":
            return told | {"voice": bool(chat.extra.get("voice"))}
        if chat.kind == "sticker":
            return told | {"animated": False}
        if chat.text:
            told["caption"] = chat.text
        return told | ({"filename": medium.file.name} if chat.kind == "document" else {})

    def _common(self, contact: Contact, identity: str, at_ms: int) -> dict[str, Any]:
        sender = _ids(contact, "from", "from_user_id")
        return {**sender, "id": identity, "timestamp": str(at_ms // 1000)}

    def _echoed(self, contact: Contact, identity: str, at_ms: int) -> dict[str, Any]:
        return {
            "from": self.accounts.display_phone_number,
            **_ids(contact, "to", "to_user_id"),
            "id": identity,
            "timestamp": str(at_ms // 1000),
        }


def _card(card: dict[str, Any]) -> dict[str, Any]:
    first, _, last = card["name"].partition(" ")
    name = {"formatted_name": card["name"], "first_name": first}
    told: dict[str, Any] = {"name": name | ({"last_name": last} if last else {})}
    if phone := card.get("phone"):
        told["phones"] = [{"phone": phone, "wa_id": phone.lstrip("+"), "type": "CELL"}]
    if email := card.get("email"):
        told["emails"] = [{"email": email, "type": "WORK"}]
    return told
