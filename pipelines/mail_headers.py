"""Header fields of a mail: charsets, RFC 2047 words, addresses (providers.md §5.5 and 11.6).

Nothing here raises over what a mail contains; what could not be read becomes a note.
"""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses
from typing import Any

from pipelines.storable import storable_text

#: Header values are short. What is longer is an attack or an accident; the raw mail keeps all of it.
VALUE_LIMIT = 64 * 1024
ADDRESSES_LIMIT = 256 * 1024
#: Charsets whose bytes are valid UTF-8 by accident, so that the declaration must be believed first.
SEVEN_BIT_OR_WIDE = re.compile(r"^(iso-?2022|utf-?7|utf-?16|utf-?32|hz)", re.IGNORECASE)
#: Codecs that are no charset of mail, or take quadratic time.
NOT_CHARSETS = {
    "punycode",
    "idna",
    "unicode-escape",
    "raw-unicode-escape",
    "undefined",
    "mbcs",
    "oem",
}
CHARSET_ALIASES = {
    "ansi": "windows-1252",
    "cp-850": "cp850",
    "iso-8859-8-i": "iso-8859-8",
    "ks_c_5601-1987": "cp949",
    "x-gbk": "gbk",
    "x-mac-roman": "mac-roman",
    "x-sjis": "cp932",
    "x-windows-949": "cp949",
    "windows-31j": "cp932",
    # What senders call Latin-1 and GB 2312 are, in practice, the larger sets.
    "iso-8859-1": "windows-1252",
    "us-ascii": "windows-1252",
    "gb2312": "gb18030",
}
REFERENCE = re.compile(r"<[^<>\s]{1,998}>")
NOBODY = re.compile(r"^(no-?_?reply|do-?_?not-?_?reply|mailer-daemon|postmaster)\b", re.IGNORECASE)


def decode_text(content: bytes, declared: str | None) -> str:
    """Bytes as text: strict UTF-8, then the declared charset, then windows-1252. Never fails."""
    charset = _codec(declared)
    if charset and SEVEN_BIT_OR_WIDE.match(charset):
        try:
            return content.decode(charset)
        except (UnicodeError, ValueError):
            pass
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    for candidate in (charset, "windows-1252"):
        try:
            return content.decode(candidate) if candidate else _impossible()
        except (UnicodeError, ValueError):
            continue
    # windows-1252 leaves five bytes without a meaning; latin-1 gives every byte one.
    return content.decode("latin-1")


def _impossible() -> str:
    raise ValueError("no charset declared")


def _codec(declared: str | None) -> str | None:
    name = (declared or "").strip().strip("\"'").lower()
    name = CHARSET_ALIASES.get(name, name)
    if not name or len(name) > 40 or name.replace("_", "-") in NOT_CHARSETS:
        return None
    try:
        # Python also has codecs that are no charset, such as zlib: those raise LookupError here.
        b" ".decode(name)
    except UnicodeError:
        return name
    except (LookupError, ValueError):
        return None
    return name


def raw_values(message: Message, name: str, limit: int = VALUE_LIMIT) -> list[str]:
    """Every value of a field, unfolded, its 8-bit bytes decoded, its RFC 2047 words not yet."""
    wanted = name.lower()
    found = []
    for field, value in message.raw_items():
        if field.lower() == wanted:
            content = str(value)[:limit].encode("utf-8", "surrogateescape")
            found.append(re.sub(r"\r?\n[ \t]?", " ", decode_text(content, None)).strip())
    return found


def decode_words(value: str) -> str:
    """RFC 2047 words decoded; what is no valid word stays as it is."""
    if "=?" not in value:
        return storable_text(value)
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError, LookupError):
        return storable_text(value)
    text = "".join(
        piece if isinstance(piece, str) else decode_text(piece, charset)
        for piece, charset in pieces
    )
    return storable_text(re.sub(r"[\r\n]+[ \t]*", " ", text))


def text_value(message: Message, name: str) -> str | None:
    """The first value of a field as readable text; None where the field is absent."""
    values = raw_values(message, name)
    return decode_words(values[0]).strip() if values else None


def addresses(message: Message, name: str, notes: list[str]) -> list[dict[str, str]]:
    """`[{"name", "address"}]` of all fields of this name; unreadable ones are noted, not invented."""
    found: list[dict[str, str]] = []
    for value in raw_values(message, name, ADDRESSES_LIMIT):
        if len(value) >= ADDRESSES_LIMIT:
            notes.append(f"{name}: only the first {ADDRESSES_LIMIT} characters were read")
        try:
            pairs = getaddresses([value])
        except (RecursionError, ValueError, IndexError):
            pairs = []
        read = 0
        for display, address in pairs:
            # A display name is decoded after splitting: an encoded word may hide a comma.
            address = storable_text(address.strip().strip("<>"))
            if "@" not in address.strip("@") or re.search(r"\s", address):
                continue
            read += 1
            found.append({"name": decode_words(display).strip(), "address": address})
        if value and not read and not value.rstrip().endswith(":;"):
            notes.append(f"{name}: no address could be read")
    return found


def envelope(message: Message, notes: list[str]) -> dict[str, Any]:
    """The envelope of `raw_gmail.messages`: who, to whom, about what, and which kind of mail."""
    sender = addresses(message, "From", notes)
    precedence = text_value(message, "Precedence")
    auto_submitted = text_value(message, "Auto-Submitted")
    return_path = text_value(message, "Return-Path")
    list_id = text_value(message, "List-Id")
    kind = (auto_submitted or "no").split(";")[0].strip().lower()
    from_address = sender[0]["address"] if sender else ""
    is_report = message.get_content_type() == "multipart/report"
    report_type = str(message.get_param("report-type") or "").lower() if is_report else ""
    from_daemon = bool(re.match(r"mailer-daemon@", from_address, re.IGNORECASE))
    return {
        "from": sender[0] if sender else None,
        "to": addresses(message, "To", notes),
        "cc": addresses(message, "Cc", notes),
        "bcc": addresses(message, "Bcc", notes),
        "reply_to": addresses(message, "Reply-To", notes),
        "sender": next(iter(addresses(message, "Sender", notes)), None),
        "subject": text_value(message, "Subject"),
        "message_id": text_value(message, "Message-ID"),
        "in_reply_to": _first_reference(text_value(message, "In-Reply-To")),
        "references": REFERENCE.findall(text_value(message, "References") or "")[:500],
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
            or raw_values(message, "X-Autoreply")
            or raw_values(message, "X-Autorespond")
            or NOBODY.match(from_address)
        ),
        "is_bounce": report_type == "delivery-status" or (from_daemon and return_path == "<>"),
    }


def _first_reference(value: str | None) -> str | None:
    if not value:
        return None
    found = REFERENCE.search(value)
    return found.group(0) if found else value
