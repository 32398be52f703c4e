"""How this installation stands as providers see it: whether they can call it, and whether its clock is theirs.

A call from here is not one from everywhere: a network may lead the public address nowhere from inside. So what is found
here is a reason for alarm only while nothing comes in (`warehouse/health.py`).
"""

from __future__ import annotations

import psycopg

from providers import own_address
from providers.health import note_outside
from warehouse.settings import Role, Settings

LOOK_SECONDS = 15.0


class Outside:
    """Looks, and tells what it found twice: one call that is lost is nothing."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._before = ""

    def look(self) -> str:
        """What keeps providers from calling us, in words, noted for the health page; empty where nothing does."""
        if not self.settings.public_url:
            # Nothing is registered anywhere then; connecting a channel says so.
            return ""
        found = "; ".join(
            own_address.problems(
                self.settings.public_url, played_here=bool(self.settings.provider_addresses)
            )
        )
        before, self._before = self._before, found
        if found and not before:
            return found
        with psycopg.connect(self.settings.url_for(Role.LOADER), autocommit=True) as database:
            note_outside(database, "address", found)
        return found
