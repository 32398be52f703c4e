"""The parts of a mail: which one is read, which ones are attachments (docs/providers/google.md).

Part ids are those of Gmail's `format=full`: "" for the whole mail, then "0", "0.1". They name a part for
as long as the raw bytes are the same.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from mail.calendar import event_of
from mail.charsets import decode_text
from mail.contact_card import cards_of, is_card
from mail.headers import addresses, decode_words, text_value
from mail.html import html_to_text
from mail.mime import Entity, parameters, read
from warehouse.sanitise import sanitised_text

FILE_NAME_LIMIT = 255
#: Of one text part so many bytes are read; a text row is no place for more, the raw mail has all of it.
TEXT_BYTES_LIMIT = 8_000_000
#: Of an attached mail that is read in place.
INNER_TEXT_LIMIT = 20_000
INNER_MAILS_LIMIT = 20
#: Larger ones are opened from the raw mail only.
INNER_MAIL_BYTES = 5_000_000
#: Text parts that only repeat the alternative beside them in a form nobody reads here.
UNREAD_ALTERNATIVES = {"text/x-amp-html", "text/enriched", "text/richtext", "text/watch-html"}
SPECIAL = {
    "application/pkcs7-mime": "encrypted or enveloped S/MIME: the text is inside the attachment",
    "application/x-pkcs7-mime": "encrypted or enveloped S/MIME: the text is inside the attachment",
    "application/pgp-encrypted": "encrypted with PGP: the text is inside the attachment",
    "application/ms-tnef": "TNEF (winmail.dat): its contents are not unpacked",
}
PGP_TEXT = "-----BEGIN PGP MESSAGE-----"


@dataclass
class Part:
    """One leaf of the tree, or an attached mail as a whole."""

    part_id: str
    message: Entity
    in_alternative: bool = False
    in_related: bool = False

    @property
    def content_type(self) -> str:
        # A multipart that could not be cut is read as the text it is.
        return "text/plain" if self.message.is_uncut else self.message.content_type


@dataclass
class Body:
    """`format` is plain or html by where the text came from; None where no part is readable."""

    text: str = ""
    format: str | None = None
    parts: set[str] = field(default_factory=set)


def leaves(message: Entity) -> list[Part]:
    """Every leaf in reading order, without recursion."""
    found: list[Part] = []
    waiting = [Part("", message)]
    while waiting:
        part = waiting.pop()
        children = part.message.children
        if not children:
            found.append(part)
            continue
        subtype = part.message.content_type.partition("/")[2]
        inner: list[Part] = []
        adopted = ""
        for child in children:
            if child.is_uncut and not child.content().strip():
                # A multipart whose parts stand under the boundary of its parent: what follows is its own.
                adopted = child.content_type.partition("/")[2]
                continue
            inner.append(
                Part(
                    child.part_id,
                    child,
                    in_alternative=part.in_alternative or "alternative" in (subtype, adopted),
                    in_related=part.in_related or "related" in (subtype, adopted),
                )
            )
        waiting.extend(reversed(inner))
    return found


def choose_body(
    message: Entity, parts: list[Part], notes: list[str], *, plainly: bool = False
) -> Body:
    """The text to read: plain text where there is some, else HTML; several inline texts in order.

    Args:
        plainly: spend as little as can be on markup.
    """
    for is_meant in (is_text, _is_named_text, _is_only_text):
        body = _body_of([part for part in parts if is_meant(part, parts)], notes, plainly)
        if body is not None and body.text.strip():
            if is_meant is not is_text:
                # It has a name and was sent as a file: it stays one too.
                body.parts = {part.part_id for part in parts if not part.part_id}
            if PGP_TEXT in body.text[:2000]:
                notes.append(SPECIAL["application/pgp-encrypted"])
            return body
    if any(is_text(part, parts) for part in parts):
        return Body("", "plain", {part.part_id for part in parts if is_text(part, parts)})
    if len(parts) == 1 and parts[0].content_type.startswith("message/"):
        # Nothing but a mail in the mail, and where that one cannot be read either, what stands there.
        content = parts[0].message.decoded()
        _tell_cut(content, INNER_MAIL_BYTES, notes)
        inner = [part for part in leaves(read(content[:INNER_MAIL_BYTES], [])) if is_text(part, [])]
        text = (_body_of(inner, notes, plainly) or Body()).text
        return Body(text if text.strip() else _as_it_is(message, notes), "plain")
    if not parts or parts[0].content_type not in SPECIAL:
        notes.append("no readable text part")
    return Body()


def _body_of(texts: list[Part], notes: list[str], plainly: bool) -> Body | None:
    plain = [part for part in texts if part.content_type != "text/html"]
    markup = [part for part in texts if part.content_type == "text/html"]
    ids = {part.part_id for part in texts}
    plain_text = _joined(plain, notes, plainly)
    alternative_is_markup = any(part.in_alternative for part in markup)
    if plain_text.strip() and (alternative_is_markup or not markup):
        return Body(plain_text, "plain", ids)
    if markup:
        # Where HTML and plain parts follow each other (a list's footer), both are text.
        text = _joined(
            [part for part in texts if part in markup or not part.in_alternative], notes, plainly
        )
        if text.strip() or not plain_text.strip():
            return Body(text, "html", ids)
    return Body(plain_text, "plain", ids) if plain else None


def is_text(part: Part, parts: list[Part]) -> bool:
    """A text that nobody meant as a file."""
    if not part.content_type.startswith("text/") or part.content_type in UNREAD_ALTERNATIVES:
        return False
    if part.content_type == "text/calendar" or file_name(part.message):
        return False
    if part.content_type not in ("text/plain", "text/html") and not part.part_id:
        # The only part: whatever kind of text it is, it is what there is to read.
        return True
    if part.message.disposition == "attachment":
        return False
    return part.content_type in ("text/plain", "text/html")


def _is_named_text(part: Part, parts: list[Part]) -> bool:
    """A text with a name that is shown in place all the same, where it is the only text."""
    return (
        part.content_type in ("text/plain", "text/html")
        and part.message.disposition != "attachment"
    )


def _is_only_text(part: Part, parts: list[Part]) -> bool:
    """The whole mail is one text, whatever it says it is."""
    return len(parts) == 1 and part.content_type.startswith("text/")


def _as_it_is(message: Entity, notes: list[str]) -> str:
    content = message.content()
    _tell_cut(content, TEXT_BYTES_LIMIT, notes)
    return sanitised_text(decode_text(content[:TEXT_BYTES_LIMIT], None))


def _joined(parts: list[Part], notes: list[str], plainly: bool) -> str:
    return "\n\n".join(
        text for text in (readable(part, notes, plainly=plainly) for part in parts) if text.strip()
    )


def _tell_cut(content: bytes, limit: int, notes: list[str]) -> None:
    if len(content) > limit:
        notes.append(
            f"a text of {len(content)} bytes: only the first {limit} were read, all of it is in the raw mail"
        )


def readable(part: Part, notes: list[str], *, plainly: bool = False) -> str:
    """The text of one text part, with plain line ends, storable."""
    message = part.message
    content = message.decoded()
    _tell_cut(content, TEXT_BYTES_LIMIT, notes)
    content = content[:TEXT_BYTES_LIMIT]
    charset = None if message.is_uncut else message.parameters.get("charset")
    text = decode_text(content, charset)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if part.content_type == "text/html":
        text = html_to_text(text, notes, plainly=plainly)
    elif message.parameters.get("format", "").lower() == "flowed":
        text = unflow(text, joined=message.parameters.get("delsp", "").lower() == "yes")
    return sanitised_text(text)


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


def file_name(message: Entity) -> str | None:
    """The file name, RFC 2231, RFC 2047 and raw forms decoded, without any folder before it."""
    name = parameters(message.first("content-disposition")).get("filename")
    name = name or message.parameters.get("name")
    if not name:
        return None
    name = decode_words(name[:4096]).strip().strip("\"'")
    name = re.split(r"[/\\]", name.replace("\n", " "))[-1].strip()
    return name[-FILE_NAME_LIMIT:] or None


def attachments(parts: list[Part], body: Body, notes: list[str]) -> list[dict[str, Any]]:
    """Everything that is not the body, in order, with the hash of its decoded bytes."""
    found: list[dict[str, Any]] = []
    inner_mails = 0
    for part in parts:
        if part.part_id in body.parts or (
            part.in_alternative and part.content_type in UNREAD_ALTERNATIVES
        ):
            continue
        content = part.message.decoded()
        name = file_name(part.message)
        special = SPECIAL.get(part.content_type) or (
            SPECIAL["application/ms-tnef"] if (name or "").lower() == "winmail.dat" else None
        )
        if special and special not in notes:
            notes.append(special)
        content_id = part.message.first("content-id").strip().strip("<>") or None
        entry: dict[str, Any] = {
            "part_id": part.part_id,
            "filename": name,
            "content_type": sanitised_text(part.message.content_type)[:200],
            "size_bytes": len(content),
            "content_id": sanitised_text(content_id)[:500] if content_id else None,
            "is_inline": part.message.disposition == "inline"
            or (part.in_related and bool(content_id) and part.message.disposition != "attachment"),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        if part.content_type == "message/rfc822" and inner_mails < INNER_MAILS_LIMIT:
            inner_mails += 1
            _open_mail(entry, content)
        elif part.content_type == "text/calendar" or (name or "").lower().endswith(".ics"):
            entry["event"] = event_of(
                decode_text(content[:200_000], part.message.parameters.get("charset"))
            )
        elif is_card(part.content_type, name):
            charset = part.message.parameters.get("charset")
            entry["cards"] = cards_of(decode_text(content[:TEXT_BYTES_LIMIT], charset))
        found.append(entry)
    return _without_repeated_events(found)


def _open_mail(entry: dict[str, Any], content: bytes) -> None:
    """An attached mail is called by its subject, and says what it says."""
    if len(content) > INNER_MAIL_BYTES:
        return
    message = read(content, [])
    parts = leaves(message)
    text = choose_body(message, parts, []).text
    subject = text_value(message, "Subject")
    sender = next(iter(addresses(message, "From", [])), None)
    entry["mail"] = {
        "from": " ".join(filter(None, (sender["name"], f"<{sender['address']}>")))
        if sender
        else None,
        "subject": subject,
        "date": text_value(message, "Date"),
        "text": text[:INNER_TEXT_LIMIT],
        "is_cut": len(text) > INNER_TEXT_LIMIT,
        "files": [name for part in parts if (name := file_name(part.message))][:50],
    }
    if not entry["filename"] and subject:
        title = re.sub(r"[/\\\x00-\x1f]+", " ", subject)[: FILE_NAME_LIMIT - 4].strip()
        entry["filename"] = f"{title}.eml"


def _without_repeated_events(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """An invitation comes as an alternative of the text and once more as a file: the file is enough."""
    named = {
        (entry["event"] or {}).get("uid")
        for entry in found
        if entry.get("event") and entry["filename"]
    } - {None}
    return [
        entry
        for entry in found
        if entry["filename"] or not entry.get("event") or entry["event"].get("uid") not in named
    ]
