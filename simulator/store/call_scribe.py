"""A planned call becomes Twilio's resources: legs, recordings, transcriptions."""

from __future__ import annotations

import random

from simulator.store.calls import Leg, PhoneCall, Recording, Transcription
from simulator.store.scribe import sid
from simulator.world.people import SHOP_NUMBERS
from simulator.world.turns import CallPlan, Turn

STAFF_PHONES = ("+61491570159", "+61491570313")
RING_SECONDS = 7
# What a missed call is called, by who made it.
WORDS = {"missed": "no-answer", "busy": "busy", "canceled": "canceled", "failed": "failed"}


def write_call(turn: Turn, at: int, key: str) -> PhoneCall:
    """The record of a call that began at `at` (epoch seconds). `key` must be unique; all sids are
    made of it."""
    assert turn.call
    inbound = turn.direction == "inbound"
    rng = random.Random(f"{key}|call")
    if inbound:
        call = _inbound(turn, turn.call, at, key, rng)
    elif turn.call.via == "client":
        call = _from_browser(turn, turn.call, at, key)
    else:
        call = _by_api(turn, turn.call, at, key)
    _record(call, turn.call, key)
    return call


def _inbound(turn: Turn, plan: CallPlan, at: int, key: str, rng: random.Random) -> PhoneCall:
    """The caller's leg, and below it the one that rings at the shop."""
    sender, number = turn.sender[1], turn.to[0][1]
    is_open = plan.outcome in ("answered", "menu", "voicemail")
    lasted = plan.seconds + (RING_SECONDS if plan.outcome == "answered" else 0)
    if plan.outcome == "voicemail":
        lasted += 21  # the greeting, and the ringing before it
    root = Leg(
        sid("CA", key),
        None,
        sender,
        number,
        "inbound",
        "completed" if is_open else WORDS[plan.outcome],
        at,
        at,
        at + lasted,
        lasted if is_open else 0,
        number,
        plan.forwarded_from or None,
    )
    legs = [root]
    if plan.outcome == "menu":
        return PhoneCall(legs)
    answered = plan.outcome == "answered"
    child = _dialled(root, sender, rng.choice(STAFF_PHONES), f"{key}|child", answered, plan.seconds)
    legs.append(child)
    if plan.transferred and answered:
        other = next(p for p in SHOP_NUMBERS if p != number)
        legs.append(
            _dialled(child, child.recipient, other, f"{key}|grandchild", True, plan.seconds // 2)
        )
    return PhoneCall(legs)


def _from_browser(turn: Turn, plan: CallPlan, at: int, key: str) -> PhoneCall:
    """A browser phone's own leg is inbound at Twilio; the customer is on the leg below it."""
    client, number = turn.sender
    lasted = plan.seconds + RING_SECONDS
    root = Leg(
        sid("CA", key),
        None,
        client,
        "",
        "inbound",
        "completed",
        at,
        at,
        at + lasted,
        lasted,
        number,
    )
    answered = plan.outcome == "answered"
    child = _dialled(root, number, turn.to[0][1], f"{key}|child", answered, plan.seconds)
    if not answered:
        child.status = WORDS[plan.outcome]
    return PhoneCall([root, child])


def _by_api(turn: Turn, plan: CallPlan, at: int, key: str) -> PhoneCall:
    answered = plan.outcome == "answered"
    status = "completed" if answered else WORDS[plan.outcome]
    started = at + 1 if plan.outcome != "canceled" else None
    root = Leg(
        sid("CA", key),
        None,
        turn.sender[1],
        turn.to[0][1],
        "outbound-api",
        status,
        at,
        started,
        at + RING_SECONDS + plan.seconds,
        plan.seconds if answered else None,
        turn.sender[1],
    )
    return PhoneCall([root])


def _dialled(
    parent: Leg, sender: str, recipient: str, key: str, answered: bool, seconds: int
) -> Leg:
    """The leg that <Dial> makes."""
    begun = parent.created + RING_SECONDS
    return Leg(
        sid("CA", key),
        parent.sid,
        sender,
        recipient,
        "outbound-dial",
        "completed" if answered else "no-answer",
        parent.created + 1,
        begun,
        begun + (seconds if answered else 15),
        seconds if answered else 0,
        parent.number,
    )


def _record(call: PhoneCall, plan: CallPlan, key: str) -> None:
    """What was recorded of it, and written down from that."""
    source = "RecordVerb" if plan.outcome == "voicemail" else plan.recorded
    if not source or (plan.outcome != "voicemail" and plan.outcome != "answered"):
        return
    root = call.root
    ended = root.ended or root.created
    channels = 2 if source == "DialVerb" else 1
    recording = Recording(
        sid("RE", key),
        root.sid,
        source,
        "completed",
        channels,
        plan.seconds,
        ended - plan.seconds,
        ended + 2,
    )
    call.recordings.append(recording)
    if not plan.transcribed or (source != "RecordVerb" and not plan.transcript):
        return
    status = "completed" if plan.transcript else "failed"
    call.transcriptions.append(
        Transcription(
            sid("TR", key), recording.sid, status, plan.transcript, plan.seconds, ended + 130
        )
    )
    if plan.outcome == "answered":
        sentences = [s.strip() + "." for s in plan.transcript.split(".") if s.strip()]
        tracks = ("outbound_track", "inbound_track")
        call.spoken = [(tracks[n % 2], text) for n, text in enumerate(sentences)]
