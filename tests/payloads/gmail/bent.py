"""Mails that nobody wrote: those of the corpus bent at random, and others put together from pieces that break readers."""

from __future__ import annotations

import base64
import random

from hypothesis import strategies as st

from tests.payloads.gmail.mails import MAILS

MARKS = (
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"--edge\r\n", b"--edge--", b'"', b"(", b"<", b"=?", b"\x00", b"\xff", b";", b"> ",
)  # fmt: skip


def bent(chance: random.Random) -> bytes:
    """A mail of the corpus with bytes cut, doubled, changed, or moved in from another one."""
    raw = bytearray(chance.choice(MAILS).raw)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(raw) + 1)
        size = chance.choice((1, 2, 8, 40, 200))
        match chance.randrange(6):
            case 0:
                del raw[at : at + size]
            case 1:
                raw[at:at] = raw[at : at + size] * chance.choice((1, 2, 50))
            case 2:
                raw[at : at + 1] = bytes([chance.randrange(256)])
            case 3:
                other = chance.choice(MAILS).raw
                start = chance.randrange(len(other) + 1)
                raw[at:at] = other[start : start + size]
            case 4:
                raw[at:at] = chance.choice(MARKS)
            case _:
                raw += chance.choice(MAILS).raw
    return bytes(raw)


# -- put together ---------------------------------------------------------------------------------

NAMES = st.sampled_from((
    "From", "From ", "from", "To", "Cc", "Bcc", "Reply-To", "Subject", "Message-ID", "In-Reply-To", "References", "Date", "Sender",
    "X-Original-From", "X-Failed-Recipients", "Return-Path", "Auto-Submitted", "Precedence", "List-Id", "X-\xe9", "no field",
))  # fmt: skip
VALUES = st.sampled_from((
    "Sam <sam@example.com>", "alice@customer.test <mallory@evil.test>", '"Citizen, Sam" <sam@example.com>, <kim@example.net>,',
    "sales@example.com", "MAILER-DAEMON", "undisclosed-recipients:;", "<>", "<<sam@example.com>>", "@", "a" * 3000 + "@example.com",
    "=?utf-8?q?=F0=9F=98=80?=", "=?utf-8?b?WsO8cmljaA?=", "=?x?q?a?=" * 200, "<m1@example.com> <m2@example.com>", "auto-replied", "bulk",
    "Undelivered Mail Returned to Sender", "\u202egpj.exe", "\u0627\u0644\u0633\u0644\u0627\u0645", "\x00", "(" * 500, '"' * 501, "<" * 500, "", " ",
))  # fmt: skip
TYPES = st.sampled_from((
    "text/plain", "text/plain; charset=utf-8", "text/plain; charset=iso-2022-jp", "text/plain; charset=no-such", "text/html",
    "text/html; charset=utf-16", "text/plain; format=flowed; delsp=yes", "text/calendar; method=REQUEST", "application/ms-tnef",
    "application/pkcs7-mime", "message/rfc822", "message/delivery-status", "image/png; name=\"a\r\n b.png\"",
    "application/octet-stream; name*0*=utf-8''%e2%82; name*1*=%ac.pdf", "text/x-amp-html", "no type", "",
))  # fmt: skip
ENCODINGS = st.sampled_from(("7bit", "8bit", "base64", "quoted-printable", "x-uuencode", "base64 (x)", "binary", "no", ""))  # fmt: skip
TEXTS = st.sampled_from((
    b"words", b"<p>words <b>and <i>more</b></i> <a href='https://example.com/x'>here</a>", b"<" * 300, b"&" * 300,
    b"<script>alert(1)</script>", b"<table>" * 150, b"<blockquote>" * 150 + b"deep", b"> quoted\r\n>> deeper\r\nnew",
    b"On Mon, 3 Aug 2026, Sam <sam@example.com> wrote:\r\n> old", b"-----Original Message-----\r\nFrom: a\r\nSubject: b\r\n\r\nold",
    b"--edge\r\n", b"--edge--\r\n", b"\xff\xfe\x00", b"\x1b$B-j\x1b(B", b"- " * 400, b"\r\n" * 300, b"=" * 200, b"begin 644 a\r\nM", b"\x00",
    b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20260803T100000Z\r\nSUMMARY:x\r\nEND:VEVENT",
    b"Final-Recipient: rfc822; bob@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n", b"<bob@example.net>: 550 no such user\r\n",
    b"-----BEGIN PGP MESSAGE-----\r\nx", b"javascript:alert(1) https://example.com/(a)?b=<c>", b"",
))  # fmt: skip


def _header(fields: list[tuple[str, str]]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode()


@st.composite
def _leaf(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Header fields about the content, and the content."""
    words = b"\r\n".join(draw(st.lists(st.one_of(TEXTS, st.binary(max_size=60)), max_size=4)))
    kind, encoding = draw(TYPES), draw(ENCODINGS)
    if encoding.startswith("base64") and draw(st.booleans()):
        words = base64.encodebytes(words)
    fields = [("Content-Type", kind), ("Content-Transfer-Encoding", encoding)]
    if draw(st.booleans()):
        name = draw(st.sampled_from(("a.pdf", "winmail.dat", "../../x", "\xe9\u202efdp.exe", "")))
        where = draw(st.sampled_from(("attachment", "inline", "ATTACHMENT (x)", "")))
        fields.append(("Content-Disposition", f'{where}; filename="{name}"'))
    return _header(fields), words


def _many(parts: st.SearchStrategy[tuple[bytes, bytes]]) -> st.SearchStrategy[tuple[bytes, bytes]]:
    @st.composite
    def made(draw: st.DrawFn) -> tuple[bytes, bytes]:
        # Often the same one within itself, or one that nothing names.
        named, used = (draw(st.sampled_from(("edge", "edge", "edge2", "ed ge"))) for _ in range(2))
        subtype = draw(st.sampled_from(("mixed", "alternative", "related", "report", "signed", "digest")))  # fmt: skip
        head = f'Content-Type: multipart/{subtype}; boundary="{named}"\r\n'.encode()
        inner = draw(st.lists(parts, min_size=0, max_size=4))
        mark = b"--" + used.encode()
        pieces = [mark + b"\r\n" + above + b"\r\n" + below + b"\r\n" for above, below in inner]
        return head, b"".join(pieces) + draw(st.sampled_from((mark + b"--\r\n", b"")))

    return made()


@st.composite
def made_up(draw: st.DrawFn) -> bytes:
    """A mail from pieces: whatever header, a part or a tree of parts."""
    fields = draw(st.lists(st.tuples(NAMES, st.one_of(VALUES, st.text(max_size=30))), max_size=8))
    head, content = draw(st.recursive(_leaf(), _many, max_leaves=6))
    parts = draw(st.sampled_from((b"\r\n", b"\r\n", b"\r\n", b"", b"\n \r\n")))
    return _header(fields) + head + parts + content
