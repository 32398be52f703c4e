"""RFC 822 bytes as the parsed columns of `raw_gmail.messages`.

    raw bytes -> mail_headers (who, what) -> mail_parts (body, attachments) -> mail_quotes (folding)

Parsing happens once, at load, beside the untouched raw mail, and is stamped with PARSER_VERSION: a
better parser raises it and can be run again over what the media store holds. `parse` never raises; what
it could not do it says in `parse_notes`. Time and size are bounded for mails made to exhaust a reader.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from email import message_from_bytes
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Any

from pipelines.mail_headers import decode_text, envelope
from pipelines.mail_parts import Body, Part, attachments, choose_body, decoded, leaves
from pipelines.mail_quotes import fold
from pipelines.storable import storable, storable_text

#: Raise it with every change that can alter a parsed column.
PARSER_VERSION = 1
#: The standard library looks for every open boundary at every line.
BOUNDARY_WORK_LIMIT = 20_000_000
MULTIPARTS_LIMIT = 100
HEADER_LIMIT = 1_000_000
#: The standard library takes quadratic time over the parameters of these fields.
FIELD_LIMIT = 16_000
#: Longer texts are machine output; a table row is no place for them, the raw mail has them whole.
BODY_LIMIT = 2_000_000
MULTIPART = re.compile(rb"^content-type:\s*multipart/", re.IGNORECASE | re.MULTILINE)
PART_FIELD = re.compile(
    rb"^content-(?:type|disposition):[^\n]*(?:\n[ \t][^\n]*)*", re.IGNORECASE | re.MULTILINE
)
END_OF_HEADER = re.compile(rb"\r?\n\r?\n")


@dataclass
class ParsedMail:
    """The parsed columns; shapes as in pipelines/__init__.py."""

    envelope: dict[str, Any]
    body_text: str | None = None
    body_quoted: str | None = None
    body_format: str | None = None
    attachments: list[dict[str, Any]] = field(default_factory=list)
    parser_version: int = PARSER_VERSION
    parse_notes: list[str] = field(default_factory=list)

    def columns(self) -> dict[str, Any]:
        """The columns by name, storable as they are."""
        return {name: storable(value) for name, value in asdict(self).items()}


def parse(raw: bytes) -> ParsedMail:
    """Parse a mail. Never raises: whatever goes wrong becomes a note, and the raw mail stays the truth."""
    notes: list[str] = []
    message = _read(raw, notes)
    try:
        mail = ParsedMail(envelope(message, notes), parse_notes=notes)
    except Exception as error:
        notes.append(f"the header could not be read ({type(error).__name__})")
        mail = ParsedMail(envelope(Message(), []), parse_notes=notes)
    try:
        parts = leaves(message, notes)
        body = choose_body(message, parts, notes)
        _take_body(mail, body)
        mail.attachments = attachments(parts, body, notes)
    except Exception as error:
        notes.append(f"the parts could not be read ({type(error).__name__})")
        if mail.body_text is None:
            _take_body(mail, Body(_rest(raw), "plain"))
    return mail


def part_bytes(raw: bytes, part_id: str) -> bytes | None:
    """The decoded bytes of one part of a stored mail, by the id under which `attachments` lists it."""
    found: list[Part] = [part for part in leaves(_read(raw, []), []) if part.part_id == part_id]
    return decoded(found[0].message) if found else None


def _read(raw: bytes, notes: list[str]) -> Message:
    """The tree of parts, or only the header where the tree was made to exhaust us."""
    multiparts = sum(1 for _ in MULTIPART.finditer(raw))
    header_end = END_OF_HEADER.search(raw)
    header_size = header_end.start() if header_end else len(raw)
    if header_size > HEADER_LIMIT:
        notes.append(f"a header of {header_size} bytes: only the first {HEADER_LIMIT} were read")
        cut = raw[:HEADER_LIMIT].rpartition(b"\n")[0]
        raw = cut + b"\r\n\r\n" + (raw[header_end.end() :] if header_end else b"")
    if multiparts > MULTIPARTS_LIMIT or multiparts * raw.count(b"\n") > BOUNDARY_WORK_LIMIT:
        notes.append(f"{multiparts} multiparts: read as one text")
        return _flat(raw)
    if any(match.end() - match.start() > FIELD_LIMIT for match in PART_FIELD.finditer(raw)):
        notes.append(f"a part's header field of more than {FIELD_LIMIT} bytes: read as one text")
        return _flat(raw)
    try:
        return message_from_bytes(raw)
    except Exception as error:
        notes.append(f"the parts could not be parted ({type(error).__name__})")
        return _flat(raw)


def _flat(raw: bytes) -> Message:
    """The mail as its header and one plain text."""
    try:
        header = BytesHeaderParser().parsebytes(raw[:HEADER_LIMIT])
    except Exception:
        header = Message()
    for name in ("Content-Type", "Content-Transfer-Encoding", "Content-Disposition"):
        del header[name]
    header.set_payload(_rest(raw))
    return header


def _rest(raw: bytes) -> str:
    end = END_OF_HEADER.search(raw)
    return storable_text(decode_text(raw[end.end() :] if end else raw, None))


def _take_body(mail: ParsedMail, body: Body) -> None:
    text = body.text
    if len(text) > BODY_LIMIT:
        mail.parse_notes.append(
            f"the text is cut after {BODY_LIMIT} characters: all of it is in the raw mail"
        )
        text = text[:BODY_LIMIT]
    mail.body_format = body.format
    if body.format is None:
        return
    mail.body_text, mail.body_quoted = fold(text)
