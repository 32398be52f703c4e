"""How this installation stands as providers see it: whether they can call it, and whether its clock is theirs.

A call from here is not one from everywhere: a network may lead the public address nowhere from inside. So what is found
here is a reason for alarm only while nothing comes in (`warehouse/health.py`).
"""

from __future__ import annotations

import psycopg

from providers import clock, own_address
from providers.health import note_outside
from warehouse.connections import Connection
from warehouse.queries import queries
from warehouse.settings import Role, Settings

SQL = queries("watchdog")
LOOK_SECONDS = 15.0
#: Pulls hear what time it is with their answers, but may be five minutes apart: a wrong clock is found within one.
CLOCK_SECONDS = 30.0


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


def look_at_clock(settings: Settings) -> str | None:
    """How far our clock is from that of the providers, in words, noted for the health page; None where none answers."""
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as database:
        rows = database.execute(SQL["connected_to"]).fetchall()
        asked = [
            # Nothing secret is needed to know where a provider answers.
            Connection(connection_id=its, channel=channel, name=name, settings=given, secrets={})
            for its, channel, name, given in rows
        ]
        found = clock.ask(asked)
        if found is not None:
            note_outside(database, "clock", found)
        return found
