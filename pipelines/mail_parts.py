"""The parts of a mail: which one is read, which ones are attachments (providers.md §5.5 and 11.6).

Part ids are those of Gmail's `format=full`: "" for the whole mail, then "0", "0.1". They name a part for
as long as the raw bytes are the same.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from pipelines.mail_headers import decode_text, decode_words
from pipelines.mail_html import html_to_text
from pipelines.storable import storable_text

PARTS_LIMIT = 1000
DEPTH_LIMIT = 50
FILE_NAME_LIMIT = 255
#: Text parts that only repeat the alternative beside them in a form nobody reads here.
UNREAD_ALTERNATIVES = {"text/x-amp-html", "text/enriched", "text/richtext", "text/watch-html"}
SPECIAL = {
    "application/pkcs7-mime": "encrypted or enveloped S/MIME: the text is inside the attachment",
    "application/x-pkcs7-mime": "encrypted or enveloped S/MIME: the text is inside the attachment",
    "application/pgp-encrypted": "encrypted with PGP: the text is inside the attachment",
    "application/ms-tnef": "TNEF (winmail.dat): its contents are not unpacked",
}


@dataclass
class Part:
    """One leaf of the tree, or an attached mail as a whole."""

    part_id: str
    message: Message
    in_alternative: bool = False
    in_related: bool = False

    @property
    def content_type(self) -> str:
        return self.message.get_content_type()


@dataclass
class Body:
    """`format` is plain or html by where the text came from; None where no part is readable."""

    text: str = ""
    format: str | None = None
    parts: set[str] = field(default_factory=set)


def leaves(message: Message, notes: list[str]) -> list[Part]:
    """Every leaf in reading order, without recursion and up to a limit."""
    found: list[Part] = []
    waiting: list[tuple[Part, int]] = [(Part("", message), 0)]
    while waiting:
        part, depth = waiting.pop()
        if len(found) >= PARTS_LIMIT:
            notes.append(f"more than {PARTS_LIMIT} parts: the others are in the raw mail only")
            break
        children = part.message.get_payload()
        if not part.message.is_multipart() or part.content_type.startswith("message/"):
            found.append(part)
            continue
        if depth >= DEPTH_LIMIT:
            notes.append(f"parts nested deeper than {DEPTH_LIMIT}: they are in the raw mail only")
            continue
        prefix = f"{part.part_id}." if part.part_id else ""
        subtype = part.message.get_content_subtype()
        waiting.extend(
            (
                Part(
                    f"{prefix}{index}",
                    child,
                    in_alternative=part.in_alternative or subtype == "alternative",
                    in_related=part.in_related or subtype == "related",
                ),
                depth + 1,
            )
            for index, child in reversed(list(enumerate(children)))
            if isinstance(child, Message)
        )
    return found


def choose_body(message: Message, parts: list[Part], notes: list[str]) -> Body:
    """The text to read: plain text where there is some, else HTML; several inline texts in order."""
    texts = [part for part in parts if _may_be_body(part)]
    plain = [part for part in texts if part.content_type != "text/html"]
    markup = [part for part in texts if part.content_type == "text/html"]
    plain_text = _joined(plain)
    alternative_is_markup = any(part.in_alternative for part in markup)
    if plain_text.strip() and (alternative_is_markup or not markup):
        return Body(plain_text, "plain", {part.part_id for part in texts})
    if markup:
        # Where HTML and plain parts follow each other (a list's footer), both are text.
        text = _joined([part for part in texts if part in markup or not part.in_alternative])
        if text.strip() or not plain_text.strip():
            return Body(text, "html", {part.part_id for part in texts})
    if plain:
        return Body(plain_text, "plain", {part.part_id for part in texts})
    if not parts or message.get_content_type() not in SPECIAL:
        notes.append("no readable text part")
    return Body()


def _may_be_body(part: Part) -> bool:
    if not part.content_type.startswith("text/") or part.content_type in UNREAD_ALTERNATIVES:
        return False
    if part.content_type == "text/calendar" or file_name(part.message):
        return False
    if part.content_type not in ("text/plain", "text/html") and not part.part_id:
        # The only part: whatever kind of text it is, it is what there is to read.
        return True
    if disposition(part.message) == "attachment":
        return False
    return part.content_type in ("text/plain", "text/html")


def _joined(parts: list[Part]) -> str:
    return "\n\n".join(text for text in map(readable, parts) if text.strip())


def readable(part: Part) -> str:
    """The text of one text part, with plain line ends, storable."""
    content = decoded(part.message)
    declared = part.message.get_param("charset")
    text = decode_text(content, declared if isinstance(declared, str) else None)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if part.content_type == "text/html":
        text = html_to_text(text)
    elif str(part.message.get_param("format") or "").lower() == "flowed":
        text = unflow(text, joined=str(part.message.get_param("delsp") or "").lower() == "yes")
    return storable_text(text)


def unflow(text: str, *, joined: bool) -> str:
    """RFC 3676: lines that end in a space go on in the next one of the same quote depth."""
    lines: list[list[str]] = []
    open_depth = -1
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        words = line[depth:].removeprefix(" ")
        flows = words.endswith(" ") and words != "-- "
        if open_depth != depth or words == "-- ":
            lines.append([f"{'>' * depth} "] if depth else [])
        lines[-1].append(words[:-1] if flows and joined else words)
        open_depth = depth if flows else -1
    return "\n".join("".join(pieces) for pieces in lines)


def decoded(message: Message) -> bytes:
    """The bytes of a part after its transfer encoding; what cannot be decoded stays as it is."""
    if message.is_multipart():
        inner = message.get_payload(0) if message.get_payload() else None
        try:
            return inner.as_bytes() if isinstance(inner, Message) else b""
        except (
            RecursionError,
            UnicodeError,
            ValueError,
            KeyError,
            LookupError,
            AttributeError,
            TypeError,
        ):
            return str(message.get_payload())[:1000].encode("utf-8", "replace")
    payload = message.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def disposition(message: Message) -> str:
    value = str(message.get("Content-Disposition") or "")
    return value.split(";")[0].strip().lower()


def file_name(message: Message) -> str | None:
    """The file name, RFC 2231 and RFC 2047 forms decoded, without any folder before it."""
    try:
        name = message.get_filename()
    except (LookupError, ValueError, UnicodeError, AttributeError, TypeError):
        return None
    if not name:
        return None
    name = decode_words(decode_text(str(name)[:4096].encode("utf-8", "surrogateescape"), None))
    name = re.split(r"[/\\]", name.replace("\n", " "))[-1].strip()
    return name[-FILE_NAME_LIMIT:] or None


def attachments(parts: list[Part], body: Body, notes: list[str]) -> list[dict[str, Any]]:
    """Everything that is not the body, in order, with the hash of its decoded bytes."""
    found = []
    for part in parts:
        if part.part_id in body.parts or (
            part.in_alternative and part.content_type in UNREAD_ALTERNATIVES
        ):
            continue
        if part.content_type in SPECIAL:
            notes.append(SPECIAL[part.content_type])
        content = decoded(part.message)
        content_id = str(part.message.get("Content-ID") or "").strip().strip("<>") or None
        found.append(
            {
                "part_id": part.part_id,
                "filename": file_name(part.message),
                "content_type": storable_text(part.content_type)[:200],
                "size_bytes": len(content),
                "content_id": storable_text(content_id)[:500] if content_id else None,
                "is_inline": disposition(part.message) == "inline"
                or (
                    part.in_related
                    and bool(content_id)
                    and disposition(part.message) != "attachment"
                ),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        )
    return found
