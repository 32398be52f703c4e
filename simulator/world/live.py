"""A stream of plausible live messages over all channels, a few conversations going on at once."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate

from simulator.channels import CHANNELS, MAIL, SMS
from simulator.control.arrivals import Arrivals
from simulator.store.chats import Chat
from simulator.store.records import Mail
from simulator.world import matters
from simulator.world.turns import Turn

OPEN_CONVERSATIONS = 8
STRAY_SHARE = 0.12


@dataclass
class Open:
    """A conversation that goes on: what is still to be said, the last mail, and the last message of
    each chat."""

    turns: deque[Turn]
    mail: Mail | None = None
    said: dict[str, Chat] = field(default_factory=dict)


class Live:
    """Says the next turn of some open conversation, so many times a minute; off at the start."""

    def __init__(self, arrivals: Arrivals) -> None:
        self.arrivals, self.state = arrivals, arrivals.state
        self.per_minute = 0.0
        self._random = random.Random(f"{self.state.seed}|live|{self.state.made_count}")
        self._open: list[Open] = []
        self._task: asyncio.Task[None] | None = None

    def set(self, per_minute: float, seed: int | None) -> None:
        """Start, change or (0) stop the stream. With a seed the same people say the same things."""
        if seed is not None:
            self._random, self._open = random.Random(f"{self.state.seed}|live|seed {seed}"), []
        self.per_minute = per_minute
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if per_minute > 0:
            self._task = self.arrivals.courier.start(self._run())

    async def _run(self) -> None:
        while True:
            # Not the stream's own random numbers: what is said must not hang on how fast it is
            # said.
            await asyncio.sleep(60 / self.per_minute * random.uniform(0.6, 1.4))
            self.say()

    def say(self) -> None:
        """One message now."""
        rng = self._random
        if len(self._open) < OPEN_CONVERSATIONS:
            begun: list[Turn] = []
            while not begun:
                begun = self._begin()
            self._open.append(Open(deque(begun)))
        talk = rng.choice(self._open)
        turn = talk.turns.popleft()
        if turn.channel == SMS:
            final = rng.choices(
                ("delivered", "sent", "undelivered", "failed"), weights=(93, 4, 2, 1)
            )[0]
            self.arrivals.sms(turn, final=final)
        elif turn.channel == MAIL:
            talk.mail, _ = self.arrivals.mail(turn, talk.mail)
        elif turn.call is not None:
            self.arrivals.call(turn)
        else:
            replied = talk.said.get(turn.channel) if turn.replies else None
            at_ms = self.arrivals.now_ms()
            final = rng.choices(("read", "delivered", "sent"), weights=(80, 15, 5))[0]
            chat, _ = self.arrivals.chats.say(turn, at_ms=at_ms, replied=replied, final=final)
            talk.said[turn.channel] = chat
        self._open = [talk for talk in self._open if talk.turns]

    def _begin(self) -> list[Turn]:
        rng, people, now = self._random, self.state.people, datetime.now(UTC)
        if rng.random() < STRAY_SHARE:
            return matters.stray(rng, people, now, CHANNELS)
        person = rng.choices(people, cum_weights=list(accumulate(p.weight for p in people)))[0]
        return matters.with_person(rng, person, now, CHANNELS)
