"""Whether our clock is that of the providers: each of their answers says what time it is there.

Proofs of deliveries and of our own right hold for minutes: with a wrong clock they are refused, and the sentence of the
refusal names something else.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

#: The header bears whole seconds, and an answer is some time under way.
TOLERATED_SECONDS = 60.0

_ahead: float | None = None


def heard(date: str | None) -> None:
    """Take the `Date` of an answer that has just come."""
    global _ahead
    try:
        _ahead = time.time() - parsedate_to_datetime(date).timestamp() if date else _ahead
    except (ValueError, OverflowError):
        # No date.
        return


def problem() -> str | None:
    """How far our clock is from theirs, in words; empty where it is not, None where nobody has said what time it is."""
    if _ahead is None:
        return None
    if abs(_ahead) < TOLERATED_SECONDS:
        return ""
    minutes = round(abs(_ahead) / 60)
    way = "ahead of" if _ahead > 0 else "behind"
    return f"The clock of this machine is {minutes} {'minute' if minutes == 1 else 'minutes'} {way} the provider's"
