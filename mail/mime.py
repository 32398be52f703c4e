"""A mail as a tree of parts that point into its bytes: cut in one pass, with bounded work (RFC 2045 to 2047, 2231).

Not the standard library's parser: that one gives other trees on other Pythons, takes quadratic time over many
boundaries, and copies a part before anybody asks for it. Here a part is two numbers and its header; its bytes are cut
out and decoded when they are wanted. What cannot be read is noted and left in the text, never dropped.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from mail.charsets import decode_text

PARTS_LIMIT = 1000
DEPTH_LIMIT = 50
HEADER_LIMIT = 1_000_000
#: Of a part within the mail.
PART_HEADER_LIMIT = 8_000
NOTES_LIMIT = 20
FIELDS_LIMIT = 5000
PART_FIELDS_LIMIT = 200
#: Lines that begin with two dashes and might part something.
DELIMITERS_LIMIT = 300_000
BOUNDARY_LIMIT = 998
#: Of a field with parameters.
FIELD_LIMIT = 16_000
PARAMETERS_LIMIT = 200
#: A name, perhaps with blanks before the colon (RFC 5322 §4.5).
FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]{0,1000}:")
TOKEN = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}")
BASE64_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
NOT_BASE64 = bytes(byte for byte in range(256) if byte not in BASE64_ALPHABET)
SECTION = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?")


@dataclass
class Entity:
    """One part: its header fields, and where its body lies in `raw`."""

    raw: bytes
    fields: list[tuple[str, bytes]]
    start: int
    body: int
    end: int
    #: "" for the mail, then "0", "0.1", as Gmail's format=full counts.
    part_id: str = ""
    depth: int = 0
    children: list[Entity] = field(default_factory=list)
    content_type: str = "text/plain"
    parameters: dict[str, str] = field(default_factory=dict)
    #: A multipart of which no part could be cut out: its text is read as it is.
    is_uncut: bool = False

    @property
    def is_multipart(self) -> bool:
        return bool(self.children)

    def values(self, name: str) -> Iterator[bytes]:
        """Every value of a field, as it stands there."""
        return (value for known, value in self.fields if known == name)

    def first(self, name: str) -> str:
        """The first value of a field in one line, its bytes decoded; empty where there is none."""
        return next((unfolded(value[:FIELD_LIMIT]) for value in self.values(name)), "")

    def content(self) -> bytes:
        """The body's bytes, not decoded."""
        return self.raw[self.body : self.end]

    def decoded(self) -> bytes:
        """The body's bytes after its transfer encoding; what cannot be decoded stays as it is."""
        return decode_transfer(self.content(), self.transfer_encoding)

    @property
    def transfer_encoding(self) -> str:
        """In lower case, without comments and blanks."""
        return bare(self.first("content-transfer-encoding"))

    @property
    def disposition(self) -> str:
        return bare(self.first("content-disposition"))


def unfolded(value: bytes) -> str:
    """A field's value in one line."""
    return re.sub(r"[\r\n]+[ \t]*", " ", decode_text(value, None)).strip()


def bare(value: str) -> str:
    """The first word of a structured field: no comments, blanks, parameters or capitals."""
    word = re.sub(r"\([^()]*\)", "", value[:2000]).partition(";")[0]
    return "".join(word.split()).strip("\"'").lower()


def read(raw: bytes, notes: list[str]) -> Entity:
    """The tree of a mail."""
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    root = _entity(raw, _mbox_line(raw), len(raw), notes, HEADER_LIMIT)
    _cut(root, notes)
    if root.is_uncut and (boundary := _boundary_found(root)):
        notes.append("the boundary is not the one that the header names")
        root.parameters["boundary"] = boundary
        root.is_uncut = False
        _cut(root, notes)
    return root


def _mbox_line(raw: bytes) -> int:
    """Behind a line `From sam@example.com Mon Aug  3 …` that mail files put before a mail."""
    end = raw.find(b"\n", 0, 1000)
    return (
        end + 1 if raw.startswith((b"From ", b">From ")) and end > 0 and b":" not in raw[:6] else 0
    )


