"""Turns become records here: they get a time, ids, labels and the status a provider would give."""

from __future__ import annotations

import hashlib
import random

from simulator.channels import SMS
from simulator.store.records import Mail, Media, Sms
from simulator.world import catalogue
from simulator.world.turns import Turn


def sid(prefix: str, *parts: object) -> str:
    """A Twilio SID: two letters and 32 hex digits made of the parts."""
    return (
        prefix + hashlib.md5("|".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()
    )


def digits(length: int, *parts: object) -> str:
    """A number of so many digits, made of the parts."""
    number = int(hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest(), 16)
    return str(number % (9 * 10 ** (length - 1)) + 10 ** (length - 1))


def gmail_id(at_ms: int, *parts: object) -> str:
    """A Gmail id: 16 hex digits that rise with time, as Gmail's do."""
    low = int(
        hashlib.md5("|".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()[:5], 16
    )
    return f"{at_ms << 20 | low:016x}"


def write_sms(turn: Turn, at: int, key: str, *, history: bool = True) -> Sms:
    """The record of an SMS turn at `at` (epoch seconds). `key` must be unique; the sid is made of
    it.
    With `history` an outbound message has had its end already; otherwise it starts as queued."""
    assert turn.channel == SMS
    rng = random.Random(f"{key}|status")
    status, error, sent = "received", None, at
    if turn.direction == "outbound":
        status = (
            rng.choices(("delivered", "sent", "undelivered", "failed"), weights=(93, 4, 2, 1))[0]
            if history
            else "queued"
        )
        error = {"undelivered": 30005, "failed": 30006}.get(status)
    media = [Media(sid("ME", key, n), file) for n, file in enumerate(turn.files)]
    return Sms(
        sid("MM" if media else "SM", key),
        turn.sender[1],
        turn.to[0][1],
        turn.text,
        "inbound" if turn.direction == "inbound" else "outbound-api",
        status,
        at,
        sent if history or turn.direction == "inbound" else None,
        at + (rng.randint(1, 9) if history else 0),
        media,
        error,
    )


def write_mail(turn: Turn, at_ms: int, key: str, previous: Mail | None, history_id: int) -> Mail:
    """The record of a mail turn; `previous` is the mail of the same conversation that it
    answers."""
    answered = previous if turn.answers else None
    identity = gmail_id(at_ms, key)
    domain = turn.sender[1].rpartition("@")[2] or "example.com"
    subject = turn.subject
    if answered is not None:
        subject = (
            answered.subject if answered.subject.startswith("Re: ") else f"Re: {answered.subject}"
        )
    return Mail(
        id=identity,
        thread_id=answered.thread_id if answered else identity,
        history_id=history_id,
        received_ms=at_ms,
        sender=turn.sender,
        to=turn.to,
        cc=turn.cc,
        bcc=turn.bcc,
        subject=subject,
        text=turn.text,
        labels=list(turn.labels) if turn.labels is not None else _labels(turn, at_ms),
        message_id=f"<{sid('', key)[:20]}@mail.{domain}>",
        shape=turn.shape,
        charset=turn.charset,
        client=turn.client,
        language=turn.language,
        bottom_posting=turn.bottom_posting,
        reply_to=answered.id if answered else None,
        references=[*answered.references, answered.message_id][-12:] if answered else [],
        files=turn.files,
        inline=turn.inline,
        headers=turn.headers,
    )


def _labels(turn: Turn, at_ms: int) -> list[str]:
    if turn.direction == "outbound":
        return ["SENT"] if turn.sender[1].endswith(catalogue.DOMAIN) else ["INBOX"]
    return ["INBOX", "CATEGORY_PERSONAL"] + (["IMPORTANT"] if at_ms % 7 == 0 else [])
