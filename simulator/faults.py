"""What may go wrong on demand, and how often.

A fault that hits is given as a rate or a count: a JSON fraction such as 0.2 hits that share of the
cases (1.0 all of them), a JSON integer such as 3 hits the next three and then stops; 0 is off.
"""

from __future__ import annotations

import random
import time
from collections import deque
from typing import Any

# Rates or counts. Of the webhooks and pushes: drop, forge. Of the REST calls: the rest.
HITS = {
    "drop": "a webhook or push is never sent",
    "forge": "a webhook or push is sent with a wrong proof",
    "http_429": "a REST call answers 429",
    "http_500": "a REST call answers 500 (Twilio) or 503 (Gmail)",
    "gmail_rate_limit": "a Gmail call answers 403 userRateLimitExceeded",
    "invalid_grant": "the token endpoint answers 400 invalid_grant",
}
AMOUNTS = {
    "delay_seconds": "every webhook and push waits so long first",
    "duplicate_max": "up to so many extra copies of every webhook and push",
    "shuffle": "webhooks and pushes are reordered within a window of so many seconds (true: 0.5)",
    "expire_history_before": 'history ids below this answer 404 ("now": all handed out so far)',
    "gmail_units_per_minute": "Gmail's quota, above it 403 userRateLimitExceeded (Google's: 6000)",
}
ACTIONS = {
    "expire_access_tokens": "all access tokens handed out so far answer 401",
    "rotate_signing_key": "Pub/Sub signs with a new key; the old certificate is served as well",
}


class UnknownFault(ValueError):
    """There is no such fault, or its value cannot be one."""


class Faults:
    """The faults in force. All off at the start."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(f"{seed}|faults")
        self.values: dict[str, float | int] = dict.fromkeys([*HITS, *AMOUNTS], 0)
        self._spent: deque[tuple[float, int]] = deque()

    def set(self, wanted: dict[str, Any]) -> None:
        """Change the named faults, leave the others.

        Raises:
            UnknownFault: names the key; then nothing is changed.
        """
        checked: dict[str, float | int] = {}
        for name, value in wanted.items():
            if name not in self.values:
                raise UnknownFault(
                    f"no fault named {name!r}; there are {', '.join([*self.values, *ACTIONS])}"
                )
            if value is True:
                value = 0.5 if name == "shuffle" else 1.0
            if value is None or value is False:
                value = 0
            if not isinstance(value, (int, float)) or value < 0:
                raise UnknownFault(f"{name} needs a number from 0 up")
            if name in HITS and isinstance(value, float) and value > 1:
                raise UnknownFault(
                    f"{name} needs a rate from 0.0 to 1.0 or a whole number of times"
                )
            checked[name] = value
        self.values.update(checked)

    def hit(self, name: str) -> bool:
        """Whether this fault strikes now; counts down if it is a count."""
        value = self.values[name]
        if not value:
            return False
        if isinstance(value, int):
            self.values[name] = value - 1
            return True
        return self.random.random() < value

    def copies(self) -> int:
        return 1 + self.random.randint(0, int(self.values["duplicate_max"]))

    def pause(self) -> float:
        """Seconds before one copy is sent."""
        return float(self.values["delay_seconds"]) + self.random.random() * float(
            self.values["shuffle"]
        )

    def over_quota(self, units: int) -> bool:
        """Spend Gmail quota units; true when the minute's budget is used up."""
        budget, now = int(self.values["gmail_units_per_minute"]), time.monotonic()
        if not budget:
            return False
        while self._spent and self._spent[0][0] < now - 60:
            self._spent.popleft()
        if sum(spent for _, spent in self._spent) + units > budget:
            return True
        self._spent.append((now, units))
        return False