def _entity(
    raw: bytes, start: int, end: int, notes: list[str], limit: int = PART_HEADER_LIMIT
) -> Entity:
    fields, body = _header(raw, start, end, notes, limit)
    made = Entity(raw, fields, start, body, end)
    value = made.first("content-type")
    kind = bare(value)
    # What is no type is text (RFC 2045 §5.2).
    made.content_type = kind if TOKEN.fullmatch(kind) else "text/plain"
    made.parameters = parameters(value)
    return made


def _header(
    raw: bytes, start: int, end: int, notes: list[str], limit: int
) -> tuple[list[tuple[str, bytes]], int]:
    """The fields, and where the body begins. A line that is no field is passed over where fields follow it."""
    fields: list[tuple[str, bytes]] = []
    current: tuple[str, int] | None = None
    #: Where the first of the lines began that are no field and that no field followed yet.
    doubtful: int | None = None
    skipped = 0
    at = start
    stop = min(end, start + limit)
    most = FIELDS_LIMIT if limit == HEADER_LIMIT else PART_FIELDS_LIMIT
    while at < stop and len(fields) < most:
        newline = raw.find(b"\n", at, end)
        following = newline + 1 if newline >= 0 else end
        line_end = min(following, at + 1200)
        if raw.startswith(b"--", at) or _is_blank(raw, at, following, end):
            if current:
                fields.append((current[0], raw[current[1] : at]))
            if doubtful is not None:
                return fields, doubtful
            _tell_skipped(skipped, notes)
            return fields, at if raw.startswith(b"--", at) else following
        if raw[at] in b" \t" and current:
            at = following
            continue
        match = FIELD.match(raw, at, line_end)
        if match and (fields or current or not _is_sentence(raw, match)):
            if current:
                fields.append((current[0], raw[current[1] : at]))
            if doubtful is not None:
                skipped, doubtful = skipped + 1, None
            current = (match[1].decode("ascii").lower(), match.end())
        else:
            if doubtful is None:
                doubtful = at
                if current:
                    fields.append((current[0], raw[current[1] : at]))
            current = None
            if not fields:
                # Not one field before it: these are words, and no header at all.
                return [], start
        at = following
    if current:
        fields.append((current[0], raw[current[1] : at]))
    if doubtful is not None:
        return fields, doubtful
    if at >= end:
        return fields, end
    if len(fields) >= most:
        limit = at - start
    blank = re.compile(rb"\n\r?\n").search(raw, at - 1, end)
    body = blank.end() if blank else end
    if len(notes) < NOTES_LIMIT:
        notes.append(f"a header of {body - start} bytes: only the first {limit} were read")
    return fields, body


def _is_blank(raw: bytes, at: int, following: int, end: int) -> bool:
    """Whether this line ends the header. One of blanks alone does not where the header goes on behind it."""
    if following - at > 200 or raw[at:following].strip():
        return False
    if raw[at] not in b" \t":
        return True
    return following >= end or not (raw[following] in b" \t" or FIELD.match(raw, following, end))


def _is_sentence(raw: bytes, match: re.Match[bytes]) -> bool:
    """`http://…` and `12:30` at the start of a text without any header."""
    return raw[match.end() : match.end() + 2] == b"//" or match[1].isdigit()


def _tell_skipped(skipped: int, notes: list[str]) -> None:
    if skipped and not any(note.startswith("a line of the header is no field") for note in notes):
        notes.append("a line of the header is no field: passed over")


def parameters(value: str) -> dict[str, str]:
    """The parameters of a structured field, continuations joined and charsets decoded (RFC 2231)."""
    plain: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, given in _raw_parameters(value):
        match = SECTION.fullmatch(name)
        if match is None:
            continue
        if match[2] is None and not match[3]:
            plain.setdefault(match[1], given)
        else:
            sections.setdefault(match[1], {}).setdefault(
                int(match[2] or 0), (given, bool(match[3]))
            )
    for name, found in sections.items():
        plain[name] = _joined([found[index] for index in sorted(found)])
    return plain


