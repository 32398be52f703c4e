"""What the nightly data tests of the models found, as HTML: one line, and those that failed by name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.views import clock, escape
from app.views.components import icon

Row = dict[str, Any]

FOUND = {
    "error": "could not be run, or not within its time",
    "warn": "warned",
}


def summary(rows: Sequence[Row], now: datetime) -> str:
    """The state of all tests, and each that did not pass."""
    if not rows:
        return _line(
            "quiet",
            "pending",
            "The models have not been tested here yet: their data tests run every night.",
        )
    when = clock.ago((now - rows[0]["tested_at"]).total_seconds())
    bad = [row for row in rows if row["status"] != "pass"]
    if not bad:
        return _line(
            "good", "task_alt", f"All {len(rows)} data tests of the models passed {when} ago."
        )
    listed = "".join(
        f"<li><code>{escape.line(row['test'])}</code>: {_found(row)}</li>" for row in bad
    )
    return (
        _line(
            "bad",
            "error",
            f"{len(bad)} of {len(rows)} data tests of the models did not pass {when} ago.",
        )
        + f'<ul class="model_tests">{listed}</ul>'
    )


def _found(row: Row) -> str:
    if row["status"] in FOUND:
        return FOUND[row["status"]]
    return f"{row['failures']} {'row is' if row['failures'] == 1 else 'rows are'} wrong"


def _line(kind: str, glyph: str, words: str) -> str:
    return f'<p class="model_tests {kind}">{icon(glyph)} <span>{words}</span></p>'
