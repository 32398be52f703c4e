"""What Twilio keeps of a phone call: its legs, recordings and transcriptions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Leg:
    """A Call resource. Times are epoch seconds; `started` is None if it was never dialled, and
    `seconds` None where Twilio leaves the duration empty. `number` is the number of ours that it
    belongs to."""

    sid: str
    parent_sid: str | None
    sender: str
    recipient: str
    direction: str
    status: str
    created: int
    started: int | None
    ended: int | None
    seconds: int | None
    number: str
    forwarded_from: str | None = None

    @property
    def order(self) -> tuple[int, str]:
        return (self.created, self.sid)


@dataclass
class Recording:
    """A Recording resource; its audio is made of the sid (sounds.py). That of a conference has no call."""

    sid: str
    call_sid: str | None
    source: str
    status: str
    channels: int
    seconds: int
    started: int
    created: int
    deleted: bool = False
    conference_sid: str | None = None

    @property
    def order(self) -> tuple[int, str]:
        return (self.created, self.sid)


@dataclass
class Transcription:
    """A Transcription resource; without `text` where it failed."""

    sid: str
    recording_sid: str
    status: str
    text: str
    seconds: int
    created: int

    @property
    def order(self) -> tuple[int, str]:
        return (self.created, self.sid)


@dataclass
class PhoneCall:
    """One talk, or the attempt at one. The first leg is the root; `spoken` are the sentences that a
    real-time transcription tells: (inbound_track or outbound_track, text)."""

    legs: list[Leg]
    recordings: list[Recording] = field(default_factory=list)
    transcriptions: list[Transcription] = field(default_factory=list)
    spoken: list[tuple[str, str]] = field(default_factory=list)

    @property
    def root(self) -> Leg:
        return self.legs[0]

    @property
    def order(self) -> tuple[int, str]:
        return self.root.order

    @property
    def is_voicemail(self) -> bool:
        return any(r.source == "RecordVerb" and r.seconds > 0 for r in self.recordings)

    @property
    def transcript(self) -> str:
        return next((t.text for t in self.transcriptions if t.status == "completed"), "")


def call_from_json(data: dict[str, Any]) -> PhoneCall:
    """The record of records.to_json."""
    return PhoneCall(
        [Leg(**leg) for leg in data["legs"]],
        [Recording(**r) for r in data["recordings"]],
        [Transcription(**t) for t in data["transcriptions"]],
        [(track, text) for track, text in data["spoken"]],
    )
