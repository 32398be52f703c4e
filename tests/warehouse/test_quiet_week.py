"""Weeks of an office are played against the health of a live warehouse, hour by hour, with a clock given from outside."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.long_form import LONG
from tests.warehouse.test_rhythm import SYDNEY, WEEK, messages
from warehouse import connections
from warehouse.health import Finding, Watch, judge
from warehouse.rhythm import ALARMING
from warehouse.settings import Role, Settings

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: Five weeks are known when the week with the holiday begins.
KNOWN = WEEK - timedelta(weeks=5)
SEEDS = range(12 if LONG else 1)
#: No provider's history confirms any of them, so that each is judged by its rhythm alone.
SHOPS = {
    "whatsapp": (
        "an office that closes",
        {"phone_number_id": "106540352242922", "business_account_id": "102290129340398", "access_token": "EAAG-invented"},
    ),
    "messenger": ("a small shop", {"page_id": "100200300400500", "access_token": "EAAG-invented"}),
    "instagram": ("always awake", {"account_id": "17841400008460056", "access_token": "IGAA-invented"}),
}  # fmt: skip


@pytest.fixture
def house(settings: Settings, admin: psycopg.Connection[Any]) -> dict[str, str]:
    """A connection of each shop, by its channel."""
    secret = {"app_secret": "a" * 32}
    return {
        channel: connections.add(
            admin, settings, channel=channel, name=shop, actor="test", values={**keys, **secret}
        ).connection_id
        for channel, (shop, keys) in SHOPS.items()
    }


def arrive(admin: psycopg.Connection[Any], of: dict[str, list[datetime]]) -> None:
    """Messages as the models make them, of which health asks when they were sent."""
    admin.execute("delete from canonical.messages")
    with (
        admin.cursor() as cursor,
        cursor.copy(
            "copy canonical.messages (message_id, connection_id, direction, sent_at, content_order, seen_via) from stdin"
        ) as copy,
    ):
        for connection_id, times in of.items():
            for number, at in enumerate(times):
                identity = f"{connection_id} {number}"
                copy.write_row((identity, connection_id, "inbound", at, "1", "{webhook}"))
    admin.execute("analyze canonical.messages")


class Office:
    """What health says of the connections, at any moment."""

    def __init__(self, settings: Settings) -> None:
        self.database = psycopg.connect(settings.url_for(Role.APP), autocommit=True)
        self.watch, self.learnt_at = Watch(), datetime.min.replace(tzinfo=UTC)

    def findings(self, now: datetime) -> list[Finding]:
        if now - self.learnt_at >= DAY:
            # A process learns anew every ten minutes; once a day will do where an hour is a step.
            self.watch, self.learnt_at = Watch(), now
        facts = self.watch.facts(self.database, SYDNEY, now=now)
        assert facts.now == now
        return [each for each in judge(facts) if each.connection_id]


def test_no_red_in_a_week_of_quiet_hours_and_a_silent_channel_is_found_by_its_own_measure(
    settings: Settings, admin: psycopg.Connection[Any], house: dict[str, str]
) -> None:
    for seed in SEEDS:
        chance = random.Random(f"office {seed}")
        end = WEEK + timedelta(days=14)
        of = {
            house[channel]: messages(shop, chance, KNOWN, end)
            for channel, (shop, _) in SHOPS.items()
        }
        # In the second week one of them breaks, and nobody says so.
        broken = house[chance.choice(list(SHOPS))]
        breaks = WEEK + timedelta(days=7 + chance.randrange(1, 3), hours=chance.randrange(24))
        of[broken] = [each for each in of[broken] if each < breaks]
        arrive(admin, of)
        office = Office(settings)
        now, last = WEEK, of[broken][-1]
        while now < last:
            now += HOUR
            found = office.findings(now)
            assert found == [], (seed, now.astimezone(SYDNEY), [each.sentence for each in found])
        kinds: list[str] = []
        while "bad" not in kinds:
            now += HOUR
            assert now < end, "never found"
            found = office.findings(now)
            assert {each.connection_id for each in found} <= {broken}, (seed, now)
            assert {each.what for each in found} <= {"silent"}
            kinds += [each.kind for each in found]
        # Amber goes before red, and red comes with the third of its own longest usual pauses.
        rhythm = office.watch.facts(office.database, SYDNEY, now=now).rhythms[broken]
        assert kinds[0] == "warn"
        assert rhythm.pause(last, now) >= ALARMING
        assert rhythm.pause(last, now - 2 * HOUR) < ALARMING
        # The provider calls again: one message, and all is well.
        admin.execute(
            "insert into canonical.messages (message_id, connection_id, direction, sent_at, content_order, seen_via)"
            " values ('again', %s, 'inbound', %s, '1', '{webhook}')",
            [broken, now],
        )
        assert office.findings(now + timedelta(minutes=1)) == []
        office.database.close()
