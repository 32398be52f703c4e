"""How fast Graph may be called: 2 calls a second and account, slower where Meta says that much is used up.

    X-App-Usage                   {"call_count": 28, "total_time": 25, "total_cputime": 25}
    X-Business-Use-Case-Usage     {"<account>": [{"type": "messenger", "call_count": 95, …,
                                   "estimated_time_to_regain_access": 12}]}

The numbers are percentages of what is allowed in an hour; the time is in minutes, 0 while calls are answered.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from providers.failures import BACK_OFF, TryLater

#: Meta allows 2 calls a second and account (docs/providers/meta.md).
SECONDS_BETWEEN_CALLS = 0.5
#: From this usage on (percent) calls come slower, up to SLOWEST times as slow at 100.
HIGH_USAGE = 75.0
SLOWEST = 20.0
USAGE_HEADERS = ("x-app-usage", "x-business-use-case-usage")
USAGES = ("call_count", "total_time", "total_cputime")


class Pace:
    """The pace of one account in this process. Several threads may ask."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._next_call = 0.0
        self._closed_until = 0.0
        self._slower = 1.0

    def wait(self) -> None:
        """Sleep until the next call may be made.

        Raises:
            TryLater: Meta asked for a longer pause than is worth waiting for.
        """
        with self._lock:
            now = time.monotonic()
            closed = self._closed_until - now
            if closed > BACK_OFF.patience_seconds:
                raise TryLater(f"{self.name}: Meta asks for a pause", closed)
            start = max(now, self._next_call, self._closed_until)
            self._next_call = start + SECONDS_BETWEEN_CALLS * self._slower
        time.sleep(max(0.0, start - now))

    @property
    def is_closed(self) -> bool:
        """Whether Meta asked for a pause that is not over."""
        return self._closed_until > time.monotonic()

    def told(self, headers: Mapping[str, str]) -> None:
        """Take in the usage that an answer told."""
        usage = max(
            (_percent(entry.get(name)) for entry in _usages(headers) for name in USAGES),
            default=0.0,
        )
        over = max(0.0, min(usage, 100.0) - HIGH_USAGE) / (100.0 - HIGH_USAGE)
        self._slower = 1.0 + over * (SLOWEST - 1.0)
        self.close(seconds_to_regain(headers) or 0.0)

    def close(self, seconds: float) -> None:
        """No call for so long."""
        if seconds > 0:
            self._closed_until = max(self._closed_until, time.monotonic() + seconds)


@cache
def pace_of(name: str) -> Pace:
    """The pace of an account; the steps of a pull follow each other in one process."""
    return Pace(name)


def seconds_to_regain(headers: Mapping[str, str]) -> float | None:
    """How long until Meta takes calls again, where it says that it does not."""
    minutes = [_percent(entry.get("estimated_time_to_regain_access")) for entry in _usages(headers)]
    return max(minutes, default=0.0) * 60 or None


def _usages(headers: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for name in USAGE_HEADERS:
        try:
            found = json.loads(headers.get(name) or "{}")
        except ValueError:
            continue
        if not isinstance(found, dict):
            continue
        yield found
        for entries in found.values():
            if isinstance(entries, list):
                yield from (entry for entry in entries if isinstance(entry, dict))


def _percent(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
