"""What makes a chat of a written conversation: reactions, replies to one message, corrections."""

from __future__ import annotations

import random

from simulator.channels import CHATS, WHATSAPP
from simulator.store.chats import EDIT, REACT, UNREACT
from simulator.world.people import Person
from simulator.world.turns import After, Turn

REACTIONS = ("❤️", "👍", "😂", "🙏", "🎉", "😮", "👍🏽", "🚲")
SHOP_REACTIONS = ("❤️", "👍", "😂", "🙏")
# What thumbs make of a word before it is corrected.
SLIPS = (
    ("ready", "reday"),
    ("thanks", "thnaks"),
    ("Thanks", "Thakns"),
    ("please", "plaese"),
    ("wheel", "wheal"),
    ("order", "ordre"),
    ("morning", "mornign"),
    ("with", "wiht"),
)


def enliven(rng: random.Random, person: Person, turns: list[Turn]) -> None:
    """Let some of the chat turns be replied to, reacted to or corrected."""
    previous: Turn | None = None
    for turn in turns:
        if turn.channel not in CHATS:
            previous = None
            continue
        inbound = turn.direction == "inbound"
        turn.replies = previous is not None and rng.random() < 0.1
        turn.by_api = turn.channel == WHATSAPP and not inbound and rng.random() < 0.04
        if rng.random() < 0.09:
            _react(rng, turn, by_us=inbound)
        if rng.random() < 0.06:
            _correct(rng, turn)
        previous = turn


def _react(rng: random.Random, turn: Turn, *, by_us: bool) -> None:
    """The other side reacts, now and then changes its mind."""
    seconds = rng.expovariate(1 / 120) + 4
    emoji = rng.choice(SHOP_REACTIONS if by_us else REACTIONS)
    turn.after.append(After(REACT, seconds, by_us, emoji=emoji))
    if rng.random() < 0.15:
        turn.after.append(After(UNREACT, seconds + rng.uniform(3, 40), by_us))


def _correct(rng: random.Random, turn: Turn) -> None:
    """The writer's first version had a slip of the thumb. Pages cannot correct what they sent."""
    if turn.direction == "outbound" and turn.channel != WHATSAPP:
        return
    for right, wrong in SLIPS:
        if right in turn.text and not turn.files:
            by_us = turn.direction == "outbound"
            turn.after.append(After(EDIT, rng.uniform(8, 200), by_us, text=turn.text))
            turn.text = turn.text.replace(right, wrong, 1)
            return
