"""Eighteen months of correspondence before the anchor, the same for the same seed, size and
anchor."""

from __future__ import annotations

import random
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from simulator import conversations, hero, oddities
from simulator.catalogue import SHOP_ZONE
from simulator.conversations import SMS, Turn
from simulator.people import Person
from simulator.records import Mail, Sms
from simulator.scribe import write_mail, write_sms

SPAN_DAYS = 545
# Twilio serves messages for 13 months only; older correspondence of the shop is mail.
SMS_DAYS = 390
ODD_SHARE = 0.07
FIRST_HISTORY_ID = 90_000


@dataclass
class History:
    """Everything before the anchor; both lists are in order of time."""

    sms: list[Sms] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    last_history_id: int = FIRST_HISTORY_ID


def write(seed: int, messages: int, anchor: datetime, people: list[Person]) -> History:
    """Exactly `messages` messages over both channels (at least the hero's last days)."""
    history = History()
    weights = list(accumulate(p.weight for p in people))
    last_days = [
        (int((anchor - timedelta(hours=hours)).timestamp()), turn)
        for hours, turn in hero.script(people[0])
    ]
    total = max(messages, len(last_days))
    _add(history, last_days, f"{seed}|hero")
    number, newcomers = 0, iter(people)
    while len(history.sms) + len(history.mails) < total:
        rng = random.Random(f"{seed}|conversation|{number}")
        start = _start(rng, anchor)
        sms_allowed = start > anchor - timedelta(days=SMS_DAYS)
        if (
            rng.random() < ODD_SHARE * 4
        ):  # most stray messages stand alone, so their share is of conversations
            turns = [oddities.odd(rng, people, start, sms_allowed=sms_allowed)]
        else:
            # Everybody writes at least once, then the heavy correspondents take over.
            person = (
                next(newcomers, None) or people[bisect_right(weights, rng.random() * weights[-1])]
            )
            turns = conversations.plan(
                rng, person, start, sms_allowed=sms_allowed or person.email is None
            )
            if person.email is None and not sms_allowed:
                start = anchor - timedelta(days=rng.uniform(1, SMS_DAYS))
        room = total - len(history.sms) - len(history.mails)
        _add(history, _timed(turns, start, anchor)[:room], f"{seed}|{number}")
        number += 1
    history.sms.sort(key=lambda m: m.order)
    history.mails.sort(key=lambda m: m.order)
    rng = random.Random(f"{seed}|history ids")
    for mail in history.mails:
        history.last_history_id += rng.randint(1, 9)
        mail.history_id = history.last_history_id
    return history


def _start(rng: random.Random, anchor: datetime) -> datetime:
    """More conversations the nearer to today, and most of them while people are awake."""
    day = anchor - timedelta(days=SPAN_DAYS * rng.random() ** 1.35 + 0.2)
    hour = rng.choices(
        range(24),
        weights=[0, 0, 0, 0, 0, 1, 3, 8, 12, 12, 11, 10, 12, 9, 8, 9, 11, 13, 10, 9, 8, 6, 3, 1],
    )[0]
    local = day.astimezone(SHOP_ZONE).replace(
        hour=hour, minute=rng.randrange(60), second=rng.randrange(60), microsecond=0
    )
    return min(local.astimezone(UTC), anchor - timedelta(minutes=rng.randint(5, 600)))


def _timed(turns: list[Turn], start: datetime, anchor: datetime) -> list[tuple[int, Turn]]:
    """Times for the turns: answers by night wait for the morning, what lies after the anchor is
    unsaid."""
    timed: list[tuple[int, Turn]] = []
    at = start
    for turn in turns:
        at += timedelta(seconds=turn.gap)
        hour = at.astimezone(SHOP_ZONE).hour
        if timed and hour < 6:
            at += timedelta(hours=7 - hour)
        if at >= anchor:
            break
        timed.append((int(at.timestamp()), turn))
    return timed


def _add(history: History, timed: list[tuple[int, Turn]], key: str) -> None:
    previous: Mail | None = None
    for index, (at, turn) in enumerate(timed):
        if turn.channel == SMS:
            history.sms.append(write_sms(turn, at, f"{key}|{index}"))
        else:
            millisecond = random.Random(f"{key}|{index}").randrange(1000)
            previous = write_mail(turn, at * 1000 + millisecond, f"{key}|{index}", previous, 0)
            history.mails.append(previous)
