"""RFC 822 bytes of a mail record, built when somebody asks; the same record gives the same
bytes."""

from __future__ import annotations

import email.charset
import hashlib
import html
from base64 import b64decode, encodebytes
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_string, policy
from email.header import Header
from email.mime.base import MIMEBase
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime, formataddr
from typing import Any

from simulator.store import files
from simulator.store.records import File, Mail
from simulator.world import quotes
from simulator.world.catalogue import MAILBOX, SHOP_ZONE

WIRE = policy.compat32.clone(linesep="\r\n", max_line_length=998)
QUOTE_DEPTH = 4
Find = Callable[[str], Mail | None]

REMOTE = '<img src="https://pixel.example.org/open.gif?u=1" width="1" height="1" alt="">'
HOSTILE = (
    '<script>alert("x")</script><img src=x onerror="alert(1)">'
    '<a href="javascript:alert(2)">pay now</a>'
    '<form action="https://example.net/login"><input name="password"></form>'
)


def rfc822(mail: Mail, find: Find) -> bytes:
    """The whole message with CRLF line ends. `find` gives the mail of a Gmail id, or None."""
    if mail.raw is not None:
        return b64decode(mail.raw)
    root = _body(mail, find)
    _headers(root, mail, find)
    return root.as_bytes(policy=WIRE)


