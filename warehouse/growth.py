"""How large everything is, how fast it grows, and in words until when the disk lasts.

The worker notes once a day how large the database is and how much of its disk is used (`jobs.sizes`). It grows as the
days of the last weeks did in the middle: one night in which a history of years was loaded, or a month was packed, is no
habit. What the disk is used for counts whole, with files, logs and what other programs write: it is the disk that
is full. Where the server is not on this host its disk is not ours to see, and only the database's growth is told.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import psycopg

from warehouse.queries import queries
from warehouse.settings import Settings

SQL = queries("growth")
#: So many days are needed before a habit is told, so many tell it, and so many are kept.
LEAST_DAYS, HABIT_DAYS, KEPT_DAYS = 7, 28, 90
#: What is farther away than this is no forecast.
FARTHEST = timedelta(days=5 * 365)
#: So many tables are listed.
MOST_TABLES = 10


@dataclass(frozen=True, kw_only=True)
class Disk:
    """Of the disk that the server's data lies on, where that is this host's; else of the data folder's."""

    free: int
    total: int
    #: Whether the database fills it.
    holds_database: bool

    @property
    def used(self) -> int:
        """What is kept back for root is used as well: nobody else can write there."""
        return self.total - self.free


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Bytes a day, as they came in the last weeks; None where too few days are known."""

    database: float | None = None
    disk: float | None = None


def disk(settings: Settings) -> Disk | None:
    """The disk that fills; None where there is no data folder, as with a database elsewhere."""
    ours = is_here(settings)
    cluster = settings.data_dir / "postgres"
    try:
        usage = shutil.disk_usage(cluster if ours and cluster.exists() else settings.data_dir)
    except OSError:
        return None
    return Disk(free=usage.free, total=usage.total, holds_database=ours)


def is_here(settings: Settings) -> bool:
    """Whether the warehouse is the server embedded here: a program knows no owner's URL, but where it signs in."""
    try:
        embedded = urlsplit(settings.embedded_url_file.read_text().strip())
        # Of a program each role signs in at the same place.
        given = [each.get_secret_value() for each in (settings.role_urls or {}).values()]
        used = urlsplit(given[0] if given else settings.admin_url)
    except OSError:
        return False
    return (embedded.hostname, embedded.port) == (used.hostname, used.port)


def note(settings: Settings, database: psycopg.Connection[Any]) -> None:
    """How large everything is today, unless that was noted; what was noted long ago is forgotten."""
    seen = disk(settings)
    used = seen.used if seen is not None and seen.holds_database else None
    database.execute(SQL["note"], {"disk_used": used})
    database.execute(SQL["forget"], {"days": KEPT_DAYS})


def growth(rows: Sequence[Mapping[str, Any]]) -> Growth:
    """How fast it grows, of the rows of jobs.sizes."""
    return Growth(database=_a_day(rows, "database_bytes"), disk=_a_day(rows, "disk_used"))


def _a_day(rows: Sequence[Mapping[str, Any]], column: str) -> float | None:
    """The middle one of the slopes between any two days: some odd days do not move it far."""
    known: list[tuple[date, int]] = [
        (row["noted_on"], row[column]) for row in rows if row[column] is not None
    ]
    known = sorted(known)[-HABIT_DAYS - 1 :]
    if not known or (known[-1][0] - known[0][0]).days < LEAST_DAYS:
        return None
    return median(
        (later - before) / (day - earlier).days
        for (earlier, before), (day, later) in combinations(known, 2)
    )


def lasts(seen: Disk | None, grows: Growth) -> timedelta | None:
    """In how long the disk is full; None where nobody can say, or where it never is."""
    if seen is None or not seen.holds_database or grows.disk is None or grows.disk <= 0:
        return None
    return min(timedelta(days=seen.free / grows.disk), FARTHEST)


def forecast(seen: Disk | None, grows: Growth) -> str:
    """The same in words."""
    ours = seen is not None and seen.holds_database
    rate = grows.disk if ours else grows.database
    if rate is None:
        return f"after {LEAST_DAYS} days it is known how fast {'the disk' if ours else 'it'} fills"
    if not ours:
        return f"the database {_grows(rate)}; its disk is not ours to see"
    left = lasts(seen, grows)
    if left is None:
        return "the disk does not fill"
    if left >= FARTHEST:
        return f"the disk is not full within five years ({_grows(rate)})"
    return f"the disk is full in {about(left)} ({_grows(rate)})"


def _grows(rate: float) -> str:
    if rate <= 0:
        return "does not grow"
    return f"grows by {size(rate)} a day"


def about(span: timedelta) -> str:
    """`about 5 months`"""
    days = span / timedelta(days=1)
    if days < 1:
        return "less than a day"
    for most, length, unit in ((14, 1, "day"), (60, 7, "week"), (700, 30.4, "month")):
        if days < most:
            number = max(1, round(days / length))
            return f"about {number} {unit}{'' if number == 1 else 's'}"
    return f"about {round(days / 365.25)} years"


def size(count: float) -> str:
    """`4.2 GiB`"""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit in ("bytes", "KiB") else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
