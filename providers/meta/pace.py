"""How fast Graph may be called: 2 calls a second and account, slower where Meta says that much is used up.

    X-App-Usage                   {"call_count": 28, "total_time": 25, "total_cputime": 25}
    X-Business-Use-Case-Usage     {"<account>": [{"type": "messenger", "call_count": 95, …,
                                   "estimated_time_to_regain_access": 12}]}

The numbers are percentages of what is allowed in an hour; the time is in minutes, 0 while calls are answered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from providers import pace

#: Meta allows 2 calls a second and account (docs/providers/meta.md).
SECONDS_BETWEEN_CALLS = 0.5
#: From this usage on (percent) calls come slower, up to SLOWEST times as slow at 100.
HIGH_USAGE = 75.0
SLOWEST = 20.0
USAGE_HEADERS = ("x-app-usage", "x-business-use-case-usage")
USAGES = ("call_count", "total_time", "total_cputime")


class Pace(pace.Pace):
    """The pace of one account in this process. Several threads may ask."""

    provider = "Meta"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._slower = 1.0

    @property
    def seconds_between_calls(self) -> float:
        return SECONDS_BETWEEN_CALLS * self._slower

    def told(self, headers: Mapping[str, str]) -> None:
        """Take in the usage that an answer told."""
        usage = max(
            (_percent(entry.get(name)) for entry in _usages(headers) for name in USAGES),
            default=0.0,
        )
        over = max(0.0, min(usage, 100.0) - HIGH_USAGE) / (100.0 - HIGH_USAGE)
        self._slower = 1.0 + over * (SLOWEST - 1.0)
        self.close(seconds_to_regain(headers) or 0.0)


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
