"""What Twilio's webhooks of calls say: how they end, their recordings, transcriptions, voicemails.

Follows https://www.twilio.com/docs/voice/api/call-resource#statuscallback and
https://www.twilio.com/docs/voice/twiml (record, dial). The number's `status_callback` hears how a
call ended; the shop's phone menu, another system, names the same address for the legs it dials,
for recordings and for transcriptions.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from simulator.store.calls import Leg, PhoneCall, Recording, Transcription
from simulator.store.state import State
from simulator.twilio.twilio_pages import rfc2822

# What the sequence of a call made by the API is called, by the status it ends in.
PROGRESS = {
    "completed": ("initiated", "ringing", "in-progress", "completed"),
    "busy": ("initiated", "ringing", "busy"),
    "no-answer": ("initiated", "ringing", "no-answer"),
    "failed": ("initiated", "failed"),
    "canceled": ("initiated", "canceled"),
}
# (kind, ids for the log, parameters)
Told = tuple[str, dict[str, str], dict[str, str]]
PLACES = ("City", "State", "Zip")


class VoiceEvents:
    """Builds the parameters. `told` has everything about a call that is over."""

    def __init__(self, state: State) -> None:
        self.state = state

    def told(self, call: PhoneCall) -> list[Told]:
        """In the order in which Twilio tells it; the root's end is the last of the legs'."""
        found = []
        if call.is_voicemail:
            found.append(self.voicemail_left(call, call.recordings[0]))
        for leg in [*call.legs[:0:-1], call.root]:
            found += self.progress(leg)
        found += [self.recorded(r) for r in call.recordings]
        found += [self.transcribed(call, t) for t in call.transcriptions if call.is_voicemail]
        return found

    def progress(self, leg: Leg) -> list[Told]:
        """The end of a leg; of a call by the API all its steps."""
        by_api = leg.direction == "outbound-api"
        steps = PROGRESS[leg.status] if by_api else (leg.status,)
        return [
            ("call", {"sid": leg.sid, "status": s}, self._status(leg, s, n))
            for n, s in enumerate(steps, 3 if leg.parent_sid else 0)
        ]

    def voicemail_left(self, call: PhoneCall, recording: Recording) -> Told:
        """The request to the action of <Record>: the caller has hung up after the tone."""
        params = self._common(call.root, "in-progress") | {
            "RecordingUrl": self._address(recording.sid),
            "RecordingSid": recording.sid,
            "RecordingDuration": str(recording.seconds),
            "Digits": "hangup",
        }
        return ("voicemail", {"sid": recording.sid}, params)

    def recorded(self, recording: Recording) -> Told:
        params = {
            "RecordingSource": recording.source,
            "RecordingSid": recording.sid,
            "RecordingUrl": self._address(recording.sid),
            "RecordingStatus": recording.status,
            "RecordingChannels": str(recording.channels),
            "ErrorCode": "0",
            # Of a conference alone.
            **({"CallSid": recording.call_sid} if recording.call_sid else {}),
            **({"ConferenceSid": recording.conference_sid} if recording.conference_sid else {}),
            "RecordingStartTime": rfc2822(recording.started) or "",
            "AccountSid": self.state.accounts.account_sid,
            "RecordingDuration": str(recording.seconds),
        }
        if recording.source != "RecordVerb":
            params["RecordingTrack"] = "both"
        if recording.status == "absent":
            params |= {"ErrorCode": "13500", "RecordingDuration": "-1"}
            del params["RecordingUrl"]
        ids = {"sid": recording.sid, "status": recording.status}
        return ("recording", ids, params)

    def transcribed(self, call: PhoneCall, transcription: Transcription) -> Told:
        below = f"{transcription.recording_sid}/Transcriptions/{transcription.sid}"
        common = self._common(call.root, "completed")
        kept = ("Called", "CallStatus", "From", "Direction", "Caller", "CallSid", "To")
        params = {key: common[key] for key in ("ApiVersion", "AccountSid", *kept)} | {
            "TranscriptionType": "fast",
            "TranscriptionUrl": self._address(below),
            "TranscriptionSid": transcription.sid,
            "RecordingSid": transcription.recording_sid,
            "RecordingUrl": self._address(transcription.recording_sid),
            "TranscriptionText": transcription.text,
            "TranscriptionStatus": transcription.status,
            "url": "",
        }
        ids = {"sid": transcription.sid, "status": transcription.status}
        return ("transcription", ids, params)

    def spoken(self, call: PhoneCall) -> list[Told]:
        """A real-time transcription, with a draft before each sentence, as it is told meanwhile."""
        sid = f"GT{call.root.sid[2:]}"
        begun = (call.root.started or call.root.created) * 1000
        events: list[dict[str, str]] = [{"TranscriptionEvent": "transcription-started"}]
        for track, text in call.spoken:
            for words, final in ((text[: len(text) // 2], "false"), (text, "true")):
                data = json.dumps({"transcript": words, "confidence": 0.94})
                told = {"TranscriptionData": data, "Track": track, "Final": final}
                events.append({"TranscriptionEvent": "transcription-content", **told})
        events.append({"TranscriptionEvent": "transcription-stopped"})
        sent = []
        for number, event in enumerate(events, 1):
            at = datetime.fromtimestamp((begun + number * 1700) / 1000, UTC)
            params = event | {
                "LanguageCode": "en-AU",
                "TranscriptionSid": sid,
                "CallSid": call.root.sid,
                "Timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "AccountSid": self.state.accounts.account_sid,
                "SequenceId": str(number),
            }
            sent.append(("spoken", {"sid": sid, "n": str(number)}, params))
        return sent

    # -- parameters --------------------------------------------------------------------------------

    def _status(self, leg: Leg, status: str, number: int) -> dict[str, str]:
        over = status not in ("initiated", "ringing", "in-progress")
        at = (leg.ended or leg.created) if over else leg.created + 2 * number
        params = self._common(leg, status) | {
            "Timestamp": rfc2822(at) or "",
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(number),
        }
        if over:
            seconds = leg.seconds or 0
            params |= {"CallDuration": str(seconds), "Duration": str(-(-seconds // 60))}
        return params | ({"SipResponseCode": "404"} if status == "failed" else {})

    def _common(self, leg: Leg, status: str) -> dict[str, str]:
        """The parameters of every voice request, the empty ones included."""
        sides = ("From", "To", "Caller", "Called")
        params = {f"{side}{place}": "" for side in sides for place in PLACES}
        params |= {f"{side}Country": "AU" for side in sides}
        params |= {
            "Called": leg.recipient,
            "Caller": leg.sender,
            "From": leg.sender,
            "To": leg.recipient,
            "Direction": leg.direction,
            "CallSid": leg.sid,
            "CallStatus": status,
            "AccountSid": self.state.accounts.account_sid,
            "ApiVersion": "2010-04-01",
        }
        if leg.forwarded_from:
            params["ForwardedFrom"] = leg.forwarded_from
        if leg.parent_sid:
            params["ParentCallSid"] = leg.parent_sid
        if leg.sender.startswith("client:"):
            params["ApplicationSid"] = f"AP{self.state.accounts.account_sid[2:]}"
        if leg.sender.startswith("sip:"):
            params["SipDomain"] = leg.sender.partition("@")[2]
        return params

    def _address(self, below: str) -> str:
        account = self.state.accounts.account_sid
        return f"{self.state.base_url}/2010-04-01/Accounts/{account}/Recordings/{below}"
