"""What a control request for one message says, checked and made into a turn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator.channels import CHANNELS, CHATS, MAIL, SMS, VOICE
from simulator.control import chat_orders
from simulator.control.arrivals import FINAL_STATUSES
from simulator.control.order_parts import BadRequest, address, addresses, decoded, file, person
from simulator.meta.chat_notices import STEPS
from simulator.store.chats import Chat
from simulator.store.records import Mail
from simulator.store.state import State
from simulator.world.catalogue import MAILBOX
from simulator.world.people import SHOP_NUMBERS, Person
from simulator.world.turns import CallPlan, Turn

COMMON = {"channel", "direction", "person", "from", "to", "body", "silent", "at", "wait"}
KEYS = {
    SMS: COMMON | {"attachments", "final_status", "status_callback"},
    MAIL: COMMON
    | {"cc", "bcc", "subject", "attachments", "reply_to", "shape", "charset", "client"}
    | {"labels", "headers", "raw_base64"},
    VOICE: COMMON | {"call"},
    **dict.fromkeys(CHATS, COMMON | chat_orders.KEYS),
}
CALL_KEYS = set(CallPlan.__dataclass_fields__) | {"spoken"}
OUTCOMES = ("answered", "menu", "missed", "busy", "canceled", "failed", "voicemail")
SHAPES = ("plain", "alternative", "html", "calendar", "list", "spam", "bounce")


@dataclass
class Wanted:
    """A message to make now. `previous` is the mail it answers, `replied` the chat message."""

    turn: Turn
    at: float | None = None
    final: str | None = None
    previous: Mail | None = None
    replied: Chat | None = None
    raw: str | None = None
    callback: str | None = None
    spoken: bool = False
    standby: bool = False
    silent: bool = False
    wait: bool = True


def read(state: State, body: dict[str, Any]) -> Wanted:
    """The message that a POST /simulator/messages asks for.

    Raises:
        BadRequest: a key is unknown, missing or not usable.
    """
    channel, direction = body.get("channel"), body.get("direction", "inbound")
    if channel not in CHANNELS:
        raise BadRequest(f"channel must be one of {', '.join(CHANNELS)}")
    if unknown := set(body) - KEYS[channel]:
        known = ", ".join(sorted(KEYS[channel]))
        raise BadRequest(f"unknown keys: {', '.join(sorted(unknown))}; known are {known}")
    if direction not in ("inbound", "outbound"):
        raise BadRequest("direction must be inbound or outbound")
    known_person = person(state, str(body["person"])) if body.get("person") else None
    wanted = _wanted(state, channel, direction, known_person, body)
    wanted.turn.files = [
        file(a, f"control{state.made_count}|{n}")
        for n, a in enumerate(body.get("attachments") or [])
    ]
    if body.get("at"):
        wanted.at = datetime.fromisoformat(body["at"]).timestamp()
    wanted.final = _final(channel, body)
    wanted.callback, wanted.raw = body.get("status_callback"), body.get("raw_base64")
    if wanted.raw is not None:
        decoded(wanted.raw)
    wanted.silent, wanted.wait = bool(body.get("silent")), bool(body.get("wait", True))
    return wanted


def _wanted(
    state: State, channel: str, direction: str, known: Person | None, body: dict[str, Any]
) -> Wanted:
    text = str(body.get("body", ""))
    if channel == SMS:
        return Wanted(_phone_turn(SMS, body, direction, known, text))
    if channel == VOICE:
        return _call(body, direction, known)
    if channel == MAIL:
        return _mail(state, body, direction, known, text)
    turn, replied = chat_orders.read(state, channel, direction, known, body)
    return Wanted(turn, replied=replied, standby=bool(body.get("standby")))


def _final(channel: str, body: dict[str, Any]) -> str | None:
    """The last status of an outbound message, where one is asked for."""
    known = {SMS: list(FINAL_STATUSES), **{c: list(STEPS[c]) for c in CHATS}}.get(channel, [])
    final = body.get("final_status")
    if final is not None and final not in known:
        raise BadRequest(f"final_status must be one of {', '.join(known)}")
    return final


def _phone_turn(
    channel: str, body: dict[str, Any], direction: str, known: Person | None, text: str
) -> Turn:
    inbound = direction == "inbound"
    phone = known.phone if known else None
    theirs = str(body.get("from" if inbound else "to") or phone or "")
    ours = str(body.get("to" if inbound else "from") or SHOP_NUMBERS[0])
    if not theirs:
        raise BadRequest("a person with a phone, or from (inbound) or to (outbound), is needed")
    pair = [("", theirs), ("", ours)] if inbound else [("", ours), ("", theirs)]
    return Turn(channel, direction, pair[0], [pair[1]], text)


def _call(body: dict[str, Any], direction: str, known: Person | None) -> Wanted:
    """`call` has the keys of turns.CallPlan, and `spoken`: a real-time transcription as well."""
    call: dict[str, Any] = {"outcome": "answered", "seconds": 60, **(body.get("call") or {})}
    if unknown := set(call) - CALL_KEYS:
        known_keys = ", ".join(sorted(CALL_KEYS))
        raise BadRequest(f"unknown keys of call: {', '.join(sorted(unknown))}; known: {known_keys}")
    if call["outcome"] not in OUTCOMES:
        raise BadRequest(f"outcome must be one of {', '.join(OUTCOMES)}")
    if call.get("withheld"):
        body = body | {"from": call["withheld"]}
    spoken = bool(call.pop("spoken", False))
    turn = _phone_turn(VOICE, body, direction, known, "")
    turn.call = CallPlan(**call)
    if direction == "outbound" and turn.call.via == "client":
        turn.sender = ("client:bec", turn.sender[1])
    return Wanted(turn, spoken=spoken)


def _mail(
    state: State, body: dict[str, Any], direction: str, known: Person | None, text: str
) -> Wanted:
    turn = _mail_turn(body, direction, known, text)
    previous = None
    if body.get("reply_to"):
        previous = state.find_mail(str(body["reply_to"]))
        if previous is None:
            raise BadRequest("reply_to names no mail of this mailbox")
    turn.answers = previous is not None
    return Wanted(turn, previous=previous)


def _mail_turn(body: dict[str, Any], direction: str, known: Person | None, text: str) -> Turn:
    shape = body.get("shape", "alternative" if direction == "outbound" else "plain")
    if shape not in SHAPES:
        raise BadRequest(f"shape must be one of {', '.join(SHAPES)}")
    theirs = (known.name, known.email or "") if known else ("", "")
    us = ("Bec at Saltbush", MAILBOX)
    if direction == "inbound":
        sender = address(body["from"]) if body.get("from") else theirs
        to = addresses(body.get("to")) or [("Saltbush", MAILBOX)]
    else:
        sender = address(body["from"]) if body.get("from") else us
        to = addresses(body.get("to")) or [theirs]
    if not sender[1] or (not to[0][1]):
        raise BadRequest("a person with an email, or from (inbound) or to (outbound), is needed")
    labels = body.get("labels")
    return Turn(
        MAIL,
        direction,
        sender,
        to,
        text,
        subject=str(body.get("subject", "")),
        shape=shape,
        charset=body.get("charset", "utf-8"),
        client=body.get("client") or (known.client if known else "gmail"),
        labels=[str(x) for x in labels] if labels is not None else None,
        cc=addresses(body.get("cc")),
        bcc=addresses(body.get("bcc")),
        headers=[(str(n), str(v)) for n, v in body.get("headers") or []],
    )
