"""Whether our clock is that of the providers: each of their answers says what time it is there.

Proofs of deliveries and of our own right hold for minutes: with a wrong clock they are refused, and the sentence of the
refusal names something else. Answers to pulls are heard as they come; between pulls one provider is asked for nothing
but the time: HEAD of its API's root, without credentials.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterable
from email.utils import parsedate_to_datetime

from providers.failures import ProviderFailed
from providers.safe_http import Hosts, SafeClient
from warehouse.channels import registry
from warehouse.connections import Connection, UnusableConnection

#: The header bears whole seconds, and an answer is some time under way.
TOLERATED_SECONDS = 60.0
#: Who does not answer by then is away; the next one is asked.
ASKED_SECONDS = 5.0

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


def ask(connections: Iterable[Connection]) -> str | None:
    """What `problem` says after asking the providers of these connections, one after the other.

    The first one that finds our clock right is enough; it is wrong where all that answer say so. None where none does.
    """
    found = None
    for base in _bases(connections):
        date = _date(base)
        if date is None:
            continue
        heard(date)
        found = problem()
        if not found:
            break
    return found


def _bases(connections: Iterable[Connection]) -> list[str]:
    """Where the providers of these connections answer, each once."""
    found = {}
    for connection in connections:
        known = registry().get(connection.channel)
        try:
            provider = (
                importlib.import_module(f"providers.{known.provider}.allowed") if known else None
            )
            if provider is not None:
                provider.GUARD.check("HEAD", "/")
                found[provider.base_of(connection)] = True
        except (ModuleNotFoundError, UnusableConnection):
            # A provider that says nothing of where it answers, and a connection that its pulls complain of.
            continue
    return list(found)


def _date(base: str) -> str | None:
    """The `Date` that an address answers with, whatever else it answers."""
    asking = SafeClient(
        read_seconds=ASKED_SECONDS, total_seconds=ASKED_SECONDS, grace_seconds=ASKED_SECONDS
    )
    try:
        with asking.head(f"{base}/", Hosts.of_base(base)) as answer:
            # An answer that was kept on the way bears the time at which it was made.
            is_kept = answer.headers.get("age", "0") != "0"
            return None if is_kept else answer.headers.get("date")
    except (ProviderFailed, ValueError):
        # It is away, or the address of the connection is none.
        return None
