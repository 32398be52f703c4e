"""On people whose truth is known: what may be accepted together is right, and is not nothing."""

from __future__ import annotations

from benchmarks import suggestions
from warehouse.settings import Settings


def test_what_may_be_accepted_together_is_right(settings: Settings) -> None:
    found = suggestions.measured(settings, 1_500)
    value = {each["what"].partition(" (goal")[0]: each["value"] for each in found}
    assert value["of these right"] >= 99
    assert value["accepted together"] >= 5
    assert value["held back"] > 10
