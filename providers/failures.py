"""What can go wrong when a provider is asked: one tree, in words that an admin can act on.

None holds a body or a secret.

ProviderFailed
├── Permanent        repeating changes nothing
│   ├── NotAllowed   we do not ask, or do not take, this: our own guard says no
│   └── NotAccepted  the provider does not accept the request
│       └── Gone     there is nothing of this name
├── NeedsAdmin       credentials or rights: somebody must change something
└── TryLater         the provider is slow, limited or away: repeat with a growing pause
    └── Resting      it asks us to slow down: nothing more of this connection for some time
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


class ProviderFailed(Exception):
    """What was wanted did not come about; what was done before stays."""

    #: That of the provider's answer, where there was one.
    status: int | None = None
    #: Whether it stands in the log already. It stays with the failure from a child process to its parent.
    is_told: bool = False


class Permanent(ProviderFailed):
    """Repeating it changes nothing."""


class NotAllowed(Permanent):
    """We do not ask for this, or do not take it: where it leads, what it would do, or what comes from there."""


class NotAccepted(Permanent):
    """The provider does not accept the request."""


class Gone(NotAccepted):
    """The provider says that there is nothing of this name."""


class NeedsAdmin(ProviderFailed):
    """The provider refuses us; somebody must change something there or in the connection."""


class TryLater(ProviderFailed):
    """The provider cannot answer now.

    `after_seconds` is what the provider asked for, if it did.
    """

    def __init__(self, words: str, after_seconds: float | None = None) -> None:
        super().__init__(words)
        self.after_seconds = after_seconds


class Resting(TryLater):
    """The provider asks us to slow down: this connection asks for nothing more for some time."""


@dataclass
class BackOff:
    """Pauses between attempts: exponential with full jitter, at least what the provider asks for.

    Six attempts span about a minute, which is the window in which Gmail counts.
    """

    attempts: int = 7
    first_seconds: float = 1.0
    longest_seconds: float = 30.0
    #: A longer pause is left to the queue, and so is a provider that hangs for so long in all.
    patience_seconds: float = 60.0

    def pause(self, attempt: int, after_seconds: float | None = None) -> None:
        """Sleep before attempt number `attempt` + 1 (the first is 0)."""
        drawn = random.uniform(0.5, 1.0) * self.first_seconds * 2**attempt  # noqa: S311
        time.sleep(max(min(self.longest_seconds, drawn), after_seconds or 0.0))

    def run(self, call: Callable[[], T]) -> T:
        """The answer of `call`, repeated while it raises TryLater.

        Raises:
            TryLater: the last attempt failed too, or more patience is asked for than there is.
        """
        waited = 0.0
        for attempt in range(self.attempts):
            started = time.monotonic()
            try:
                return call()
            except TryLater as failure:
                waited += time.monotonic() - started
                asked = failure.after_seconds or 0.0
                if attempt == self.attempts - 1 or max(waited, asked) > self.patience_seconds:
                    raise
                self.pause(attempt, failure.after_seconds)
        raise AssertionError("a back-off has at least one attempt")


#: One for all providers; a test makes it short.
BACK_OFF = BackOff()
#: Where somebody waits for the answer, also where it is no.
ONCE = BackOff(attempts=1)


def seconds_asked(header: str | None) -> float | None:
    """The seconds of a Retry-After header, when it is a number (its date form is not used by these)."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None
