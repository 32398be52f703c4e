"""Percentiles and result rows."""

from __future__ import annotations

import pytest

from benchmarks.figures import percentile, result


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(value) for value in range(1, 101)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.95) == 95
    assert percentile(values, 0.99) == 99
    assert percentile(values, 1.0) == 100
    assert percentile([7.0], 0.5) == 7


def test_a_percentile_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError):
        percentile([], 0.5)


def test_a_row_says_its_share_of_the_limit_and_its_goal() -> None:
    row = result("posts", 50.0, "posts/s", limit=100.0, goal="ratio ≥ 0.5")
    assert row["ratio"] == 0.5
    assert row["what"] == "posts (goal ratio ≥ 0.5)"
    assert result("errors", 0, "posts")["ratio"] is None
