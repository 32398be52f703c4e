"""The calls that Twilio knows, with their recordings and transcriptions, found by sid."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from typing import Any

from simulator.store.calls import Leg, PhoneCall, Recording, Transcription, call_from_json
from simulator.store.records import to_json

Record = Callable[[dict[str, Any]], None]


class CallBook:
    """Changes go through the journal: each method records, each `_apply` does."""

    def __init__(self, calls: list[PhoneCall], record: Record) -> None:
        self._record = record
        self.calls: list[PhoneCall] = []
        self.legs: list[Leg] = []
        self.recordings: list[Recording] = []
        self.transcriptions: list[Transcription] = []
        self.by_sid: dict[str, PhoneCall] = {}
        #: Recordings of conferences, which are of no one call.
        self.of_conferences: dict[str, Recording] = {}
        for call in calls:
            self.hold(call, sort=False)
        for records in (self.calls, self.legs, self.recordings, self.transcriptions):
            records.sort(key=lambda r: r.order)

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        return {
            "call": self._apply_call,
            "call_delete": self._apply_delete,
            "conference": self._apply_conference,
        }

    def add(self, call: PhoneCall, made: int) -> None:
        self._record({"what": "call", "made": made, "record": to_json(call)})

    def add_conference(self, recording: Recording, made: int) -> None:
        self._record({"what": "conference", "made": made, "record": to_json(recording)})

    def delete(self, sid: str) -> None:
        """Remove a leg, a recording or a transcription. Of a recording the metadata stay."""
        self._record({"what": "call_delete", "sid": sid})

    def leg(self, sid: str) -> Leg | None:
        call = self.by_sid.get(sid)
        return next((x for x in call.legs if x.sid == sid), None) if call else None

    def recording(self, sid: str) -> Recording | None:
        if sid in self.of_conferences:
            return self.of_conferences[sid]
        call = self.by_sid.get(sid)
        return next((x for x in call.recordings if x.sid == sid), None) if call else None

    def transcription(self, sid: str) -> Transcription | None:
        call = self.by_sid.get(sid)
        return next((x for x in call.transcriptions if x.sid == sid), None) if call else None

    def _apply_call(self, event: dict[str, Any]) -> None:
        self.hold(call_from_json(event["record"]))

    def _apply_conference(self, event: dict[str, Any]) -> None:
        recording = Recording(**event["record"])
        self.of_conferences[recording.sid] = recording
        insort(self.recordings, recording, key=lambda r: r.order)

    def hold(self, call: PhoneCall, *, sort: bool = True) -> None:
        pairs: tuple[tuple[list[Any], list[Any]], ...] = (
            (self.calls, [call]),
            (self.legs, call.legs),
            (self.recordings, call.recordings),
            (self.transcriptions, call.transcriptions),
        )
        for kept, new in pairs:
            for record in new:
                if sort:
                    insort(kept, record, key=lambda r: r.order)
                else:
                    kept.append(record)
                if record is not call:
                    self.by_sid[record.sid] = call

    def _apply_delete(self, event: dict[str, Any]) -> None:
        sid = event["sid"]
        recording = self.recording(sid)
        if recording is not None:
            recording.deleted = True
            return
        call = self.by_sid[sid]
        del self.by_sid[sid]
        self.legs = [leg for leg in self.legs if leg.sid != sid]
        self.transcriptions = [t for t in self.transcriptions if t.sid != sid]
        call.transcriptions = [t for t in call.transcriptions if t.sid != sid]
        if sid == call.root.sid:
            self.calls.remove(call)
        else:
            call.legs = [leg for leg in call.legs if leg.sid != sid]
