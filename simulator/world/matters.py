"""What comes up in the shop: a written conversation, a few calls, or one stray message."""

from __future__ import annotations

import random
from collections.abc import Collection
from datetime import datetime

from simulator.channels import CHATS, MAIL, SMS, VOICE
from simulator.world import chat_oddities, conversations, oddities, phone
from simulator.world.people import Person
from simulator.world.turns import Turn

# Of the first of the cast these write in charsets of their own, or from right to left.
BY_MAIL = (3, 4, 5)
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
    nothing where none of them reaches the person. The `first` time it is a text or a mail, so that
    the smallest history has enough of both."""
    channels = conversations.reachable(person, allowed)
    if first:
        wanted = MAIL if person.key in BY_MAIL else SMS
        return conversations.plan(rng, person, at, allowed=channels, first_on=wanted)
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
