"""Conversations and messages as the API of Messenger and Instagram shows them.

Follows https://developers.facebook.com/documentation/business-messaging/messenger-platform/ and
…/instagram-api-with-instagram-login/conversations-api: only the 20 newest messages of a
conversation have details; older ones are listed, and answer as if they were deleted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from simulator.channels import INSTAGRAM, MESSENGER
from simulator.meta.graph_fields import Wanted
from simulator.meta.meta_media import STORIES, MetaMedia
from simulator.store.chats import Chat, Medium
from simulator.store.state import State

DETAILED = 20
LISTED = ("id", "created_time")
REACTIONS = {"❤️": "love", "😂": "smile", "😮": "wow", "😢": "sad", "😠": "angry", "👍": "like"}


def graph_time(at_ms: int) -> str:
    """Whole seconds, and an offset without a colon."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def visible(chats: list[Chat]) -> list[Chat]:
    """What a conversation lists, newest first; an unsent message is gone."""
    return [chat for chat in reversed(chats) if not chat.unsent]


def newest(chats: list[Chat]) -> set[str]:
    """The ids of the messages that have details."""
    return {chat.id for chat in visible(chats)[:DETAILED]}


class GraphViews:
    """Resources of the two conversation APIs."""

    def __init__(self, state: State, media: MetaMedia) -> None:
        self.state, self.media, self.meta = state, media, state.accounts.meta

    def party(self, chat: Chat, *, us: bool) -> dict[str, Any]:
        """Who takes part. The address that Messenger adds is artificial."""
        if chat.channel == INSTAGRAM:
            username = self.meta.instagram_username if us else chat.contact.username
            return {
                "username": username,
                "id": self.meta.instagram_id if us else chat.contact.address,
            }
        identity = self.meta.page_id if us else chat.contact.address
        name = self.meta.page_name if us else chat.contact.name
        return {"name": name, "email": f"{identity}@facebook.com", "id": identity}

    def conversation(self, chats: list[Chat], wanted: dict[str, Wanted]) -> dict[str, Any]:
        """A conversation without its messages."""
        last = chats[-1]
        whole: dict[str, Any] = {
            "id": last.thread,
            "updated_time": graph_time(last.at_ms),
            "participants": {"data": [self.party(last, us=False), self.party(last, us=True)]},
            "message_count": len(visible(chats)),
        }
        if last.channel == MESSENGER:
            whole["link"] = f"/{self.meta.page_id}/inbox/{last.contact.address}/"
        return {name: whole[name] for name in ("id", *wanted) if name in whole}

    def message(self, chat: Chat, wanted: dict[str, Wanted], *, detailed: bool) -> dict[str, Any]:
        """A message with the wanted fields; without details only that it is there."""
        names = [name for name in ("id", *wanted) if detailed or name in LISTED]
        found = {name: self._field(chat, name) for name in dict.fromkeys(names)}
        return {name: value for name, value in found.items() if value is not None}

    def _field(self, chat: Chat, name: str) -> Any:
        match name:
            case "id":
                return chat.id
            case "created_time":
                return graph_time(chat.at_ms)
            case "from":
                return self.party(chat, us=chat.outbound)
            case "to":
                return {"data": [self.party(chat, us=not chat.outbound)]}
            case "message":
                return chat.body
            case "attachments":
                return self._attachments(chat)
            case "shares":
                return self._shares(chat)
            case "story":
                return self._story(chat)
            case "reply_to":
                return self._replied(chat)
            case "reactions":
                return self._reactions(chat)
            case "tags":
                return None if chat.channel == INSTAGRAM else _tags(chat)
            case "is_unsupported":
                return chat.kind == "unsupported" or None
            case "is_owner":
                return True
            case "sticker":
                is_sticker = chat.kind == "sticker" and chat.media
                return self.media.address(chat, chat.media[0]) if is_sticker else None
        return None

    def _attachments(self, chat: Chat) -> dict[str, Any] | None:
        # Since 30 August 2026 a sticker is a field of its own, and no attachment.
        is_sticker = chat.channel == MESSENGER and chat.kind == "sticker"
        if not chat.media or chat.kind in STORIES or is_sticker:
            return None
        return {"data": [self._attachment(chat, medium) for medium in chat.media]}

    def _attachment(self, chat: Chat, medium: Medium) -> dict[str, Any]:
        address, file = self.media.address(chat, medium), medium.file
        told: dict[str, Any] = {}
        if chat.channel == MESSENGER:
            told = {"id": medium.id, "mime_type": file.content_type, "name": file.name}
        main = file.content_type.partition("/")[0]
        if main == "image":
            data = {"width": 320, "height": 240, "url": address, "preview_url": address}
            if chat.kind == "sticker":
                data["render_as_sticker"] = True
            return told | {"image_data": data}
        if main == "video":
            data = {"width": 320, "height": 240, "url": address, "preview_url": address}
            return told | {"video_data": data}
        return told | {"file_url": address}

    def _shares(self, chat: Chat) -> dict[str, Any] | None:
        if chat.kind != "share":
            return None
        shared = {"link": share_link(chat), "name": chat.extra.get("title", "")}
        return {"data": [shared if chat.channel == MESSENGER else {"link": shared["link"]}]}

    def _story(self, chat: Chat) -> dict[str, Any] | None:
        if chat.kind not in STORIES:
            return None
        link = self.media.address(chat, chat.media[0]) if chat.media else ""
        which = "mention" if chat.kind == "story_mention" else "reply_to"
        return {which: {"link": link, "id": chat.extra.get("story_id", "")}}

    def _replied(self, chat: Chat) -> dict[str, Any] | None:
        if chat.reply_to is None:
            return None
        key = "id" if chat.channel == MESSENGER else "mid"
        return {key: chat.reply_to}

    def _reactions(self, chat: Chat) -> dict[str, Any] | None:
        if not chat.reactions:
            return None
        return {
            "data": [
                {
                    "reaction": REACTIONS.get(emoji, "other"),
                    "emoji": emoji,
                    "users": [self.party(chat, us=by_us)],
                }
                for by_us, emoji in chat.reactions.items()
            ]
        }


def share_link(chat: Chat) -> str:
    """The address of what was shared."""
    identity = chat.extra.get("post_id", "1")
    if chat.channel == INSTAGRAM:
        return f"https://www.instagram.com/p/{identity}/"
    return f"https://www.facebook.com/permalink/{identity}"


def _tags(chat: Chat) -> dict[str, Any]:
    names = ["sent" if chat.outbound else "inbox", "read", "source:chat"]
    return {"data": [{"name": name} for name in names]}
