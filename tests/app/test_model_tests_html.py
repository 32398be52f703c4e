"""What the nightly tests of the models found, in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from app.views import model_tests_html

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)


def found(status: str = "pass", failures: int = 0, test: str = "unique_messages") -> dict[str, Any]:
    return {
        "test": test,
        "status": status,
        "failures": failures,
        "tested_at": NOW - timedelta(hours=3),
    }


def test_before_the_first_night_nothing_is_called_good() -> None:
    html = model_tests_html.summary([], NOW)
    assert "have not been tested here yet" in html
    assert "good" not in html


def test_all_is_well_is_said_with_its_time() -> None:
    html = model_tests_html.summary([found(), found()], NOW)
    assert "All 2 data tests of the models passed 3 hours ago." in html


def test_what_failed_is_named() -> None:
    rows = [
        found("fail", 12, "assert_one"),
        found("fail", 1, "assert_two"),
        found("error", 0, "assert_<three>"),
        found(),
    ]
    html = model_tests_html.summary(rows, NOW)
    assert "3 of 4 data tests of the models did not pass 3 hours ago." in html
    assert "<code>assert_one</code>: 12 rows are wrong" in html
    assert "<code>assert_two</code>: 1 row is wrong" in html
    assert "<code>assert_&lt;three&gt;</code>: could not be run" in html
    assert "unique_messages" not in html
