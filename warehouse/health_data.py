"""What is wrong with the data, as the checks found it (quality/): for the judgement of `health.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

#: kind, what, words, remedy.
Wrong = Callable[[str, str, str, str], None]


def of_data(failing: Sequence[Mapping[str, Any]], wrong: Wrong) -> None:
    """Critical rules that do not hold: one sentence for what was built and not published, one for the rest."""
    built = [row for row in failing if row["run"] == "build"]
    if built:
        wrong(
            "bad", "not_published",
            f"What was last built is not published, and what served before serves on: {_said(built)}",
            "Data quality says more; mend the models and build again, or publish it anyway (./crm rebuild --unchecked)",
        )  # fmt: skip
    rest = [row for row in failing if row["run"] != "build"]
    if rest:
        wrong(
            "bad", "data", f"The data is not as it must be: {_said(rest)}",
            "Data quality lists the rows; once they are mended, ./crm validate looks again",
        )  # fmt: skip


def broken(rule: Mapping[str, Any], key: str | None) -> str:
    """One rule that does not hold, in words, with the key of a row where there is one."""
    if rule["status"] == "error":
        return f'{rule["suite"]}, "{rule["rule"]}" could not be tried'
    number = rule["failures"]
    breaks = "1 row breaks" if number == 1 else f"{number:,} rows break"
    words = f'{rule["suite"]}, {breaks} the rule "{rule["rule"]}"'
    return words + (f", for example {key}" if key else "")


def _said(rows: Sequence[Mapping[str, Any]]) -> str:
    words = broken(rows[0], rows[0]["key"])
    others = len(rows) - 1
    return words + (f"; and {others} more {'rule' if others == 1 else 'rules'}" if others else "")
