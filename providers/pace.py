"""How fast a provider may be asked: one pace for an account in a process, whoever asks."""

from __future__ import annotations

import threading
import time
from functools import cache

from providers.failures import BACK_OFF, TryLater


class Pace:
    """The pace of one account in this process. Several threads may ask."""

    #: Who asks for pauses, in words.
    provider = "the provider"

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._next_call = 0.0
        self._closed_until = 0.0

    def wait(self) -> None:
        """Sleep until the next call may be made.

        Raises:
            TryLater: the provider asked for a longer pause than is worth waiting for.
        """
        with self._lock:
            now = time.monotonic()
            closed = self._closed_until - now
            if closed > BACK_OFF.patience_seconds:
                raise TryLater(f"{self.name}: {self.provider} asks for a pause", closed)
            start = max(now, self._next_call, self._closed_until)
            self._next_call = start + self.seconds_between_calls
        time.sleep(max(0.0, start - now))

    @property
    def seconds_between_calls(self) -> float:
        """None, where a provider sets no such pace."""
        return 0.0

    @property
    def is_closed(self) -> bool:
        """Whether the provider asked for a pause that is not over."""
        return self._closed_until > time.monotonic()

    def close(self, seconds: float) -> None:
        """No call for so long."""
        if seconds > 0:
            self._closed_until = max(self._closed_until, time.monotonic() + seconds)


@cache
def pace_of(name: str) -> Pace:
    """The pace of an account; the steps of a pull follow each other in one process."""
    return Pace(name)
