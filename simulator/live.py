"""A stream of plausible live messages over both channels, a few conversations going on at once."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from datetime import UTC, datetime
from itertools import accumulate

from simulator import conversations, oddities
from simulator.arrivals import Arrivals
from simulator.conversations import SMS, Turn
from simulator.records import Mail

OPEN_CONVERSATIONS = 6


class Live:
    """Says the next turn of some open conversation, so many times a minute; off at the start."""

    def __init__(self, arrivals: Arrivals) -> None:
        self.arrivals, self.state = arrivals, arrivals.state
        self.per_minute = 0.0
        self._random = random.Random(f"{self.state.seed}|live|{self.state.made_count}")
        self._open: list[tuple[deque[Turn], list[Mail]]] = []
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
            self._open.append((deque(self._begin()), []))
        turns, mails = rng.choice(self._open)
        turn = turns.popleft()
        if turn.channel == SMS:
            final = rng.choices(
                ("delivered", "sent", "undelivered", "failed"), weights=(93, 4, 2, 1)
            )[0]
            self.arrivals.sms(turn, final=final)
        else:
            mail, _ = self.arrivals.mail(turn, mails[-1] if mails else None)
            mails.append(mail)
        self._open = [(left, said) for left, said in self._open if left]

    def _begin(self) -> list[Turn]:
        rng, people, now = self._random, self.state.people, datetime.now(UTC)
        if rng.random() < 0.1:
            return [oddities.odd(rng, people, now, sms_allowed=True)]
        person = rng.choices(people, cum_weights=list(accumulate(p.weight for p in people)))[0]
        return conversations.plan(rng, person, now)
