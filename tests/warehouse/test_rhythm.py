"""A silence is judged by a connection's own week: quiet nights, weekends and holidays are none, a real one is found."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.long_form import LONG
from warehouse.rhythm import ALARMING, LEARNT, MENTIONED, Rhythm, holidays

SYDNEY = ZoneInfo("Australia/Sydney")
#: The Monday of the simulated week is a holiday of all Australia.
WEEK = datetime(2026, 1, 26, tzinfo=SYDNEY).astimezone(UTC)
SEEDS = range(60 if LONG else 6)
STEP = timedelta(minutes=15)

#: Messages an hour: by day, of an evening, at night, and what part of it at a weekend.
SHOPS = {
    "a busy desk": (12.0, 1.5, 0.05, 0.2),
    "a small shop": (1.5, 0.3, 0.0, 0.1),
    "an office that closes": (4.0, 0.0, 0.0, 0.0),
    "always awake": (3.0, 3.0, 3.0, 1.0),
    "seldom": (0.15, 0.05, 0.0, 0.3),
}


def rate(shop: str, there: datetime) -> float:
    day, evening, night, weekend = SHOPS[shop]
    found = day if 9 <= there.hour < 17 else evening if 7 <= there.hour < 22 else night
    rests = there.weekday() >= 5 or there.date() in holidays(there.year)
    return found * weekend if rests else found


def messages(shop: str, chance: random.Random, start: datetime, end: datetime) -> list[datetime]:
    """Arrivals by chance at the hour's rate, some of which are answered within minutes: conversations."""
    found, at = [], start
    most = max(SHOPS[shop]) or 1.0
    while (at := at + timedelta(hours=chance.expovariate(most))) < end:
        if chance.random() < rate(shop, at.astimezone(SYDNEY)) / most:
            found.append(at)
            while chance.random() < 0.4:
                found.append(found[-1] + timedelta(minutes=chance.uniform(0.2, 6)))
    return sorted(each for each in found if each < end)


@pytest.mark.parametrize("shop", SHOPS)
def test_a_week_with_quiet_nights_a_weekend_and_a_holiday_is_no_silence(shop: str) -> None:
    longest = 0.0
    for seed in SEEDS:
        known = messages(
            shop, random.Random(f"{shop} {seed}"), WEEK - LEARNT, WEEK + timedelta(days=8)
        )
        rhythm = Rhythm.of(known, SYDNEY, WEEK)
        assert rhythm is not None
        last, at = max(each for each in known if each <= WEEK), WEEK
        coming = [each for each in known if each > WEEK]
        while at < WEEK + timedelta(days=7):
            at += STEP
            while coming and coming[0] <= at:
                last = coming.pop(0)
            longest = max(longest, rhythm.pause(last, at))
    assert longest < MENTIONED


@pytest.mark.parametrize("shop", SHOPS)
def test_a_channel_that_falls_silent_is_found_within_three_of_its_own_longest_pauses(
    shop: str,
) -> None:
    for seed in SEEDS:
        chance = random.Random(f"{shop} {seed} silent")
        known = messages(shop, chance, WEEK - LEARNT, WEEK + timedelta(days=chance.randrange(1, 5)))
        last = known[-1]
        rhythm = Rhythm.of(known, SYDNEY, last)
        assert rhythm is not None
        mentioned, alarming = rhythm.due(last), rhythm.due(last, ALARMING)
        assert (
            rhythm.pause(last, mentioned - STEP) < MENTIONED <= rhythm.pause(last, mentioned + STEP)
        )
        assert rhythm.pause(last, alarming) == pytest.approx(ALARMING, abs=0.1)
        # In hours of its own: three of the longest pauses that it had, nights and weekends aside.
        pauses = [rhythm.expected(a, b) for a, b in itertools.pairwise(known)]
        assert rhythm.expected(last, alarming) <= 3 * max(max(pauses), 1.0) + 1e-6
        # One that seldom says anything is waited for as seldom.
        assert shop == "seldom" or alarming - last < timedelta(days=5)


def test_of_too_little_nothing_is_said() -> None:
    few = [WEEK - timedelta(hours=hours) for hours in range(29, 0, -1)]
    assert Rhythm.of(few, SYDNEY, WEEK) is None
    assert Rhythm.of([], SYDNEY, WEEK) is None
    at_once = [WEEK - timedelta(minutes=minutes) for minutes in range(500, 0, -1)]
    assert Rhythm.of(at_once, SYDNEY, WEEK) is None


def test_the_holidays_of_all_australia() -> None:
    told = {each.isoformat() for each in holidays(2026) | holidays(2027) | holidays(2028)}
    assert {"2026-01-26", "2026-04-03", "2026-04-06", "2026-12-25", "2026-12-28"} <= told
    assert {"2027-03-26", "2027-12-27", "2027-12-28", "2028-01-03", "2028-04-17"} <= told
    assert "2026-12-29" not in told
