"""How often something comes over a connection, by the hour of its week: whether a silence is one.

Time is counted in messages that would usually have come by now, so that a night counts next to nothing. How long the
pauses of the last weeks were in that measure is the connection's own habit: a silence is one when it is longer than its
longest ones, twice as long to be mentioned, three times to be alarming. Nothing is said of a connection of which too
little is known.

A public holiday counts as a Sunday. What the calendar does not know, a regional holiday for example, is told by the
other connections (`warehouse/health.py`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

HOURS = 7 * 24
#: What lies longer ago tells little of this week.
LEARNT = timedelta(weeks=8)
#: Fewer than this are no habit.
LEAST_EVENTS = 30
LEAST_DAYS = 3
#: Of the pauses, all but so few are usual: an outage of last month must not be the measure of this one.
USUAL_SHARE = 0.995
#: No pause is too short to be usual: half a dozen messages may come in a row.
LEAST_USUAL = 1.0
#: Of the mean, how often something comes at an hour at which nothing ever came.
SELDOM = 0.02
#: How often longer than usual a pause is, that is mentioned, and that is alarming.
MENTIONED, ALARMING = 2.0, 3.0
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Rhythm:
    """What is usual of one connection."""

    zone: ZoneInfo
    #: Messages an hour, Monday's first hour first.
    per_hour: tuple[float, ...]
    #: The longest usual pause, in messages that would have come meanwhile.
    usual: float

    @classmethod
    def of(cls, times: Sequence[datetime], zone: ZoneInfo, now: datetime) -> Rhythm | None:
        """The habit of the last weeks; None where too little is known.

        Args:
            times: when messages were sent, in their order.
        """
        since = now - LEARNT
        known = [each for each in times if since <= each <= now]
        if len(known) < LEAST_EVENTS or known[-1] - known[0] < timedelta(days=LEAST_DAYS):
            return None
        counted = [0] * HOURS
        for each in known:
            counted[_hour_of_week(each.astimezone(zone))] += 1
        weeks = max((now - known[0]) / timedelta(weeks=1), 1.0)
        floor = SELDOM * len(known) / weeks / HOURS
        smooth = (
            (counted[hour - 1] + 2 * counted[hour] + counted[(hour + 1) % HOURS]) / 4 / weeks
            for hour in range(HOURS)
        )
        rhythm = cls(zone, tuple(max(each, floor) for each in smooth), LEAST_USUAL)
        pauses = sorted(
            rhythm.expected(before, after) for before, after in itertools.pairwise(known)
        )
        place = min(len(pauses) - 1, math.ceil(USUAL_SHARE * len(pauses)) - 1)
        return cls(zone, rhythm.per_hour, max(LEAST_USUAL, pauses[place]))

    def expected(self, start: datetime, end: datetime) -> float:
        """How many messages usually come from one time to another."""
        found, at = 0.0, start
        while at < end:
            rate, next_at = self._hour(at)
            until = min(end, next_at)
            found += rate * ((until - at) / HOUR)
            at = until
        return found

    def pause(self, last: datetime, now: datetime) -> float:
        """How long the present pause is, in longest usual ones."""
        return self.expected(last, now) / self.usual

    def due(self, last: datetime, times: float = MENTIONED) -> datetime:
        """By when the next message should have come."""
        at, left = last, self.usual * times
        while at - last < LEARNT:
            rate, next_at = self._hour(at)
            comes = rate * ((next_at - at) / HOUR)
            if comes >= left:
                return at + HOUR * (left / rate)
            at, left = next_at, left - comes
        return at

    def _hour(self, at: datetime) -> tuple[float, datetime]:
        """How often something comes in the hour of a time, and when that hour ends."""
        there = at.astimezone(self.zone)
        passed = timedelta(
            minutes=there.minute, seconds=there.second, microseconds=there.microsecond
        )
        return self._rate(there), at + HOUR - passed

    def _rate(self, there: datetime) -> float:
        if there.date() in holidays(there.year):
            return self.per_hour[6 * 24 + there.hour]
        return self.per_hour[_hour_of_week(there)]


def _hour_of_week(there: datetime) -> int:
    return there.weekday() * 24 + there.hour


# -- holidays ------------------------------------------------------------------------------------


@cache
def holidays(year: int) -> frozenset[date]:
    """The days on which all of Australia rests, with those that stand in for one at a weekend."""
    easter = _easter(year)
    days = {
        date(year, 4, 25),
        easter - timedelta(days=2), easter - timedelta(days=1), easter, easter + timedelta(days=1),
    }  # fmt: skip
    for day in (date(year, 1, 1), date(year, 1, 26)):
        days |= {day, _after_weekend(day)}
    christmas, boxing = date(year, 12, 25), date(year, 12, 26)
    days |= {christmas, boxing}
    # Where one or both fall at a weekend, the next working days stand in.
    stands_in = boxing
    for day in (christmas, boxing):
        if day.weekday() >= 5:
            stands_in += timedelta(days=1)
            while stands_in.weekday() >= 5:
                stands_in += timedelta(days=1)
            days.add(stands_in)
    return frozenset(days)


def _after_weekend(day: date) -> date:
    return day + timedelta(days={5: 2, 6: 1}.get(day.weekday(), 0))


def _easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar."""
    golden, century = year % 19, year // 100
    skipped = century - century // 4 - (8 * century + 13) // 25
    epact = (19 * golden + skipped + 15) % 30
    epact -= epact // 28 * (1 - epact // 28 * (29 // (epact + 1)) * ((21 - golden) // 11))
    weekday = (year + year // 4 + epact + 2 - century + century // 4) % 7
    offset = epact - weekday
    month = 3 + (offset + 40) // 44
    return date(year, month, offset + 28 - 31 * (month // 4))