def _raw_parameters(value: str) -> Iterator[tuple[str, str]]:
    at = value.find(";")
    for _ in range(PARAMETERS_LIMIT):
        if at < 0:
            return
        at += 1
        equals = value.find("=", at)
        following = value.find(";", at)
        if equals < 0:
            return
        if 0 <= following < equals:
            at = following
            continue
        name = re.sub(r"\([^()]*\)", "", value[at:equals][-300:]).strip().lower()
        start = equals + 1
        while start < len(value) and value[start] in " \t":
            start += 1
        if value[start : start + 1] == '"':
            end = _end_of_quoted(value, start + 1)
            yield name, re.sub(r'\\(["\\])', r"\1", value[start + 1 : end])
            at = value.find(";", end)
        else:
            at = value.find(";", start)
            yield name, value[start : at if at >= 0 else len(value)].strip()


def _end_of_quoted(value: str, start: int) -> int:
    """The closing quotation mark; where it is missing the next semicolon, or the end."""
    last = len(value.rstrip(' \t"'))
    at = start
    while True:
        end = value.find('"', at)
        if end < 0:
            semicolon = value.find(";", start)
            return semicolon if semicolon >= 0 else len(value)
        slashes = 0
        while end - slashes > start and value[end - 1 - slashes] == "\\" and slashes < 20:
            slashes += 1
        # `C:\\dir\\` from Windows: a backslash before the last mark escapes nothing.
        if slashes % 2 == 0 or end >= last or value[end + 1] == ";":
            return end
        at = end + 1


def _joined(sections: list[tuple[str, bool]]) -> str:
    """The sections of one parameter; the first says the charset of those that are percent-encoded."""
    content = b""
    charset: str | None = None
    for index, (given, is_encoded) in enumerate(sections):
        if is_encoded and index == 0 and given.count("'") >= 2:
            charset, _, given = given.split("'", 2)
        content += unquote_to_bytes(given) if is_encoded else given.encode("utf-8", "surrogatepass")
    return decode_text(content, charset)


def _cut(root: Entity, notes: list[str]) -> None:
    """Cut the parts out, all in one pass over the lines that begin with two dashes."""
    boundary = _boundary(root)
    if boundary is None:
        _mark_uncut(root)
        return
    open_parts: list[tuple[Entity, bytes]] = [(root, boundary)]
    opened: dict[bytes, int] = {boundary: 1}
    leaf: Entity | None = None
    parts = examined = 0
    raw = root.raw
    at = root.body - 1
    while open_parts and (at := raw.find(b"\n--", at, root.end)) >= 0:
        examined += 1
        if examined > DELIMITERS_LIMIT:
            notes.append(f"more than {DELIMITERS_LIMIT} lines that might part something")
            break
        first = at + 3
        newline = raw.find(b"\n", first, first + BOUNDARY_LIMIT + 4)
        following = newline + 1 if newline >= 0 else min(root.end, first + BOUNDARY_LIMIT + 4)
        token = raw[first:following].rstrip()
        is_closing = token not in opened and token.endswith(b"--")
        token = token[:-2] if is_closing else token
        if token not in opened:
            at = first
            continue
        level = max(index for index, (_, name) in enumerate(open_parts) if name == token)
        edge = at - 1 if at > 0 and raw[at - 1 : at] == b"\r" else at
        if leaf is not None:
            leaf.end = max(leaf.body, edge)
            leaf = None
        for closed, name in open_parts[level + (0 if is_closing else 1) :]:
            closed.end = max(closed.body, edge)
            _close(opened, name)
        del open_parts[level + (0 if is_closing else 1) :]
        at = following - 1
        if is_closing:
            continue
        if parts >= PARTS_LIMIT:
            notes.append(f"more than {PARTS_LIMIT} parts: the others are in the raw mail only")
            break
        parts += 1
        leaf = _child(open_parts[-1][0], following, notes)
        # The header's own lines part nothing, but the line that ends it may stand right before a boundary.
        at = max(at, leaf.body - 1)
        inner = _boundary(leaf)
        if inner is not None and leaf.depth < DEPTH_LIMIT:
            open_parts.append((leaf, inner))
            opened[inner] = opened.get(inner, 0) + 1
            leaf = None
        elif inner is not None:
            notes.append(f"parts nested deeper than {DEPTH_LIMIT}: they are in the raw mail only")
    _mark_uncut(root)


