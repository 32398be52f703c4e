"""A file as an HTTP answer: its name, which bytes of it, and nothing that a browser could run."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from app.attachments import File

LONGEST_NAME = 150
#: What file systems and headers give a meaning of their own.
MEANT = re.compile(r'[/\\:*?"<>|%;]')
RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")
#: RFC 5987 section 3.2.1, attr-char.
ATTR_CHARS = "!#$&+-.^_`|~"

#: On every answer about an attachment, whatever it says; app.serving.headers adds the policy.
HEADERS = {"cache-control": "private, no-store"}


def plain_name(name: str) -> str:
    """A file's name as any system takes it, and that reads as it is: no hidden characters, no folders."""
    visible = "".join(
        character if unicodedata.category(character)[0] != "Z" else " "
        for character in name
        if unicodedata.category(character)[0] != "C"
    )
    clean = MEANT.sub("_", " ".join(visible.split())).strip(". ")
    if len(clean) > LONGEST_NAME:
        stem, dot, ending = clean.rpartition(".")
        ending = f"{dot}{ending}" if stem and len(ending) <= 10 else ""
        clean = clean[: LONGEST_NAME - len(ending)] + ending
    return clean or "attachment"


def disposition(name: str, *, is_inline: bool) -> str:
    """Content-Disposition after RFC 6266: the name in ASCII for old programs, and as it is."""
    clean = plain_name(name)
    ascii_name = unicodedata.normalize("NFKD", clean).encode("ascii", "ignore").decode()
    fallback = plain_name(ascii_name) if ascii_name.strip(". ") else "attachment"
    kind = "inline" if is_inline else "attachment"
    return f"{kind}; filename=\"{fallback}\"; filename*=UTF-8''{quote(clean, safe=ATTR_CHARS)}"


def asked_range(header: str | None, size_bytes: int) -> tuple[int, int] | None:
    """Start and end (not included) of the one range that is asked for; None for the whole file.

    What is no single range of bytes is left unheeded, as RFC 9110 section 14.2 allows.

    Raises:
        ValueError: no byte of the file lies in it.
    """
    found = RANGE.fullmatch((header or "").replace(" ", "").lower())
    if not found or not (found[1] or found[2]) or max(map(len, found.groups())) > 18:
        return None
    if not found[1]:
        start, stop = max(0, size_bytes - int(found[2])), size_bytes
    else:
        start, stop = int(found[1]), size_bytes
        if found[2]:
            if int(found[2]) < start:
                return None
            stop = min(size_bytes, int(found[2]) + 1)
    if start >= size_bytes or start >= stop:
        raise ValueError("no byte of the file lies in this range")
    return start, stop


def begins(header: str | None) -> bool:
    """Whether a request asks for the beginning of a file: no piece before it can have been asked for."""
    return not re.match(r"\s*bytes\s*=\s*[0-9]*[1-9]", header or "", re.IGNORECASE)


def answer(file: File, *, is_download: bool, asked: str | None, known_tag: str | None) -> Response:
    """The file, or the part of it that is asked for.

    Args:
        asked: the Range header.
        known_tag: the If-Range header: of another file the part would be of no use.

    Raises:
        MissingMedia, DamagedMedia: the store does not have what it should.
    """
    is_inline = file.is_inline and not is_download
    tag = f'"{file.tag}"'
    headers = {
        **HEADERS,
        "accept-ranges": "bytes",
        "etag": tag,
        "content-disposition": disposition(file.filename or "", is_inline=is_inline),
    }
    try:
        part = asked_range(asked, file.size_bytes) if known_tag in (None, tag) else None
    except ValueError:
        headers["content-range"] = f"bytes */{file.size_bytes}"
        return Response(status_code=416, headers=headers)
    start, stop = part or (0, file.size_bytes)
    if part:
        headers["content-range"] = f"bytes {start}-{stop - 1}/{file.size_bytes}"
    headers["content-length"] = str(stop - start)
    # What is missing or damaged from its first piece on is said before the answer begins.
    pieces = file.pieces(start, stop)
    return StreamingResponse(
        _after(next(pieces, b""), pieces),
        status_code=206 if part else 200,
        media_type=file.content_type if is_inline else "application/octet-stream",
        headers=headers,
    )


def _after(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others
