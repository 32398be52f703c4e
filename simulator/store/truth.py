"""Every message that a provider knows, in one shape: what a timeline must end up showing.

    [{"id", "channel", "direction", "kind", "at", "body", "address", "person", "thread",
      "attachments": [{"content_type", "filename"}], "status", ...}]

`body` is as it stands now (null once unsent), `original` as it was first said. `person` is the name
of the cast, null for strangers. Calls have `call`, mails `labels` and `subject`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from simulator.channels import CHANNELS, CHATS, MAIL, SMS, VOICE
from simulator.store import files
from simulator.store.calls import PhoneCall
from simulator.store.chats import EDIT, Chat
from simulator.store.records import File, Mail, Sms
from simulator.store.state import State


class Truth:
    """The oracle of the tests. With `hashes` each attachment also tells its SHA-256."""

    def __init__(self, state: State, *, hashes: bool = False) -> None:
        self.state, self.hashes = state, hashes
        people = state.people
        self.by_phone = {p.phone: p.name for p in people if p.phone}
        self.by_mail = {p.email: p.name for p in people if p.email}
        self.by_contact = {
            (channel, c.address): p.name for p in people for channel, c in p.contacts.items()
        }

    def of(self, channel: str) -> list[dict[str, Any]]:
        """The messages of a channel in order of time; a deleted one is not there."""
        if channel == SMS:
            return [self._sms(sms) for sms in self.state.sms]
        if channel == MAIL:
            return [self._mail(mail) for mail in self.state.mails]
        if channel == VOICE:
            return [self._call(call) for call in self.state.calls.calls]
        return [self._chat(chat) for chat in self.state.chats.in_order(channel)]

    def all(self) -> list[dict[str, Any]]:
        return [message for channel in CHANNELS for message in self.of(channel)]

    def _sms(self, sms: Sms) -> dict[str, Any]:
        inbound = sms.direction == "inbound"
        address = sms.sender if inbound else sms.recipient
        return {
            "id": sms.sid,
            "channel": SMS,
            "direction": "inbound" if inbound else "outbound",
            "kind": "media" if sms.media else "text",
            "at": _iso(sms.created * 1000),
            "body": sms.body,
            "address": address,
            "person": self.by_phone.get(address),
            "thread": f"{sms.recipient if inbound else sms.sender}|{address}",
            "attachments": self._files([m.file for m in sms.media if not m.deleted]),
            "status": sms.status,
        }

    def _mail(self, mail: Mail) -> dict[str, Any]:
        outbound = "SENT" in mail.labels
        address = mail.to[0][1] if outbound and mail.to else mail.sender[1]
        return {
            "id": mail.id,
            "channel": MAIL,
            "direction": "outbound" if outbound else "inbound",
            "kind": "email",
            "at": _iso(mail.received_ms),
            "body": mail.text,
            "address": address,
            "person": self.by_mail.get(address.replace("+saltbush", "")),
            "thread": mail.thread_id,
            "attachments": self._files([*mail.files, *mail.inline]),
            "status": "sent" if outbound else "received",
            "subject": mail.subject,
            "labels": mail.labels,
        }

    def _call(self, call: PhoneCall) -> dict[str, Any]:
        root = call.root
        by_client = root.sender.startswith("client:")
        outbound = by_client or root.direction.startswith("outbound")
        address = root.recipient if outbound else root.sender
        if by_client and len(call.legs) > 1:
            address = call.legs[1].recipient
        recordings = [r for r in call.recordings if not r.deleted]
        return {
            "id": root.sid,
            "channel": VOICE,
            "direction": "outbound" if outbound else "inbound",
            "kind": "voicemail" if call.is_voicemail else "call",
            "at": _iso((root.started or root.created) * 1000),
            "body": call.transcript,
            "address": address,
            "person": self.by_phone.get(address),
            "thread": f"{root.number}|{address}",
            "attachments": [
                {"content_type": "audio/mpeg", "filename": f"{r.sid}.mp3"} for r in recordings
            ],
            "status": root.status,
            "call": {
                "seconds": root.seconds,
                "legs": [
                    {"sid": x.sid, "parent": x.parent_sid, "status": x.status, "to": x.recipient}
                    for x in call.legs
                ],
                "recordings": [{"sid": r.sid, "source": r.source} for r in recordings],
                "forwarded_from": root.forwarded_from,
            },
        }

    def _chat(self, chat: Chat) -> dict[str, Any]:
        reactions = [
            {"emoji": emoji, "is_ours": by_us} for by_us, emoji in sorted(chat.reactions.items())
        ]
        return {
            "id": chat.id,
            "channel": chat.channel,
            "direction": chat.direction,
            "kind": chat.kind,
            "at": _iso(chat.at_ms),
            "body": None if chat.unsent else chat.body,
            "original": chat.text,
            "address": chat.contact.address,
            "bsuid": chat.contact.bsuid or None,
            "hidden": chat.contact.hidden,
            "person": self.by_contact.get((chat.channel, chat.contact.address)),
            "thread": chat.thread,
            "attachments": self._files([m.file for m in chat.media]),
            "status": chat.status,
            "unsent": chat.unsent,
            "edits": sum(h.what == EDIT for h in chat.happenings),
            "reactions": reactions,
            "in_reply_to": chat.reply_to,
            "by_api": chat.by_api,
            "extra": chat.extra,
        }

    def _files(self, found: list[File]) -> list[dict[str, Any]]:
        shown = []
        for file in found:
            told: dict[str, Any] = {"content_type": file.content_type, "filename": file.name}
            if self.hashes and not files.is_trap(file):
                told["sha256"] = files.sha256(file).hex()
            shown.append(told)
        return shown


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")


def read(state: State, channel: str | None, *, hashes: bool) -> list[dict[str, Any]]:
    """GET /simulator/truth.

    Raises:
        ValueError: there is no such channel.
    """
    if channel is None:
        return Truth(state, hashes=hashes).all()
    if channel not in (SMS, MAIL, VOICE, *CHATS):
        raise ValueError(f"channel must be one of {', '.join(CHANNELS)}")
    return Truth(state, hashes=hashes).of(channel)
