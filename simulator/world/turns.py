"""One thing said, before it has a time and an id; history, live stream and control all make these."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulator.store.chats import Contact
from simulator.store.records import File


@dataclass(frozen=True)
class CallPlan:
    """How a call goes. `outcome` is answered, menu, missed, busy, canceled, failed or voicemail;
    `via` is pstn, client (staff call from the browser) or api. `recorded` is the source of the
    recording of a talk, "" for none; `withheld` is what stands for the number; `transferred` adds a
    leg below the dialled one."""

    outcome: str
    seconds: int = 0
    via: str = "pstn"
    recorded: str = ""
    transcript: str = ""
    transcribed: bool = True
    forwarded_from: str = ""
    withheld: str = ""
    transferred: bool = False


@dataclass(frozen=True)
class After:
    """What happens to a message so many seconds after it: see chats.Happening."""

    what: str
    seconds: float
    by_us: bool
    text: str = ""
    emoji: str = ""


@dataclass
class Turn:
    """One thing said, before it has a time and an id. `sender` and `to` are (name, address), where
    a phone has no name; chats have a `contact` instead. `gap` is in seconds after the turn before.
    `labels` None means the usual ones; `answers` puts a mail in the thread before it, `replies` a
    chat message below the one before it."""

    channel: str
    direction: str
    sender: tuple[str, str]
    to: list[tuple[str, str]]
    text: str
    subject: str = ""
    gap: float = 0.0
    shape: str = "plain"
    charset: str = "utf-8"
    client: str = "gmail"
    language: str = "en"
    bottom_posting: bool = False
    answers: bool = True
    labels: list[str] | None = None
    cc: list[tuple[str, str]] = field(default_factory=list)
    bcc: list[tuple[str, str]] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    inline: list[File] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    call: CallPlan | None = None
    contact: Contact | None = None
    kind: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    replies: bool = False
    by_api: bool = False
    after: list[After] = field(default_factory=list)


def chat_turn(channel: str, contact: Contact, text: str, *, inbound: bool, **more: Any) -> Turn:
    """Something said on WhatsApp, Instagram or Messenger."""
    direction = "inbound" if inbound else "outbound"
    return Turn(channel, direction, ("", ""), [], text, contact=contact, **more)
