"""What a control request for one message says, checked and made into a turn."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from simulator import files
from simulator.arrivals import FINAL_STATUSES
from simulator.catalogue import MAILBOX
from simulator.conversations import MAIL, SMS, Turn
from simulator.people import SHOP_NUMBERS, Person
from simulator.records import File, Mail
from simulator.state import State

KEYS = {
    "channel",
    "direction",
    "person",
    "from",
    "to",
    "cc",
    "bcc",
    "body",
    "subject",
    "attachments",
    "reply_to",
    "shape",
    "charset",
    "client",
    "labels",
    "headers",
    "raw_base64",
    "final_status",
    "status_callback",
    "silent",
    "at",
    "wait",
}
SHAPES = ("plain", "alternative", "html", "calendar", "list", "spam", "bounce")
READY_MADE: dict[str, Callable[[str], File]] = {
    "photo": files.photo,
    "pdf": lambda key: files.document(key, "Document", "document.pdf"),
    "ics": lambda key: files.invitation(key, datetime.now(UTC), "Booking"),
    "png": files.picture,
}


class BadRequest(ValueError):
    """The control request cannot be done; the text says which key is wrong."""


@dataclass
class Wanted:
    """A message to make now."""

    turn: Turn
    previous: Mail | None
    at: float | None
    raw: str | None
    final: str
    callback: str | None
    silent: bool
    wait: bool


def read(state: State, body: dict[str, Any]) -> Wanted:
    """The message that a POST /simulator/messages asks for.

    Raises:
        BadRequest: a key is unknown, missing or not usable.
    """
    if unknown := set(body) - KEYS:
        raise BadRequest(
            f"unknown keys: {', '.join(sorted(unknown))}; known are {', '.join(sorted(KEYS))}"
        )
    channel, direction = body.get("channel"), body.get("direction", "inbound")
    if channel not in (SMS, MAIL):
        raise BadRequest(f"channel must be {SMS} or {MAIL}")
    if direction not in ("inbound", "outbound"):
        raise BadRequest("direction must be inbound or outbound")
    final = body.get("final_status", "delivered")
    if final not in FINAL_STATUSES:
        raise BadRequest(f"final_status must be one of {', '.join(FINAL_STATUSES)}")
    person = _person(state, str(body["person"])) if body.get("person") else None
    text = str(body.get("body", ""))
    turn = (
        _sms(body, direction, person, text)
        if channel == SMS
        else _mail(body, direction, person, text)
    )
    turn.files = [_file(a, n) for n, a in enumerate(body.get("attachments") or [])]
    previous = None
    if body.get("reply_to") and channel == MAIL:
        previous = state.find_mail(str(body["reply_to"]))
        if previous is None:
            raise BadRequest("reply_to names no mail of this mailbox")
    turn.answers = previous is not None
    at = datetime.fromisoformat(body["at"]).timestamp() if body.get("at") else None
    raw = body.get("raw_base64")
    if raw is not None:
        _decoded(raw)
    return Wanted(
        turn,
        previous,
        at,
        raw,
        final,
        body.get("status_callback"),
        bool(body.get("silent")),
        bool(body.get("wait", True)),
    )


def _sms(body: dict[str, Any], direction: str, person: Person | None, text: str) -> Turn:
    theirs = str(
        body.get("from" if direction == "inbound" else "to")
        or (person.phone if person else "")
        or ""
    )
    ours = str(body.get("to" if direction == "inbound" else "from") or SHOP_NUMBERS[0])
    if not theirs:
        raise BadRequest("a person with a phone, or from (inbound) or to (outbound), is needed")
    pair = [("", theirs), ("", ours)] if direction == "inbound" else [("", ours), ("", theirs)]
    return Turn(SMS, direction, pair[0], [pair[1]], text)


def _mail(body: dict[str, Any], direction: str, person: Person | None, text: str) -> Turn:
    shape = body.get("shape", "alternative" if direction == "outbound" else "plain")
    if shape not in SHAPES:
        raise BadRequest(f"shape must be one of {', '.join(SHAPES)}")
    theirs = (person.name, person.email or "") if person else ("", "")
    us = ("Bec at Saltbush", MAILBOX)
    if direction == "inbound":
        sender = _address(body["from"]) if body.get("from") else theirs
        to = _addresses(body.get("to")) or [("Saltbush", MAILBOX)]
    else:
        sender = _address(body["from"]) if body.get("from") else us
        to = _addresses(body.get("to")) or [theirs]
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
        client=body.get("client") or (person.client if person else "gmail"),
        labels=[str(x) for x in labels] if labels is not None else None,
        cc=_addresses(body.get("cc")),
        bcc=_addresses(body.get("bcc")),
        headers=[(str(n), str(v)) for n, v in body.get("headers") or []],
    )


def _person(state: State, wanted: str) -> Person:
    for person in state.people:
        if wanted in (person.name, person.phone) or wanted.lower() == person.email:
            return person
    raise BadRequest("person names nobody; GET /simulator/people lists them")


def _addresses(value: Any) -> list[tuple[str, str]]:
    if not value:
        return []
    return [_address(v) for v in (value if isinstance(value, list) else [value])]


def _address(value: Any) -> tuple[str, str]:
    """`address`, or {"name", "address"}."""
    if isinstance(value, dict):
        return str(value.get("name", "")), str(value.get("address", ""))
    return "", str(value)


def _file(value: Any, number: int) -> File:
    """`photo`, `png`, `pdf`, `ics`, or {"filename", "content_type", "data_base64"}."""
    if isinstance(value, str):
        if value not in READY_MADE:
            raise BadRequest(
                f"attachments: {', '.join(READY_MADE)} are ready made; anything else as an object"
            )
        return READY_MADE[value](f"control{number}")
    try:
        return File.of_bytes(
            value["filename"], value["content_type"], _decoded(value["data_base64"])
        )
    except (KeyError, TypeError):
        raise BadRequest("an attachment needs filename, content_type and data_base64") from None


def _decoded(data: Any) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise BadRequest("base64 data is not valid") from None
