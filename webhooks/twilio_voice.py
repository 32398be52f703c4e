"""Twilio Voice: call progress, recordings, voicemails, transcripts (docs/providers/twilio.md)."""

from __future__ import annotations

from dataclasses import replace

from webhooks import Answer, Delivery
from webhooks.twilio import EMPTY_TWIML, NOTHING, delivery_key, fields, is_stream, verify

__all__ = ["acknowledge", "delivery_key", "verify"]

#: Whoever is the Voice URL decides what the caller hears, and we are only to be told about calls.
ANSWERS_CALLS = (
    "this webhook is a number's Voice URL: its callers are hung up on; give the Voice URL back to "
    "what answers calls, and make this webhook the number's StatusCallback"
)
ENDED = frozenset({b"completed", b"busy", b"failed", b"no-answer", b"canceled"})
WAITING = frozenset({b"ringing", b"in-progress"})


def acknowledge(delivery: Delivery) -> Answer:
    """Nothing for callbacks; empty TwiML where the call waits for instructions, with an alarm if it still lives.

    https://www.twilio.com/docs/voice/twiml
    """
    if is_stream(delivery):
        return NOTHING
    said = fields(delivery)
    status = said.get(b"CallStatus")
    if b"TranscriptionEvent" in said:
        return NOTHING
    if b"TranscriptionStatus" in said and b"TranscriptionSid" in said:
        return NOTHING
    if b"RecordingStatus" in said:
        return NOTHING
    if b"RecordingUrl" in said and status and b"CallbackSource" not in said:
        # The action of <Record>: a voicemail was left and nothing is to follow it.
        return EMPTY_TWIML
    if b"CallbackSource" in said or b"SequenceNumber" in said or status in ENDED:
        return NOTHING
    if b"CallSid" in said and status in WAITING:
        return replace(EMPTY_TWIML, alarm=ANSWERS_CALLS)
    return NOTHING
