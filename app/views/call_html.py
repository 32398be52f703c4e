"""A phone call or a voicemail as HTML: what became of it, how long it took, who answered, its legs."""

from __future__ import annotations

from typing import Any

from app.views import body_html, clock, escape, shapes
from app.views.components import icon

Row = dict[str, Any]

#: The kinds of message that are calls.
KINDS = ("call", "voicemail")
#: What Twilio's answering machine detection found.
ANSWERED_BY = {
    "human": "a person", "fax": "a fax machine", "unknown": "", "machine_start": "a machine",
    "machine_end_beep": "a machine", "machine_end_silence": "a machine", "machine_end_other": "a machine",
}  # fmt: skip
#: How a call ended that nobody took, in the provider's words and ours.
NOT_TAKEN = {
    "busy": "busy", "no-answer": "no answer", "canceled": "hung up before it was answered",
    "failed": "could not be connected",
}  # fmt: skip
UNDER_WAY = {
    "queued": "queued", "initiated": "being dialled", "ringing": "ringing", "in-progress": "under way",
}  # fmt: skip
#: Legs beyond this are counted, not listed.
MOST_LEGS = 40


def call(row: Row) -> str:
    """The line that says what happened, the details, the folded legs and the transcript."""
    computed = shapes.mapping(shapes.metadata(row).get("call"))
    transcript = str(row["body"] or "")
    said = (
        f'<p class="label">{icon("notes")} Transcript</p>{body_html.folded(transcript)}'
        if transcript.strip()
        else ""
    )
    return f"{_outcome(row, computed)}{_details(row, computed)}{_legs(computed)}{said}"


def is_withheld(row: Row) -> bool:
    """Whether the other side hid its number."""
    computed = shapes.mapping(shapes.metadata(row).get("call"))
    return bool(computed.get("withheld"))


def _outcome(row: Row, computed: Row) -> str:
    ours = row["direction"] == "outbound"
    provider_status = shapes.words(computed.get("provider_status"))
    seconds = shapes.count(computed.get("duration_seconds"))
    if row["kind"] == "voicemail":
        # What was said is shorter than the call, announcement and all.
        spoken = [
            shapes.count(each.get("duration_seconds"))
            for each in shapes.objects(row["attachments"])
        ]
        seconds = max(filter(None, spoken), default=seconds)
    # A call that nobody took lasts, too: as long as it rang, or as an announcement ran.
    lasted = f" · {clock.lasting(seconds)}" if seconds else ""
    if row["kind"] == "voicemail":
        return _line("voicemail", f"Voicemail{lasted}", "")
    name = "Outgoing call" if ours else "Incoming call"
    glyph = "call_made" if ours else "call_received"
    if row["status"] == "completed":
        return _line(glyph, f"{name}, answered{lasted}", "")
    if row["status"] in ("missed", "failed"):
        why = NOT_TAKEN.get(provider_status, "")
        first = "Missed call" if row["status"] == "missed" else f"{name}, not answered"
        return _line("phone_missed", f"{first}{f': {why}' if why else ''}", "bad")
    return _line(glyph, f"{name}, {UNDER_WAY.get(provider_status, 'under way')}", "")


def _line(glyph: str, words: str, kind: str) -> str:
    return f'<p class="outcome {kind}">{icon(glyph)} {escape.line(words)}</p>'


def _details(row: Row, computed: Row) -> str:
    answered_by = shapes.words(computed.get("answered_by"))
    answered_by = ANSWERED_BY.get(answered_by, answered_by)
    facts = [
        ("phone_forwarded", "forwarded from", shapes.words(computed.get("forwarded_from"))),
        ("support_agent", "answered by", answered_by),
        ("badge", "caller name", shapes.words(computed.get("caller_name"))),
    ]
    shown = [
        f"<span>{icon(glyph)} {what} <bdi>{escape.line(who)}</bdi></span>"
        for glyph, what, who in facts
        if who
    ]
    if row["kind"] == "voicemail" and computed.get("missed"):
        shown.insert(0, f"<span>{icon('phone_missed')} nobody answered</span>")
    return f'<p class="details">{"".join(shown)}</p>' if shown else ""


def _legs(computed: Row) -> str:
    legs = shapes.objects(computed.get("legs"))
    # One leg is the call itself.
    if len(legs) < 2:
        return ""
    more = f"<li>and {len(legs) - MOST_LEGS} more</li>" if len(legs) > MOST_LEGS else ""
    return (
        f'<details class="legs"><summary>{len(legs)} legs</summary><ol>'
        f"{''.join(map(_leg, legs[:MOST_LEGS]))}{more}</ol></details>"
    )


def _leg(leg: Row) -> str:
    seconds = shapes.count(leg.get("duration_seconds"))
    lasted = f" · {clock.lasting(seconds)}" if seconds else ""
    status = shapes.words(leg.get("status")).replace("-", " ")
    return (
        f"<li><bdi>{escape.line(leg.get('from') or 'unknown')}</bdi> to "
        f"<bdi>{escape.line(leg.get('to') or 'unknown')}</bdi>"
        f' <span class="facts">{escape.line(status)}{lasted}</span></li>'
    )
