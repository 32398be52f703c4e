"""What Meta's three channels keep of one message, and what happened to it afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulator.store.records import File

# What may happen to a message after it was sent.
REACT, UNREACT, EDIT, UNSEND = "react", "unreact", "edit", "unsend"


@dataclass(frozen=True)
class Contact:
    """The person at the other end, as one channel knows them.

    `address` is the wa_id (digits), the IGSID or the PSID. WhatsApp leaves it out of payloads where
    `hidden`, and names the person by `bsuid` alone; older payloads have no `bsuid`.
    """

    address: str
    name: str = ""
    username: str = ""
    bsuid: str = ""
    hidden: bool = False

    @property
    def shown(self) -> str:
        """The id that a payload shows."""
        return self.bsuid if self.hidden else self.address


@dataclass
class Medium:
    """A file of a message. `id` is WhatsApp's media id or the asset id within a CDN address;
    `issued_ms` is when a webhook last told it."""

    id: str
    file: File
    issued_ms: int


@dataclass
class Happening:
    """A reaction, an edit, an unsend. `text` is what an edit says now. WhatsApp gives each an `id`
    of its own, as messages have."""

    what: str
    at_ms: int
    by_us: bool
    text: str = ""
    emoji: str = ""
    id: str = ""


@dataclass
class Chat:
    """A message on WhatsApp, Instagram or Messenger.

    `kind` is text, image, video, audio, document, sticker, location, contacts, story_mention,
    story_reply, postback, quick_reply, share, interactive, button, order, template, call or
    unsupported; `extra` holds what that kind needs beyond the text. `by_api` marks what another
    program sent for us: WhatsApp tells its statuses only.
    """

    id: str
    channel: str
    thread: str
    contact: Contact
    direction: str
    at_ms: int
    kind: str = "text"
    text: str = ""
    media: list[Medium] = field(default_factory=list)
    reply_to: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    status: str = "received"
    by_api: bool = False
    happenings: list[Happening] = field(default_factory=list)

    @property
    def order(self) -> tuple[int, str]:
        return (self.at_ms, self.id)

    @property
    def outbound(self) -> bool:
        return self.direction == "outbound"

    @property
    def body(self) -> str:
        """The text as it stands now."""
        edits = [h.text for h in self.happenings if h.what == EDIT]
        return edits[-1] if edits else self.text

    @property
    def unsent(self) -> bool:
        return any(h.what == UNSEND for h in self.happenings)

    @property
    def reactions(self) -> dict[bool, str]:
        """The emoji that stands now, by whether it is ours: each side has one at most."""
        standing: dict[bool, str] = {}
        for happening in self.happenings:
            if happening.what == REACT:
                standing[happening.by_us] = happening.emoji
            elif happening.what == UNREACT:
                standing.pop(happening.by_us, None)
        return standing


def chat_from_json(data: dict[str, Any]) -> Chat:
    """The record of records.to_json."""
    media = [Medium(m["id"], File(**m["file"]), m["issued_ms"]) for m in data["media"]]
    happenings = [Happening(**h) for h in data["happenings"]]
    contact = Contact(**data["contact"])
    return Chat(**{**data, "media": media, "happenings": happenings, "contact": contact})
