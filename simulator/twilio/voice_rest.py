"""Twilio's REST API 2010-04-01: calls, recordings, transcriptions and the audio.

Follows https://www.twilio.com/docs/voice/api/call-resource, …/recording and
…/recording-transcription. Like its provider this project makes no call, so nothing here does.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulator.faults import Faults
from simulator.store import sounds
from simulator.store.calls import Leg, Recording, Transcription
from simulator.store.state import State
from simulator.twilio.twilio_errors import failure
from simulator.twilio.twilio_pages import date_tests, page, rfc2822

AUDIO = {".mp3": (sounds.mp3, "audio/mpeg"), ".wav": (sounds.wav, "audio/x-wav")}


class VoiceRest:
    """The calls of one account."""

    def __init__(self, state: State, faults: Faults, root: str) -> None:
        self.state, self.faults, self.root, self.book = state, faults, root, state.calls

    def calls(self, request: Request, form: dict[str, str]) -> Response:
        if request.method != "GET":
            return failure(20004)
        query = dict(request.query_params)
        starts, ends = date_tests(query, "StartTime"), date_tests(query, "EndTime")
        exact = {"To": "recipient", "From": "sender", "Status": "status"}
        found = (
            leg
            for leg in reversed(self.book.legs)
            if all(not query.get(k) or getattr(leg, a) == query[k] for k, a in exact.items())
            and query.get("ParentCallSid", leg.parent_sid) == leg.parent_sid
            and all(leg.started is not None and test(leg.started) for test in starts)
            and all(leg.ended is not None and test(leg.ended) for test in ends)
        )
        return JSONResponse(page(query, f"{self.root}/Calls.json", "calls", found, self._leg))

    def call(self, request: Request, form: dict[str, str], sid: str) -> Response:
        leg = self.book.leg(sid)
        if leg is None:
            return failure(20404)
        if request.method == "DELETE":
            self.book.delete(sid)
            return Response(status_code=204)
        return failure(20004) if request.method == "POST" else JSONResponse(self._leg(leg))

    def recordings(
        self, request: Request, form: dict[str, str], call_sid: str | None = None
    ) -> Response:
        """All of the account, or of one call. Deleted ones are listed on request."""
        query = dict(request.query_params)
        wanted, days = call_sid or query.get("CallSid"), date_tests(query, "DateCreated")
        soft = query.get("IncludeSoftDeleted", "").lower() == "true"
        found = (
            recording
            for recording in reversed(self.book.recordings)
            if (soft or not recording.deleted)
            and wanted in (None, recording.call_sid)
            and query.get("ConferenceSid") in (None, "", recording.conference_sid)
            and all(test(recording.created) for test in days)
        )
        below = f"/Calls/{call_sid}" if call_sid else ""
        path = f"{self.root}{below}/Recordings.json"
        return JSONResponse(page(query, path, "recordings", found, self._recording))

    def recording(
        self, request: Request, form: dict[str, str], sid: str, ending: str | None
    ) -> Response:
        """The resource (.json), or the audio (.mp3, .wav, nothing)."""
        recording = self.book.recording(sid)
        soft = request.query_params.get("IncludeSoftDeleted", "").lower() == "true"
        if recording is None or (recording.deleted and not (soft and ending == ".json")):
            return failure(20404)
        if request.method == "DELETE":
            self.book.delete(sid)
            return Response(status_code=204)
        if ending == ".json":
            return JSONResponse(self._recording(recording))
        if ending == ".mp3" and self.faults.hit("refuse_mp3"):
            return Response("Not Acceptable", 406, media_type="text/plain")
        make, content_type = AUDIO[ending or ".wav"]
        return Response(make(sid, recording.seconds), media_type=content_type)

    def transcriptions(
        self, request: Request, form: dict[str, str], recording_sid: str | None = None
    ) -> Response:
        query = dict(request.query_params)
        found = (
            transcription
            for transcription in reversed(self.book.transcriptions)
            if recording_sid in (None, transcription.recording_sid)
        )
        below = f"/Recordings/{recording_sid}" if recording_sid else ""
        path = f"{self.root}{below}/Transcriptions.json"
        return JSONResponse(page(query, path, "transcriptions", found, self._transcription))

    def transcription(self, request: Request, form: dict[str, str], sid: str) -> Response:
        transcription = self.book.transcription(sid)
        if transcription is None:
            return failure(20404)
        if request.method == "DELETE":
            self.book.delete(sid)
            return Response(status_code=204)
        return JSONResponse(self._transcription(transcription))

    # -- resources ---------------------------------------------------------------------------------

    def _leg(self, leg: Leg) -> dict[str, Any]:
        uri = f"{self.root}/Calls/{leg.sid}"
        number = next((n for n in self.state.numbers if n["phone_number"] == leg.number), None)
        priced = bool(leg.seconds) and not leg.sender.startswith("client:")
        return {
            "sid": leg.sid,
            "date_created": rfc2822(leg.created),
            "date_updated": rfc2822(leg.ended or leg.created),
            "parent_call_sid": leg.parent_sid,
            "account_sid": self.state.accounts.account_sid,
            "to": leg.recipient,
            "to_formatted": leg.recipient,
            "from": leg.sender,
            "from_formatted": leg.sender,
            "phone_number_sid": number["sid"] if number else None,
            "status": leg.status,
            "start_time": rfc2822(leg.started),
            "end_time": rfc2822(leg.ended),
            "duration": None if leg.seconds is None else str(leg.seconds),
            "price": f"-{0.013 * -(-(leg.seconds or 0) // 60):.5f}" if priced else None,
            "price_unit": "USD",
            "direction": leg.direction,
            "answered_by": None,
            "api_version": "2010-04-01",
            "forwarded_from": leg.forwarded_from,
            "group_sid": None,
            "caller_name": None,
            "queue_time": "0",
            "trunk_sid": None,
            "uri": f"{uri}.json",
            "subresource_uris": {"recordings": f"{uri}/Recordings.json"},
        }

    def _recording(self, recording: Recording) -> dict[str, Any]:
        uri = f"{self.root}/Recordings/{recording.sid}"
        return {
            "sid": recording.sid,
            "account_sid": self.state.accounts.account_sid,
            "call_sid": recording.call_sid,
            "conference_sid": recording.conference_sid,
            "date_created": rfc2822(recording.created),
            "date_updated": rfc2822(recording.created),
            "start_time": rfc2822(recording.started),
            "duration": str(recording.seconds),
            "status": "deleted" if recording.deleted else recording.status,
            "channels": recording.channels,
            "source": recording.source,
            "error_code": None,
            "price": "-0.0025",
            "price_unit": "USD",
            "api_version": "2010-04-01",
            "encryption_details": None,
            "uri": f"{uri}.json",
            "media_url": f"{self.state.base_url}{uri}",
            "subresource_uris": {"transcriptions": f"{uri}/Transcriptions.json"},
        }

    def _transcription(self, transcription: Transcription) -> dict[str, Any]:
        return {
            "sid": transcription.sid,
            "account_sid": self.state.accounts.account_sid,
            "recording_sid": transcription.recording_sid,
            "status": transcription.status,
            "type": "fast",
            "duration": str(transcription.seconds),
            "transcription_text": transcription.text,
            "date_created": rfc2822(transcription.created),
            "date_updated": rfc2822(transcription.created),
            "price": -0.05,
            "price_unit": "USD",
            "api_version": "2010-04-01",
            "uri": f"{self.root}/Transcriptions/{transcription.sid}.json",
        }
