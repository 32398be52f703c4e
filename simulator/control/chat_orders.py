"""A control request for a message on WhatsApp, Instagram or Messenger, made into a turn.

Beside the keys of every message: `kind` and `extra` as chats.Chat has them, or one of the short
forms `location` {latitude, longitude, name, address}, `contacts` [{name, phone, email}], `story`
{"kind": "mention" | "reply", "id"}, `postback` payload, `referral` {ad_id, headline}; `reply_to` the
id of a message; `name`, `username`, `bsuid`, `hidden` of somebody who is no person of the cast;
`by_api`; `standby`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulator.channels import WHATSAPP
from simulator.control.order_parts import BadRequest
from simulator.store.chats import Chat, Contact
from simulator.store.state import State
from simulator.world.people import Person
from simulator.world.turns import Turn, chat_turn

KEYS = {
    "attachments",
    "reply_to",
    "final_status",
    "kind",
    "extra",
    "location",
    "contacts",
    "story",
    "postback",
    "referral",
    "name",
    "username",
    "bsuid",
    "hidden",
    "by_api",
    "standby",
}
KINDS = (
    "text",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
    "story_mention",
    "story_reply",
    "postback",
    "quick_reply",
    "share",
    "interactive",
    "button",
    "order",
    "template",
    "call",
    "unsupported",
)


def read(
    state: State, channel: str, direction: str, known: Person | None, body: dict[str, Any]
) -> tuple[Turn, Chat | None]:
    """The turn, and the message it replies to.

    Raises:
        BadRequest: a key is missing or not usable.
    """
    contact = _contact(channel, direction, known, body)
    kind, extra = _kind(body)
    if kind and kind not in KINDS:
        raise BadRequest(f"kind must be one of {', '.join(KINDS)}")
    if channel == WHATSAPP and len(body.get("attachments") or []) > 1:
        raise BadRequest("a WhatsApp message has one attachment")
    replied = None
    if body.get("reply_to"):
        replied = state.chats.by_id.get(str(body["reply_to"]))
        if replied is None or replied.channel != channel:
            raise BadRequest("reply_to names no message of this channel")
    turn = chat_turn(
        channel,
        contact,
        str(body.get("body", "")),
        inbound=direction == "inbound",
        kind=kind,
        extra=extra,
        by_api=bool(body.get("by_api")),
    )
    return turn, replied


def _contact(channel: str, direction: str, known: Person | None, body: dict[str, Any]) -> Contact:
    """The person of the cast, or whoever `from` or `to` names."""
    contact = known.contact(channel) if known else None
    other = str(body.get("from" if direction == "inbound" else "to") or "").lstrip("+")
    if other:
        contact = Contact(other, str(body.get("name", "")))
    if contact is None:
        raise BadRequest(f"a person on {channel}, or from (inbound) or to (outbound), is needed")
    given = {key: body[key] for key in ("name", "username", "bsuid", "hidden") if key in body}
    return replace(contact, **given)


def _kind(body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    kind, extra = str(body.get("kind", "")), dict(body.get("extra") or {})
    if location := body.get("location"):
        return "location", {**location, **extra}
    if cards := body.get("contacts"):
        return "contacts", {"cards": cards, **extra}
    if story := body.get("story"):
        return f"story_{story.get('kind', 'reply')}", {"story_id": story.get("id", "1"), **extra}
    if postback := body.get("postback"):
        return "postback", {"payload": postback, **extra}
    if referral := body.get("referral"):
        extra["referral"] = referral
    return kind, extra
