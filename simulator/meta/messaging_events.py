"""What the webhooks of Messenger and Instagram say: elements of an entry's `messaging`.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks and
https://developers.facebook.com/documentation/instagram-platform/webhooks/examples
"""

from __future__ import annotations

from typing import Any

from simulator.channels import INSTAGRAM, MESSENGER
from simulator.meta.graph_views import REACTIONS, share_link
from simulator.meta.meta_media import MetaMedia
from simulator.store.chats import EDIT, REACT, UNREACT, Chat, Happening
from simulator.world.accounts import MetaAccounts

PAGE_INBOX, OTHER_APP = 26390203743090, 1517776481860111
ATTACHMENT_TYPES = {"document": "file"}


class MessagingEvents:
    """Builds items for both channels; where they differ, the channel of the message decides."""

    def __init__(self, accounts: MetaAccounts, media: MetaMedia) -> None:
        self.accounts, self.media = accounts, media

    def account(self, channel: str) -> str:
        return self.accounts.page_id if channel == MESSENGER else self.accounts.instagram_id

    def item(self, chat: Chat, at_ms: int, *, from_us: bool, **part: Any) -> dict[str, Any]:
        us, them = {"id": self.account(chat.channel)}, {"id": chat.contact.address}
        sender, recipient = (us, them) if from_us else (them, us)
        return {"sender": sender, "recipient": recipient, "timestamp": at_ms, **part}

    def message(self, chat: Chat) -> tuple[str, dict[str, Any]]:
        """Field and item of a message or an echo."""
        if chat.kind == "postback":
            postback = {
                "mid": chat.id,
                "title": chat.text,
                "payload": chat.extra.get("payload", ""),
            }
            if chat.extra.get("without_mid"):
                # As Get Started, ice breakers and standby may come.
                del postback["mid"]
            return "messaging_postbacks", self.item(
                chat, chat.at_ms, from_us=False, postback=postback
            )
        told: dict[str, Any] = {"mid": chat.id}
        if chat.outbound:
            told["is_echo"] = True
            if chat.channel == MESSENGER:
                told["app_id"] = OTHER_APP if chat.by_api else PAGE_INBOX
        if chat.kind == "unsupported" and chat.channel == INSTAGRAM:
            told["is_unsupported"] = True
        elif chat.text:
            told["text"] = chat.text
        if attachments := self._attachments(chat):
            told["attachments"] = attachments
        told |= self._beside(chat)
        field = "message_echoes" if chat.outbound else "messages"
        return field, self.item(chat, chat.at_ms, from_us=chat.outbound, message=told)

    def happening(self, chat: Chat, happening: Happening) -> tuple[str, dict[str, Any]] | None:
        """Field and item; None for what Meta does not tell (Messenger's unsends)."""
        at_ms, by_us = happening.at_ms, happening.by_us
        if happening.what == EDIT:
            edits = [h for h in chat.happenings if h.what == EDIT and h.at_ms <= at_ms]
            told: dict[str, Any] = {
                "mid": chat.id,
                "text": happening.text,
                "num_edit": max(1, len(edits)),
            }
            field = "message_edits" if chat.channel == MESSENGER else "message_edit"
            return field, self.item(chat, at_ms, from_us=by_us, message_edit=told)
        if happening.what in (REACT, UNREACT):
            told = {"mid": chat.id, "action": happening.what}
            if happening.what == REACT or chat.channel == MESSENGER:
                emoji = happening.emoji or "❤️"
                told |= {"reaction": REACTIONS.get(emoji, "other"), "emoji": emoji}
            return "message_reactions", self.item(chat, at_ms, from_us=by_us, reaction=told)
        if chat.channel == MESSENGER:
            return None
        told = {"mid": chat.id} | ({"is_echo": True} if chat.outbound else {})
        field = "message_echoes" if chat.outbound else "messages"
        item = self.item(chat, at_ms, from_us=chat.outbound, message=told | {"is_deleted": True})
        return field, item

    def status(self, chat: Chat, status: str, at_ms: int) -> tuple[str, dict[str, Any]] | None:
        """Field and item of delivered or read; None where the channel has no such event."""
        if chat.channel == INSTAGRAM:
            if status != "read":
                return None
            return "messaging_seen", self.item(chat, at_ms, from_us=False, read={"mid": chat.id})
        if status == "delivered":
            told = {"mids": [chat.id], "watermark": chat.at_ms}
            return "message_deliveries", self.item(chat, at_ms, from_us=False, delivery=told)
        if status == "read":
            read = {"watermark": chat.at_ms}
            return "message_reads", self.item(chat, at_ms, from_us=False, read=read)
        return None

    def _beside(self, chat: Chat) -> dict[str, Any]:
        """What a message has besides text and attachments."""
        told: dict[str, Any] = {}
        if chat.kind == "story_reply":
            link = self.media.address(chat, chat.media[0]) if chat.media else ""
            told["reply_to"] = {"story": {"url": link, "id": chat.extra.get("story_id", "")}}
        elif chat.reply_to:
            more = {"is_self_reply": False} if chat.channel == MESSENGER else {}
            told["reply_to"] = {"mid": chat.reply_to, **more}
        if chat.kind == "quick_reply":
            told["quick_reply"] = {"payload": chat.extra.get("payload", "")}
        if referral := chat.extra.get("referral"):
            told["referral"] = {
                "ref": referral.get("ref", "service-special"),
                "ad_id": referral.get("ad_id", ""),
                "source": "ADS",
                "type": "OPEN_THREAD",
                "ads_context_data": {
                    "ad_title": referral.get("headline", ""),
                    "photo_url": f"{self.media.state.base_url}/advertisement.jpg",
                },
            }
        return told

    def _attachments(self, chat: Chat) -> list[dict[str, Any]]:
        if chat.kind == "share":
            return [self._share(chat)]
        if chat.kind == "template":
            button = {
                "type": "web_url",
                "url": "https://example.com/",
                "title": chat.extra["title"],
            }
            payload = {"template_type": "button", "buttons": [button]}
            return [{"type": "template", "payload": payload}]
        if chat.kind == "unsupported":
            return [{"type": "fallback"}] if chat.channel == MESSENGER else []
        if chat.kind == "story_reply":
            return []
        found = []
        for medium in chat.media:
            main = medium.file.content_type.partition("/")[0]
            kind = main if main in ("image", "video", "audio") else "file"
            payload = {"url": self.media.address(chat, medium)}
            if chat.kind in ("story_mention", "sticker"):
                kind = chat.kind
            if chat.kind == "sticker":
                payload["sticker_id"] = chat.extra.get("sticker_id", 369239263222822)
            found.append({"type": kind, "payload": payload})
        return found

    def _share(self, chat: Chat) -> dict[str, Any]:
        told = {"title": chat.extra.get("title", ""), "url": share_link(chat)}
        identity = str(chat.extra.get("post_id", 1))
        if chat.channel == INSTAGRAM:
            return {"type": "ig_post", "payload": {"ig_post_media_id": identity, **told}}
        return {"type": "post", "payload": {**told, "id": int(identity)}}
