"""What comes up in the shop: a written conversation, a few calls, or one stray message."""

from __future__ import annotations

import random
from collections.abc import Collection
from datetime import datetime

from simulator import chat_oddities, conversations, oddities, phone
from simulator.channels import CHATS, MAIL, SMS, VOICE
from simulator.people import POLYGLOTS, Person
from simulator.turns import Turn

CALL_SHARE, STRAY_CHAT_SHARE = 0.24, 0.35


def with_person(
    rng: random.Random,
    person: Person,
    at: datetime,
    allowed: Collection[str],
    *,
    first: bool = False,
) -> list[Turn]:
    """What this person and the shop say to each other at about `at`, over the allowed channels;
    nothing where none of them reaches the person. The `first` time, who writes in another language
    does so by mail."""
    channels = conversations.reachable(person, allowed)
    if first and person.key in POLYGLOTS:
        return conversations.plan(rng, person, at, allowed=channels, own_mail=True)
    if VOICE in channels and (channels == [VOICE] or rng.random() < CALL_SHARE):
        return phone.plan(rng, person, at)
    return conversations.plan(rng, person, at, allowed=channels)


def stray(
    rng: random.Random, people: list[Person], at: datetime, allowed: Collection[str]
) -> list[Turn]:
    """One message that belongs to no conversation."""
    if any(c in allowed for c in CHATS) and rng.random() < STRAY_CHAT_SHARE:
        turn = chat_oddities.odd(rng, people, at, allowed)
        if turn is not None:
            return [turn]
    if MAIL not in allowed and SMS not in allowed:
        return []
    return [oddities.odd(rng, people, at, sms_allowed=SMS in allowed)]
