"""What the simulated providers keep: SMS and mails as plain records that go to JSON and back."""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

GSM_BASIC = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = set("^{}\\[~]|€\f")


@dataclass
class File:
    """A file to attach. `spec` is either a drawing order of files.render or `base64:<data>`."""

    name: str
    content_type: str
    spec: str

    @classmethod
    def of_bytes(cls, name: str, content_type: str, data: bytes) -> File:
        return cls(name, content_type, "base64:" + base64.b64encode(data).decode())


@dataclass
class Media:
    """One MMS medium, with its ME sid."""

    sid: str
    file: File
    deleted: bool = False


@dataclass
class Sms:
    """A Twilio message. Times are epoch seconds; `sent` is None while queued."""

    sid: str
    sender: str
    recipient: str
    body: str
    direction: str
    status: str
    created: int
    sent: int | None
    updated: int
    media: list[Media] = field(default_factory=list)
    error_code: int | None = None

    @property
    def order(self) -> tuple[int, str]:
        return (self.created, self.sid)


@dataclass
class Mail:
    """A mail in the mailbox. The RFC 822 bytes are built from this when somebody asks (mail.py).

    `received_ms` is Gmail's internalDate. `reply_to` is the Gmail id of the mail it answers
    (quoted in
    the writer's client's style). `shape` is plain, alternative, html, calendar, list, spam, bounce.
    `raw` (base64) overrides everything that would be built.
    """

    id: str
    thread_id: str
    history_id: int
    received_ms: int
    sender: tuple[str, str]
    to: list[tuple[str, str]]
    subject: str
    text: str
    labels: list[str]
    message_id: str
    cc: list[tuple[str, str]] = field(default_factory=list)
    bcc: list[tuple[str, str]] = field(default_factory=list)
    shape: str = "plain"
    charset: str = "utf-8"
    client: str = "gmail"
    language: str = "en"
    bottom_posting: bool = False
    reply_to: str | None = None
    references: list[str] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    inline: list[File] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    raw: str | None = None

    @property
    def order(self) -> tuple[int, str]:
        return (self.received_ms, self.id)


def to_json(record: DataclassInstance) -> dict[str, Any]:
    """A JSON object that sms_from_json, mail_from_json and their like read back."""
    return asdict(record)


def sms_from_json(data: dict[str, Any]) -> Sms:
    media = [Media(m["sid"], File(**m["file"]), m.get("deleted", False)) for m in data["media"]]
    return Sms(**{**data, "media": media})


def mail_from_json(data: dict[str, Any]) -> Mail:
    pairs = {key: [tuple(p) for p in data[key]] for key in ("to", "cc", "bcc", "headers")}
    files = {key: [File(**f) for f in data[key]] for key in ("files", "inline")}
    return Mail(**{**data, **pairs, **files, "sender": tuple(data["sender"])})


def segments(body: str) -> int:
    """SMS segments: 160/153 GSM characters, or 70/67 UTF-16 units as soon as one does not fit."""
    if all(c in GSM_BASIC or c in GSM_EXTENDED for c in body):
        units, single, joined = sum(2 if c in GSM_EXTENDED else 1 for c in body), 160, 153
    else:
        units, single, joined = len(body.encode("utf-16-le", "surrogatepass")) // 2, 70, 67
    return 1 if units <= single else -(-units // joined)
