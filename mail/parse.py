"""RFC 822 bytes as the parsed columns of `raw_gmail.messages`.

    raw bytes -> mail_mime (the tree) -> mail_headers (who, what) -> mail_parts (body, attachments)
                                      -> mail_reports (what did not arrive) -> mail_quotes (folding)

Parsing happens once, at load, beside the untouched raw mail, and is stamped with PARSER_VERSION: a
better parser raises it and is run again over what the media store holds (pipelines/gmail_again.py). `parse` never
raises; what it could not do it says in `parse_notes`. Its work is bounded for mails made to exhaust a reader, and who
reads mails of others calls it through mail/reader.py, where time and memory are limited whatever happens.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from mail.charsets import decode_text
from mail.headers import envelope
from mail.mime import Entity, read
from mail.parts import Body, attachments, choose_body, leaves
from mail.quotes import fold
from mail.reports import report
from warehouse.sanitise import sanitised, sanitised_text

#: Raise it with every change that can alter a parsed column.
PARSER_VERSION = 4
#: Longer texts are machine output; a table row is no place for them, the raw mail has them whole.
BODY_LIMIT = 2_000_000
NOTES_LIMIT = 50


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
        return {name: sanitised(value) for name, value in asdict(self).items()}


def parse(raw: bytes, *, plainly: bool = False) -> ParsedMail:
    """Parse a mail. Never raises: whatever goes wrong becomes a note, and the raw mail stays the truth.

    Args:
        plainly: spend as little as can be: no repair of markup, no folding of quotations.
    """
    notes: list[str] = []
    try:
        message = read(raw, notes)
    except Exception as error:
        notes.append(f"the parts could not be parted ({type(error).__name__})")
        message = Entity(raw, [], 0, 0, len(raw))
    mail = ParsedMail({}, parse_notes=notes)
    try:
        mail.envelope = envelope(message, notes)
    except Exception as error:
        notes.append(f"the header could not be read ({type(error).__name__})")
        mail.envelope = envelope(Entity(b"", [], 0, 0, 0), [])
    try:
        parts = leaves(message)
        body = choose_body(message, parts, notes, plainly=plainly)
        _take_body(mail, body, plainly=plainly)
        mail.attachments = attachments(parts, body, notes)
        told = report(message, parts, mail.envelope, body.text)
        mail.envelope |= {"is_bounce": told is not None and told["is_failure"], "report": told}
    except Exception as error:
        notes.append(f"the parts could not be read ({type(error).__name__})")
        if mail.body_text is None:
            text = sanitised_text(decode_text(message.content()[:BODY_LIMIT], None))
            _take_body(mail, Body(text, "plain"), plainly=True)
    del notes[NOTES_LIMIT:]
    return mail


def part_bytes(raw: bytes, part_id: str) -> bytes | None:
    """The decoded bytes of one part of a stored mail, by the id under which `attachments` lists it."""
    return next(
        (part.message.decoded() for part in leaves(read(raw, [])) if part.part_id == part_id), None
    )


def _take_body(mail: ParsedMail, body: Body, *, plainly: bool) -> None:
    text = body.text
    if len(text) > BODY_LIMIT:
        mail.parse_notes.append(
            f"the text is cut after {BODY_LIMIT} characters: all of it is in the raw mail"
        )
        text = text[:BODY_LIMIT]
    mail.body_format = body.format
    if body.format is None:
        return
    mail.body_text, mail.body_quoted = (text.strip("\n"), None) if plainly else fold(text)
