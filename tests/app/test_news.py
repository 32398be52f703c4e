"""An idle page asks nothing; a fold, a file and a lost listener each make it ask."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from app import database, news
from app.shown import Shown
from warehouse.settings import Settings

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.fixture
def listening(settings: Settings) -> Iterator[None]:
    database.use(settings)
    news.listen()
    yield
    news.close()
    database.close()


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("channel", ["crm_changed", "crm_media"])
def test_a_notification_is_news(
    listening: None, admin: psycopg.Connection[Any], channel: str
) -> None:
    eventually(lambda: news.count() is not None)
    before = news.count()
    assert before is not None
    admin.execute(f"notify {channel}, 'c0ffee'")  # type: ignore[arg-type]
    eventually(lambda: (news.count() or 0) > before)


def test_a_lost_listener_knows_nothing_and_comes_back(
    listening: None, admin: psycopg.Connection[Any]
) -> None:
    eventually(lambda: news.count() is not None)
    before = news.count()
    assert before is not None
    admin.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'crm app news'"
    )
    eventually(lambda: news.count() is None)
    eventually(lambda: (news.count() or 0) > before)


def test_a_page_reads_when_something_may_have_changed() -> None:
    shown = Shown.opened("c1", [], 50)

    def wants(count: int | None, seconds: float) -> bool:
        return shown.wants_reading(count, NOW + timedelta(seconds=seconds), anyway_seconds=10)

    assert [wants(1, 0), wants(1, 1), wants(1, 9)] == [True, False, False]
    assert [wants(2, 9.5), wants(2, 10)] == [True, False]
    assert [wants(2, 19.5), wants(2, 20)] == [True, False]
    assert [wants(None, 21), wants(None, 22), wants(3, 23), wants(3, 24)] == [
        True,
        True,
        True,
        False,
    ]
