"""A chat turn becomes a record: ids in each platform's manner, a kind, and what happens to it."""

from __future__ import annotations

import base64
import hashlib
import random

from simulator.channels import INSTAGRAM, MESSENGER, WHATSAPP
from simulator.store.chats import Chat, Contact, Happening, Medium
from simulator.store.scribe import digits
from simulator.world.turns import Turn

KINDS = {"image": "image", "audio": "audio", "video": "video"}
WEBP = "image/webp"


def wamid(address: str, *parts: object) -> str:
    """WhatsApp's message id: base64, so `=`, `/` and `+` occur in it."""
    digest = hashlib.md5("|".join(map(str, parts)).encode(), usedforsecurity=False).digest()
    packed = bytes([0x1D, len(address) & 0xFF]) + address.encode() + digest
    return f"wamid.{base64.b64encode(packed).decode()}"


def message_id(channel: str, contact: Contact, key: str) -> str:
    """The id of a message (or, on WhatsApp, of what happens to one)."""
    if channel == WHATSAPP:
        return wamid(contact.address, key)
    digest = hashlib.sha256(key.encode()).digest()
    if channel == MESSENGER:
        return f"m_{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
    return f"aWdfZAG1faXRlbToxOk{base64.urlsafe_b64encode(digest[:18]).decode()}"


def thread_id(channel: str, contact: Contact) -> str:
    """The conversation with somebody, as the conversations API names it."""
    if channel == MESSENGER:
        return f"t_{digits(17, channel, contact.address)}"
    if channel == INSTAGRAM:
        packed = base64.urlsafe_b64encode(f"1:{digits(20, channel, contact.address)}".encode())
        return f"aWdfZAG06MTpJR01lc3NhZA{packed.decode().rstrip('=')}"
    return contact.address


def write_chat(
    turn: Turn, at_ms: int, key: str, previous: Chat | None = None, *, history: bool = True
) -> Chat:
    """The record of a chat turn at `at_ms`. `key` must be unique; the ids are made of it.

    `previous` is the message before it, for turns that reply to one. With `history` an outbound
    message has had its end already, and everything that happens to it has happened.
    """
    contact = turn.contact
    assert contact
    rng = random.Random(f"{key}|chat")
    status = "received"
    if turn.direction == "outbound":
        status = "sent"
        if history:
            ends = ("read", "delivered", "sent", "failed")
            weights = (80, 14, 5, 1 if turn.channel == WHATSAPP else 0)
            status = rng.choices(ends, weights=weights)[0]
    if contact.hidden and rng.random() < 0.15:  # a contact of the last 30 days shows the number
        contact = Contact(contact.address, contact.name, contact.username, contact.bsuid)
    replied = previous if turn.replies and previous and previous.channel == turn.channel else None
    chat = Chat(
        id=message_id(turn.channel, contact, key),
        channel=turn.channel,
        thread=thread_id(turn.channel, contact),
        contact=contact,
        direction=turn.direction,
        at_ms=at_ms,
        kind=turn.kind or _kind(turn),
        text=turn.text,
        media=[Medium(digits(16, key, n), file, at_ms) for n, file in enumerate(turn.files)],
        reply_to=replied.id if replied else None,
        extra=dict(turn.extra),
        status=status,
        by_api=turn.by_api,
    )
    if history:
        chat.happenings = happenings(turn, chat, key)
    return chat


def happenings(turn: Turn, chat: Chat, key: str) -> list[Happening]:
    """What the plan says will happen to the message, in order of time."""
    return [
        Happening(
            after.what,
            chat.at_ms + int(after.seconds * 1000),
            after.by_us,
            after.text,
            after.emoji,
            message_id(chat.channel, chat.contact, f"{key}|after|{n}"),
        )
        for n, after in enumerate(sorted(turn.after, key=lambda a: a.seconds))
    ]


def _kind(turn: Turn) -> str:
    """The kind of a message with files is that of the first one."""
    if not turn.files:
        return "text"
    content_type = turn.files[0].content_type
    if content_type == WEBP:
        return "sticker"
    return KINDS.get(content_type.partition("/")[0], "document")
