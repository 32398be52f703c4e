"""A body as JSON for the database: decoded by content type, not interpreted, and never failing.

PostgreSQL's jsonb refuses NUL characters and lone surrogates, both of which providers send. The exact
bytes are kept beside the payload, so here they are replaced by U+FFFD, and that is noted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson

from warehouse.sanitise import sanitised, sanitised_text

#: jsonb is parsed recursively; no provider nests deeper than some dozens.
DEEPEST = 500
#: Twilio sends some dozens of parameters; sorting a million of a forger's is not our work.
MOST_FORM_FIELDS = 10_000
#: The escape of NUL; without it, what orjson reads can go to the database as it is: orjson takes no lone surrogate.
SUSPECT = rb"\u0000"


class TooManyFields(ValueError):
    """A form has more fields than any provider sends."""


@dataclass(frozen=True, slots=True)
class Payload:
    """`text` is JSON that jsonb accepts, or None with `error` saying why there is none."""

    text: str | None
    error: str | None = None
    repaired: bool = False


def read_payload(*, content_type: str, body: bytes, query: str = "") -> Payload:
    """The payload of a delivery. A form becomes an object: a text for each name, an array where it repeats.

    Args:
        content_type: without parameters, lower case.
        query: read as a form where there is no body, as Twilio sends GETs.
    """
    if content_type == "application/x-www-form-urlencoded":
        return _from_form(body)
    if not body and query:
        return _from_form(query.encode())
    return _from_json(body)


# The signature and the payload read the same body, one right after the other.
@lru_cache(maxsize=1)
def form_fields(body: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """The fields of a form as bytes, decoded but not interpreted: empty and repeated ones are kept.

    Raises:
        TooManyFields: more than any provider sends.
    """
    if body.count(b"&") >= MOST_FORM_FIELDS:
        raise TooManyFields(f"more than {MOST_FORM_FIELDS} form fields")
    fields = []
    for piece in body.replace(b"+", b" ").split(b"&"):
        if not piece:
            continue
        name, _, value = piece.partition(b"=")
        if b"%" in piece:
            name, value = unquote_to_bytes(name), unquote_to_bytes(value)
        fields.append((name, value))
    return tuple(fields)


def _from_form(body: bytes) -> Payload:
    try:
        pairs = form_fields(body)
    except TooManyFields as fault:
        return Payload(None, str(fault))
    fields: dict[str, Any] = {}
    repaired = False
    for raw_name, raw_value in pairs:
        name, name_repaired = _storable_text(raw_name)
        value, value_repaired = _storable_text(raw_value)
        repaired = repaired or name_repaired or value_repaired
        held = fields.get(name)
        if held is None:
            fields[name] = value
        elif isinstance(held, list):
            held.append(value)
        else:
            fields[name] = [held, value]
    if not fields:
        return Payload(None, "the form is empty")
    return Payload(orjson.dumps(fields).decode(), repaired=repaired)


def _storable_text(raw: bytes) -> tuple[str, bool]:
    """The text, and whether something in it was replaced. Valid UTF-8 holds no surrogates."""
    try:
        text = raw.decode()
        is_repaired = "\x00" in text
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "replace")
        is_repaired = True
    return sanitised_text(text) if is_repaired else text, is_repaired


def _from_json(body: bytes) -> Payload:
    if not body:
        return Payload(None, "the body is empty")
    try:
        value = orjson.loads(body)
        if SUSPECT not in body:
            if _depth(value) > DEEPEST:
                return Payload(None, f"the JSON is nested deeper than {DEEPEST} levels")
            return Payload(body.decode())
    except (orjson.JSONDecodeError, UnicodeDecodeError):
        pass
    return _repaired_json(body)


def _repaired_json(body: bytes) -> Payload:
    text = body.decode("utf-8", "replace")
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        if _depth(value) > DEEPEST:
            return Payload(None, f"the JSON is nested deeper than {DEEPEST} levels")
        # One level more: what stands in the deepest array is kept.
        cleaned = sanitised(value, deepest=DEEPEST + 1)
        is_repaired = cleaned != value or text.encode() != body
    except RecursionError:
        return Payload(None, f"the JSON is nested deeper than {DEEPEST} levels")
    except ValueError as fault:
        # The decoder's message names a place and what it expected, never the text itself.
        reason = getattr(fault, "msg", None) or str(fault)
        return Payload(None, f"the body is no JSON: {reason}")
    return Payload(json.dumps(cleaned, ensure_ascii=False), repaired=is_repaired)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _depth(value: Any) -> int:
    """Levels of objects and arrays; counting stops just past DEEPEST."""
    depth = 0
    level = [value] if isinstance(value, dict | list) else []
    while level and depth <= DEEPEST:
        depth += 1
        level = [
            item
            for holder in level
            for item in (holder.values() if isinstance(holder, dict) else holder)
            if isinstance(item, dict | list)
        ]
    return depth
