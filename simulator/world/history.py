"""Eighteen months of correspondence before the anchor, the same for the same seed, size and
anchor."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from simulator.channels import CHANNELS, INSTAGRAM, MAIL, MESSENGER, SMS, VOICE, WHATSAPP
from simulator.store.call_scribe import write_call
from simulator.store.calls import PhoneCall
from simulator.store.chat_scribe import write_chat
from simulator.store.chats import Chat
from simulator.store.records import Mail, Sms
from simulator.store.scribe import write_mail, write_sms
from simulator.world import hero, matters
from simulator.world.catalogue import SHOP_ZONE
from simulator.world.people import Person
from simulator.world.turns import Turn

SPAN_DAYS = 545
# How far back each channel goes: Twilio serves 13 months only, WhatsApp's app hands over 180 days.
DAYS = {SMS: 390, VOICE: 390, WHATSAPP: 175, INSTAGRAM: 400, MESSENGER: 400, MAIL: SPAN_DAYS}
ODD_SHARE = 0.07
FIRST_HISTORY_ID = 90_000


@dataclass
class History:
    """Everything before the anchor; all lists are in order of time."""

    sms: list[Sms] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    calls: list[PhoneCall] = field(default_factory=list)
    chats: list[Chat] = field(default_factory=list)
    last_history_id: int = FIRST_HISTORY_ID

    @property
    def size(self) -> int:
        return len(self.sms) + len(self.mails) + len(self.calls) + len(self.chats)


def write(seed: int, messages: int, anchor: datetime, people: list[Person]) -> History:
    """Exactly `messages` messages over all channels (at least the hero's last days)."""
    history = History()
    weights = list(accumulate(p.weight for p in people))
    last_days = [
        (int((anchor - timedelta(hours=hours)).timestamp()), turn)
        for hours, turn in hero.script(people[0])
    ]
    total = max(messages, len(last_days))
    _add(history, last_days, f"{seed}|hero")
    number, newcomers = 0, iter(people)
    while history.size < total:
        rng = random.Random(f"{seed}|conversation|{number}")
        start = _start(rng, anchor)
        if rng.random() < ODD_SHARE * 4:
            # Most stray messages stand alone, so their share is of conversations.
            turns = matters.stray(rng, people, start, _allowed(start, anchor))
        else:
            # Everybody writes at least once, then the heavy correspondents take over.
            newcomer = next(newcomers, None)
            person = newcomer or people[bisect_right(weights, rng.random() * weights[-1])]
            turns = matters.with_person(
                rng, person, start, _allowed(start, anchor), first=newcomer is not None
            )
            if not turns:  # only reached by channels that do not go back so far
                start = anchor - timedelta(days=rng.uniform(1, min(DAYS.values())))
                turns = matters.with_person(rng, person, start, CHANNELS)
        _add(history, _timed(turns, start, anchor)[: total - history.size], f"{seed}|{number}")
        number += 1
    for records in (history.sms, history.mails, history.calls, history.chats):
        records.sort(key=lambda m: m.order)
    rng = random.Random(f"{seed}|history ids")
    for mail in history.mails:
        history.last_history_id += rng.randint(1, 9)
        mail.history_id = history.last_history_id
    return history


def _allowed(start: datetime, anchor: datetime) -> list[str]:
    return [channel for channel in CHANNELS if start > anchor - timedelta(days=DAYS[channel])]


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


def _add(history: History, timed: Iterable[tuple[int, Turn]], key: str) -> None:
    """Write a conversation down. A mail answers the mail before it, a chat message may reply to the
    message before it on its channel."""
    answered: Mail | None = None
    said: dict[str, Chat] = {}
    for index, (at, turn) in enumerate(timed):
        each = f"{key}|{index}"
        millisecond = random.Random(each).randrange(1000)
        if turn.channel == SMS:
            history.sms.append(write_sms(turn, at, each))
        elif turn.channel == VOICE:
            history.calls.append(write_call(turn, at, each))
        elif turn.channel == MAIL:
            answered = write_mail(turn, at * 1000 + millisecond, each, answered, 0)
            history.mails.append(answered)
        else:
            chat = write_chat(turn, at * 1000 + millisecond, each, said.get(turn.channel))
            said[turn.channel] = chat
            history.chats.append(chat)
