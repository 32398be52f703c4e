"""What control requests for a message have in common: people, addresses, files."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from simulator.store import files
from simulator.store.records import File
from simulator.store.state import State
from simulator.world.people import Person

READY_MADE: dict[str, Callable[[str], File]] = {
    "photo": files.photo,
    "pdf": lambda key: files.document(key, "Document", "document.pdf"),
    "ics": lambda key: files.invitation(key, datetime.now(UTC), "Booking"),
    "png": files.picture,
    "sticker": files.sticker,
    "voice": lambda key: files.voice_note(key, 7),
    "film": files.film,
    "redirect": lambda key: files.redirecting("http://169.254.169.254/latest/meta-data/"),
    "bomb": lambda key: files.bomb(),
}


class BadRequest(ValueError):
    """The control request cannot be done; the text says which key is wrong."""


def person(state: State, wanted: str) -> Person:
    """The person of that name, phone number, mail address, id or username on a chat."""
    for each in state.people:
        if wanted in (each.name, each.phone) or wanted.lower() == each.email:
            return each
        for contact in each.contacts.values():
            if wanted in (contact.address, contact.bsuid, contact.username):
                return each
    raise BadRequest("person names nobody; GET /simulator/people lists them")


def addresses(value: Any) -> list[tuple[str, str]]:
    if not value:
        return []
    return [address(v) for v in (value if isinstance(value, list) else [value])]


def address(value: Any) -> tuple[str, str]:
    """`address`, or {"name", "address"}."""
    if isinstance(value, dict):
        return str(value.get("name", "")), str(value.get("address", ""))
    return "", str(value)


def file(value: Any, key: str) -> File:
    """One of the ready-made ones by name, {"redirect": address}, {"bomb": bytes}, or {"filename",
    "content_type", "data_base64"}."""
    if isinstance(value, str):
        if value not in READY_MADE:
            raise BadRequest(
                f"attachments: {', '.join(READY_MADE)} are ready made; anything else as an object"
            )
        return READY_MADE[value](key)
    if isinstance(value, dict) and "redirect" in value:
        return files.redirecting(str(value["redirect"]))
    if isinstance(value, dict) and "bomb" in value:
        return files.bomb(int(value["bomb"]))
    try:
        return File.of_bytes(
            value["filename"], value["content_type"], decoded(value["data_base64"])
        )
    except (KeyError, TypeError):
        raise BadRequest("an attachment needs filename, content_type and data_base64") from None


def decoded(data: Any) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise BadRequest("base64 data is not valid") from None
