"""How large everything is, and until when the disk lasts: by what was noted each day, and in words."""

from __future__ import annotations

import shutil
from collections import namedtuple
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from warehouse import growth
from warehouse.growth import Disk, Growth, forecast
from warehouse.health import Watch
from warehouse.settings import Role, Settings

GIB = 1024**3
Usage = namedtuple("Usage", "total used free")
FIRST = date(2026, 11, 1)


def days(*used: int | None, database: int = GIB) -> list[dict[str, Any]]:
    """Rows of jobs.sizes; the database grows by a mebibyte a day."""
    return [
        {
            "noted_on": FIRST + timedelta(days=number),
            "database_bytes": database + number * 1024**2,
            "disk_used": each,
        }
        for number, each in enumerate(used)
    ]


def disk(free: float, *, holds_database: bool = True) -> Disk:
    return Disk(free=round(free * GIB), total=500 * GIB, holds_database=holds_database)


def test_a_habit_is_what_most_days_do() -> None:
    even = [10 * GIB + number * GIB for number in range(29)]
    assert growth.growth(days(*even)).disk == GIB
    # A history of years came in one night, and one month was packed: neither is a habit.
    loaded = [each + (200 * GIB if number >= 9 else 0) for number, each in enumerate(even)]
    assert growth.growth(days(*loaded)).disk == pytest.approx(GIB, rel=0.6)
    packed = [each - (90 * GIB if number >= 25 else 0) for number, each in enumerate(even)]
    assert growth.growth(days(*packed)).disk == pytest.approx(GIB, rel=0.05)
    # What was long ago is none either.
    assert growth.growth(days(*([0] * 40), *even)).disk == GIB


def test_before_a_week_is_known_nothing_is_foretold() -> None:
    assert growth.growth([]) == Growth()
    assert growth.growth(days(*range(7))) == Growth()
    few = growth.growth(days(*range(8)))
    assert (few.disk, few.database) == (1.0, 1024**2)
    # Days on which nobody saw the disk, such as those of a server elsewhere.
    assert growth.growth(days(*([None] * 20), 1, 2)) == Growth(database=1024**2)


@pytest.mark.parametrize(
    ("free", "rate", "words"),
    [
        (0.4, 1, "the disk is full in less than a day (grows by 1.0 GiB a day)"),
        (1, 1, "the disk is full in about 1 day (grows by 1.0 GiB a day)"),
        (9.2, 1, "the disk is full in about 9 days (grows by 1.0 GiB a day)"),
        (30, 1, "the disk is full in about 4 weeks (grows by 1.0 GiB a day)"),
        (150, 1, "the disk is full in about 5 months (grows by 1.0 GiB a day)"),
        (200, 0.25, "the disk is full in about 2 years (grows by 256.0 MiB a day)"),
        (200, 0.001, "the disk is not full within five years (grows by 1.0 MiB a day)"),
        (0, 1, "the disk is full in less than a day (grows by 1.0 GiB a day)"),
        (200, 0, "the disk does not fill"),
        (200, -3, "the disk does not fill"),
        (200, None, "after 7 days it is known how fast the disk fills"),
    ],
)
def test_the_forecast_in_words(free: float, rate: float | None, words: str) -> None:
    grows = Growth(disk=None if rate is None else rate * GIB)
    assert forecast(disk(free), grows) == words


def test_of_a_disk_elsewhere_no_word_is_said() -> None:
    away = disk(3, holds_database=False)
    words = "the database grows by 1.0 MiB a day; its disk is not ours to see"
    for seen in (away, None):
        assert forecast(seen, Growth(database=1024.0**2, disk=1.0 * GIB)) == words
        assert forecast(seen, Growth()) == "after 7 days it is known how fast it fills"
        assert growth.lasts(seen, Growth(disk=1.0 * GIB)) is None


def test_a_day_is_noted_once(
    settings: Settings, admin: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100 * GIB, 0, 60 * GIB))
    settings.data_dir.mkdir(parents=True, exist_ok=True)

    def noted() -> list[Any]:
        return admin.execute(
            "select disk_used, database_bytes > 1000000 from jobs.sizes order by noted_on"
        ).fetchall()

    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as loader:
        admin.execute(
            "insert into jobs.sizes (noted_on, database_bytes) values (current_date - 200, 1)"
        )
        # The server is another one than this folder's.
        growth.note(settings, loader)
        assert noted() == [(None, True)]
        # A worker of the host that it runs on sees more.
        settings.embedded_url_file.write_text(settings.admin_url + "\n")
        assert growth.is_here(settings)
        growth.note(settings, loader)
        assert noted() == [(40 * GIB, True)]
        monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100 * GIB, 0, 10 * GIB))
        growth.note(settings, loader)
        assert noted() == [(40 * GIB, True)]
    program = Settings(
        role_urls={"crm_app": settings.url_for(Role.APP)},
        data_dir=settings.data_dir, _env_file=None,
    )  # fmt: skip
    assert growth.is_here(program)
    settings.embedded_url_file.write_text("postgresql://crm_owner:x@127.0.0.1:1/crm\n")
    assert not growth.is_here(program)
    assert not growth.is_here(settings)


def test_the_largest_tables_with_their_partitions_and_indexes(
    settings: Settings, admin: psycopg.Connection[Any]
) -> None:
    # One that nobody else asks for, so that only its size is waited for.
    admin.execute("create table public.set_aside (number integer primary key, said text)")
    admin.execute(
        "insert into public.set_aside select n, repeat('said ', 40) from generate_series(1, 60000) as n"
    )
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as app:
        tables = {row["name"]: row for row in Watch().facts(app, settings.zone).tables}
        assert len(tables) == growth.MOST_TABLES
        found = next(iter(tables.values()))
        assert found["name"] == "public.set_aside"
        assert found["bytes"] > 60_000 * 200
        assert 0 < found["index_bytes"] < found["bytes"] / 2
        # Partitions are one table.
        assert not any("webhook_deliveries_" in name for name in tables)

        # Somebody rewrites it: who looks waits for a second, and sees the rest as ever.
        with admin.transaction():
            admin.execute("lock table public.set_aside in access exclusive mode")
            facts = Watch().facts(app, settings.zone)
            assert facts.tables == ()
            assert facts.house
