"""What is kept of a connection between two fetches: counts, failures, and whether it rests."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from providers.health import Health
from warehouse.queries import queries

SQL = queries("media")
LONGEST_WORDS = 300
HOUR_SECONDS = 3600.0


class Notes:
    """In `jobs.connection_health`, job `media`, as its detail:

        {"states": {state: attachments}, "failures": [epoch seconds, of the last hour],
         "paused_until": ISO time or null, "paused_because": words or null}

    Written down at once: a crash must not forget that a provider is about to block us.
    """

    def __init__(self, health: Health) -> None:
        self.health = health
        row = health.database.execute(SQL["media_health"], health.named).fetchone()
        former = row[0] if row else {}
        self.states: dict[str, int] = former.get("states") or {}
        self.failures: list[float] = former.get("failures") or []
        until = former.get("paused_until")
        self.paused_until = datetime.fromisoformat(until) if until else None
        self.paused_because: str | None = former.get("paused_because")

    @property
    def is_resting(self) -> bool:
        """Whether nothing is to be asked for now."""
        return self.paused_until is not None and self.paused_until > datetime.now(UTC)

    def rest(self, seconds: float, words: str) -> None:
        """Nothing is to be asked for in the next seconds, and why."""
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        if self.paused_until is None or self.paused_until < until:
            self.paused_until, self.paused_because = until, words[:LONGEST_WORDS]
        self._keep()

    def failed(self, most: int) -> None:
        """A file could not be had. With `most` of them within an hour the connection rests until they are older."""
        now = time.time()
        self.failures = [
            *(at for at in self.failures if at > now - HOUR_SECONDS),
            round(now, 3),
        ]
        if len(self.failures) < most:
            self._keep()
            return
        words = f"{most} files could not be had within an hour; whoever goes on is blocked"
        self.rest(self.failures[-most] + HOUR_SECONDS - now, words)

    def counted(self, states: dict[str, int]) -> None:
        """How many attachments are in which state."""
        self.states = states
        if not self.is_resting:
            self.paused_until = self.paused_because = None
        self._keep()

    def _keep(self) -> None:
        self.health.detail = {
            "states": self.states,
            "failures": self.failures,
            "paused_until": self.paused_until.isoformat() if self.paused_until else None,
            "paused_because": self.paused_because,
        }
        self.health.progressed()