def sent_at(mail: Mail) -> datetime:
    return datetime.fromtimestamp(mail.received_ms // 1000, UTC).astimezone(SHOP_ZONE)


def plain_text(mail: Mail, find: Find, depth: int = QUOTE_DEPTH) -> str:
    """The text of the mail with what it quotes, mails within mails."""
    quoted = find(mail.reply_to) if mail.reply_to and depth else None
    if quoted is None:
        return mail.text + "\n"
    return quotes.answer_text(
        mail, quoted, plain_text(quoted, find, depth - 1).rstrip("\n"), sent_at(quoted)
    )


def _html_text(mail: Mail, find: Find, depth: int = QUOTE_DEPTH) -> str:
    quoted = find(mail.reply_to) if mail.reply_to and depth else None
    if quoted is not None:
        return quotes.answer_html(
            mail, quoted, _html_text(quoted, find, depth - 1), sent_at(quoted)
        )
    inner = quotes.paragraphs(mail.text)
    if mail.client == "outlook":
        inner = inner.replace("<p>", '<p class="MsoNormal">')
        return f'<div class="WordSection1">{inner}</div>'
    return f'<div dir="{quotes.direction(mail.language)}">{inner}</div>'


def _page(mail: Mail, find: Find) -> str:
    """The HTML document of the mail."""
    inner = _html_text(mail, find)
    if mail.shape in ("list", "html"):
        inner = (
            '<table width="600" cellpadding="0" style="background:#f7f3ea"><tr><td>'
            f"<h1>{html.escape(mail.subject)}</h1>"
            f"{inner}</td></tr></table>{REMOTE if mail.shape == 'list' else ''}"
        )
    if mail.shape == "spam":
        inner += HOSTILE
    if mail.inline:
        inner += f'<p><img src="cid:{_content_id(mail, 0)}" alt="logo"></p>'
    style = (
        "<style>p.MsoNormal{margin:0cm;font-size:11.0pt}</style>"
        if mail.client == "outlook"
        else ""
    )
    return f'<html><head><meta charset="{mail.charset}">{style}</head><body>{inner}</body></html>'


def _text_part(text: str, subtype: str, charset: str, seed: str) -> MIMEText:
    """A text part in the declared charset; in UTF-8 where that charset cannot say it."""
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        charset = "utf-8"
    if charset == "utf-8":
        chosen = email.charset.Charset("utf-8")
        # Providers send all three; long lines of 8bit would break RFC 5322, so those go as
        # quoted-printable.
        encodings = (
            email.charset.BASE64,
            email.charset.QP,
            email.charset.QP if len(text) > 900 else None,
        )
        chosen.body_encoding = encodings[_digest(seed) % 3]  # type: ignore[assignment]
        return MIMEText(text, subtype, chosen)  # type: ignore[arg-type]
    return MIMEText(text, subtype, charset)


def _body(mail: Mail, find: Find) -> MIMEBase:
    if mail.shape == "bounce":
        return _bounce(mail)
    text = _text_part(plain_text(mail, find), "plain", mail.charset, mail.id)
    root: MIMEBase = text
    if mail.shape in ("html", "spam"):
        root = _related(mail, _text_part(_page(mail, find), "html", mail.charset, mail.id))
    elif mail.shape in ("alternative", "list", "calendar"):
        root = MIMEMultipart("alternative", boundary=_boundary(mail, "alt"))
        root.attach(text)
        root.attach(
            _related(mail, _text_part(_page(mail, find), "html", mail.charset, mail.id + "h"))
        )
        if mail.shape == "calendar" and mail.files:
            invite = MIMEText(files.render(mail.files[0]).decode(), "calendar", "utf-8")
            invite.set_param("method", "REQUEST")
            root.attach(invite)
    if not mail.files:
        return root
    mixed = MIMEMultipart("mixed", boundary=_boundary(mail, "mix"))
    mixed.attach(root)
    for file in mail.files:
        mixed.attach(_file_part(file, "attachment"))
    return mixed


def _related(mail: Mail, page: MIMEText) -> MIMEBase:
    if not mail.inline:
        return page
    related = MIMEMultipart("related", boundary=_boundary(mail, "rel"))
    related.attach(page)
    for number, file in enumerate(mail.inline):
        part = _file_part(file, "inline")
        part["Content-ID"] = f"<{_content_id(mail, number)}>"
        related.attach(part)
    return related


def _file_part(file: File, disposition: str) -> MIMEBase:
    main, _, sub = file.content_type.partition("/")
    part = MIMEBase(main, sub or "octet-stream", name=file.name)
    part.set_payload(encodebytes(files.render(file)).decode("ascii"))
    part["Content-Transfer-Encoding"] = "base64"
    # A name beyond ASCII goes as RFC 2231.
    name = file.name if file.name.isascii() else ("utf-8", "", file.name)
    part.add_header("Content-Disposition", disposition, filename=name)
    return part


def _bounce(mail: Mail) -> MIMEBase:
    failed = dict(mail.headers).get("X-Failed-Recipients", "nobody@example.com")
    report = MIMEMultipart("report", boundary=_boundary(mail, "rep"))
    report.set_param("report-type", "delivery-status")
    report.attach(MIMEText(mail.text + "\n", "plain", "utf-8"))
    status = MIMEBase("message", "delivery-status")
    blocks = (
        "Reporting-MTA: dns; example.com",
        f"Final-Recipient: rfc822; {failed}\nAction: failed\nStatus: 5.1.1",
    )
    for block in blocks:  # the blocks of a delivery status are messages without a body
        status.attach(message_from_string(block + "\n\n"))
    report.attach(status)
    returned = MIMEText("Hello,\n\njust checking in about the quote.\n", "plain", "us-ascii")
    returned["From"], returned["To"], returned["Subject"] = MAILBOX, failed, "Quote"
    report.attach(MIMEMessage(returned))
    return report


def _headers(root: MIMEBase, mail: Mail, find: Find) -> None:
    """Put the mail's headers before those of its body."""
    omitted = {value for name, value in mail.headers if name == "X-Simulator-Omit"}
    inbound = "SENT" not in mail.labels and "DRAFT" not in mail.labels
    date = sent_at(mail)
    values: list[tuple[str, Any]] = []
    if inbound:
        values += [
            ("Delivered-To", MAILBOX),
            (
                "Received",
                f"from mail.example.org (mail.example.org. [192.0.2.{_digest(mail.id) % 250}])"
                f"\r\n        by mx.example.com with ESMTPS id {mail.id};"
                f"\r\n        {format_datetime(date)}",
            ),
            ("Return-Path", "<>" if mail.shape == "bounce" else f"<{mail.sender[1]}>"),
        ]
    values += [
        ("From", _address(mail.sender, mail.charset)),
        ("To", ", ".join(_address(a, mail.charset) for a in mail.to) or "undisclosed-recipients:;"),
    ]
    if mail.cc:
        values.append(("Cc", ", ".join(_address(a, mail.charset) for a in mail.cc)))
    if mail.bcc and not inbound:
        values.append(("Bcc", ", ".join(_address(a, mail.charset) for a in mail.bcc)))
    if mail.subject:
        values.append(("Subject", _words(mail.subject, mail.charset)))
    values += [("Date", format_datetime(date)), ("Message-ID", mail.message_id)]
    if mail.reply_to and (answered := find(mail.reply_to)):
        values += [("In-Reply-To", answered.message_id), ("References", " ".join(mail.references))]
    values += [h for h in mail.headers if h[0] != "X-Simulator-Omit"]
    body_headers = root.items()
    for name in dict.fromkeys(root.keys()):
        del root[name]
    for header in [*(v for v in values if v[0] not in omitted), *body_headers]:
        root[header[0]] = header[1]


def _address(address: tuple[str, str], charset: str) -> str:
    name, box = address
    if not name:
        return box
    return (
        formataddr((name, box)) if name.isascii() else f"{_words(name, charset).encode()} <{box}>"
    )


def _words(text: str, charset: str) -> Header:
    """RFC 2047 words in the mail's charset where it can say them."""
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        charset = "utf-8"
    return Header(text, None if text.isascii() else charset)


def _digest(text: str) -> int:
    return int(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8], 16)


def _boundary(mail: Mail, kind: str) -> str:
    digest = hashlib.md5((mail.id + kind).encode(), usedforsecurity=False).hexdigest()
    return f"000000000000{digest[:16]}"


def _content_id(mail: Mail, number: int) -> str:
    return f"ii_{mail.id}_{number}"