def _close(opened: dict[bytes, int], name: bytes) -> None:
    opened[name] -= 1
    if not opened[name]:
        del opened[name]


def _child(parent: Entity, start: int, notes: list[str]) -> Entity:
    made = _entity(parent.raw, start, parent.end, notes)
    if not any(made.values("content-type")) and parent.content_type == "multipart/digest":
        made.content_type = "message/rfc822"
    made.depth = parent.depth + 1
    prefix = f"{parent.part_id}." if parent.part_id else ""
    made.part_id = f"{prefix}{len(parent.children)}"
    parent.children.append(made)
    return made


def _mark_uncut(root: Entity) -> None:
    waiting = [root]
    while waiting:
        entity = waiting.pop()
        entity.is_uncut = entity.content_type.startswith("multipart/") and not entity.children
        waiting.extend(entity.children)


def _boundary(entity: Entity) -> bytes | None:
    """The boundary of a multipart, without the blanks that a fold may have left at its end."""
    if not entity.content_type.startswith("multipart/"):
        return None
    boundary = entity.parameters.get("boundary", "")
    found = boundary.encode("utf-8", "surrogatepass").rstrip()
    if b" " in found and b"--" + found not in entity.raw:
        # Folded in the middle.
        found = found.replace(b" ", b"")
    return found[:BOUNDARY_LIMIT] or None


def _boundary_found(root: Entity) -> str | None:
    """Where the named boundary cuts nothing out: one that stands in the text before a part's header."""
    match = re.compile(rb"(?:\A|\n)--([^\r\n]{1,200}?)[ \t]*\r?\nContent-", re.IGNORECASE).search(
        root.raw, max(root.body - 1, 0), min(root.end, root.body + 100_000)
    )
    return match[1].decode("latin-1") if match and match[1].isascii() else None


def decode_transfer(content: bytes, encoding: str) -> bytes:
    """Bytes after their transfer encoding. Base64 that was cut short is decoded as far as it goes."""
    if encoding in ("base64", "b"):
        return _base64(content)
    if encoding in ("quoted-printable", "quotedprintable", "q"):
        return binascii.a2b_qp(content)
    if encoding in ("uuencode", "x-uuencode", "uue", "x-uue"):
        return _uuencoded(content)
    return content


def _base64(content: bytes) -> bytes:
    """Decoded; words in plain text that a list wrote below the code are kept behind it."""
    end = content.find(b"=")
    rest = b""
    if 0 <= end < len(content) - 200 or (end >= 0 and content[end:].strip(b"=\r\n\t ")):
        tail = content[end:].lstrip(b"=")
        if tail.strip() and re.search(rb"\S[ \t]+\S|_{4,}", tail[:4000]):
            content, rest = content[:end], tail.lstrip()
        else:
            pieces = re.split(rb"=+", content, maxsplit=1000)
            return b"".join(_quanta(piece.translate(None, NOT_BASE64 + b"=")) for piece in pieces)
    decoded = _quanta(content.translate(None, NOT_BASE64 + b"="))
    return decoded + b"\n" + rest if rest else decoded


def _quanta(letters: bytes) -> bytes:
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    return base64.b64decode(letters + b"=" * (-len(letters) % 4))


def _uuencoded(content: bytes) -> bytes:
    lines = content.splitlines()
    begin = next((index for index, line in enumerate(lines) if line.startswith(b"begin ")), -1)
    if begin < 0:
        return content
    decoded = bytearray()
    for line in lines[begin + 1 :]:
        if line.strip() in (b"end", b"`", b""):
            break
        try:
            decoded += binascii.a2b_uu(line)
        except binascii.Error:
            # Some write blanks that the next host took away, or more than the length says.
            size = (((line[0] - 32) & 63) * 4 + 5) // 3
            try:
                decoded += binascii.a2b_uu(line[: size + 1])
            except binascii.Error:
                return content
    return bytes(decoded)
