"""Header fields of a mail: RFC 2047 words, who and to whom, and which kind of mail it is (docs/providers/google.md).

Nothing here raises over what a mail contains; what could not be read becomes a note.
"""

from __future__ import annotations

import binascii
import re
from typing import Any

from mail.addresses import split_addresses
from mail.charsets import decode_text
from mail.mime import Entity, decode_transfer, unfolded
from warehouse.sanitise import sanitised_text

#: Header values are short. What is longer is an attack or an accident; the raw mail keeps all of it.
VALUE_LIMIT = 64 * 1024
ADDRESSES_LIMIT = 256 * 1024
#: Blanks inside the coded text are forbidden and common.
ENCODED_WORD = re.compile(r"=\?([^?*\s]{1,75})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]*)\?=")
REFERENCE = re.compile(r"<[^<>\s]{1,998}>")
NOBODY = re.compile(
    r"^(no-?_?\.?reply|do-?_?\.?not-?_?\.?reply|mailer-daemon|postmaster)\b", re.IGNORECASE
)
#: Of these a reader misses what is cut off.
READ_WHOLE = ("Subject", "Message-ID", "In-Reply-To", "References")
AUTO_REPLIES = ("x-autoreply", "x-autorespond", "x-autoreply-from", "x-mail-autoreply")


def raw_values(message: Entity, name: str, limit: int = VALUE_LIMIT) -> list[str]:
    """Every value of a field, unfolded, its 8-bit bytes decoded, its RFC 2047 words not yet."""
    return [unfolded(value[:limit]) for value in message.values(name.lower())]


def decode_words(value: str) -> str:
    """RFC 2047 words decoded; what is no valid word stays as it is."""
    if "=?" not in value:
        return sanitised_text(value)
    pieces: list[str] = []
    # Words of one charset that follow each other are decoded together: senders cut inside a character.
    waiting, charset, end = b"", "", 0
    for match in ENCODED_WORD.finditer(value):
        between = value[end : match.start()]
        content = _word(match[2], match[3])
        if content is None:
            continue
        if waiting and (between.strip() or match[1].lower() != charset):
            pieces.append(decode_text(waiting, charset))
            waiting = b""
        if between.strip() or not end:
            pieces.append(between)
        waiting, charset, end = waiting + content, match[1].lower(), match.end()
    if waiting:
        pieces.append(decode_text(waiting, charset))
    pieces.append(value[end:])
    return sanitised_text(re.sub(r"[\r\n]+[ \t]*", " ", "".join(pieces)))


def _word(coding: str, text: str) -> bytes | None:
    content = text.encode("utf-8", "surrogatepass")
    if coding in "qQ":
        return binascii.a2b_qp(content.replace(b"_", b" "), header=False)
    return decode_transfer(content, "base64")


def text_value(message: Entity, name: str) -> str | None:
    """The first value of a field as readable text; None where the field is absent."""
    values = raw_values(message, name)
    return decode_words(values[0]).strip() if values else None


def addresses(message: Entity, name: str, notes: list[str]) -> list[dict[str, str]]:
    """`[{"name", "address"}]` of all fields of this name; unreadable ones are noted, not invented."""
    found: list[dict[str, str]] = []
    for value in raw_values(message, name, ADDRESSES_LIMIT):
        if len(value) >= ADDRESSES_LIMIT:
            notes.append(f"{name}: only the first {ADDRESSES_LIMIT} characters were read")
        pairs = split_addresses(value)
        if not pairs and "=?" in value:
            # The whole field in one encoded word, against the rules.
            pairs = split_addresses(decode_words(value))
        # A display name is decoded after splitting: an encoded word may hide a comma.
        found += [
            {"name": decode_words(display).strip(" \t\"'"), "address": sanitised_text(address)}
            for display, address in pairs
        ]
        if value and not pairs and not value.rstrip().endswith(":;"):
            notes.append(f"{name}: no address could be read")
    return found


def envelope(message: Entity, notes: list[str]) -> dict[str, Any]:
    """The envelope of `raw_gmail.messages`: who, to whom, about what, and which kind of mail."""
    for name in READ_WHOLE:
        if any(len(value) > VALUE_LIMIT for value in message.values(name.lower())):
            notes.append(f"{name}: only the first {VALUE_LIMIT} bytes were read")
    sender = addresses(message, "From", notes)
    if len(sender) > 1:
        notes.append("From: several addresses, the first is shown as the sender")
    precedence = text_value(message, "Precedence")
    auto_submitted = text_value(message, "Auto-Submitted")
    return_path = text_value(message, "Return-Path")
    list_id = text_value(message, "List-Id")
    kind = (auto_submitted or "no").split(";")[0].strip().lower()
    in_reply_to = _first_reference(text_value(message, "In-Reply-To"))
    references = REFERENCE.findall(text_value(message, "References") or "")[:500]
    is_reply_program = any(raw_values(message, name) for name in AUTO_REPLIES)
    return {
        "from": sender[0] if sender else None,
        # What stands there where no address does: `MAILER-DAEMON`.
        "from_text": None if sender else (text_value(message, "From") or "")[:200] or None,
        "to": addresses(message, "To", notes),
        "cc": addresses(message, "Cc", notes),
        "bcc": addresses(message, "Bcc", notes),
        "reply_to": addresses(message, "Reply-To", notes),
        "sender": next(iter(addresses(message, "Sender", notes)), None),
        # What Google Groups writes where it puts itself into From.
        "original_from": next(
            (
                found
                for name in ("X-Original-From", "X-Original-Sender")
                for found in addresses(message, name, notes)
            ),
            None,
        ),
        "subject": text_value(message, "Subject"),
        "message_id": text_value(message, "Message-ID"),
        "in_reply_to": in_reply_to,
        "references": references,
        "date": text_value(message, "Date"),
        "delivered_to": [decode_words(value) for value in raw_values(message, "Delivered-To")[:50]],
        "list_id": list_id,
        "auto_submitted": auto_submitted,
        "precedence": precedence,
        "return_path": return_path,
        "is_bulk": bool(
            list_id
            or raw_values(message, "List-Unsubscribe")
            or (precedence or "").lower() in ("bulk", "list", "junk")
        ),
        "is_automatic": bool(
            kind not in ("", "no")
            or return_path == "<>"
            or is_reply_program
            or NOBODY.match(sender[0]["address"] if sender else "")
        ),
        # Only what answers something is an answer (RFC 3834 §5).
        "is_auto_reply": kind == "auto-replied"
        or (bool(in_reply_to or references) and (is_reply_program or return_path == "<>")),
        "is_bounce": False,
    }


def _first_reference(value: str | None) -> str | None:
    if not value:
        return None
    found = REFERENCE.search(value)
    return found.group(0) if found else value
