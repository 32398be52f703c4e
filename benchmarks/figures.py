"""One line of a benchmark's result, and the percentiles that stand in it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of all values do not exceed: the nearest rank, never a mean of two.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("a percentile of nothing")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def result(
    what: str,
    value: float,
    unit: str,
    *,
    limit: float | None = None,
    goal: str | None = None,
) -> dict[str, Any]:
    """A row of `results`.

    Args:
        limit: what this machine does at best, measured in the same run, in the same unit.
        goal: the figure that the issue asks for, in words.
    """
    ratio = value / limit if limit else None
    return {
        "what": what if goal is None else f"{what} (goal {goal})",
        "value": value,
        "unit": unit,
        "limit": limit,
        "ratio": ratio,
        "goal": goal,
    }


def document(
    name: str, scale: int, machine: dict[str, Any], results: list[dict[str, Any]]
) -> dict[str, Any]:
    """What `run` returns."""
    return {"name": name, "scale": scale, "machine": machine, "results": results}
