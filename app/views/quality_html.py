"""What is expected of the data and what breaks it, as HTML: rules in words, and keys of rows. Never a value."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.views import clock, escape
from app.views.components import icon
from app.views.connection_state import ICONS

Row = dict[str, Any]
#: Before anything was looked at.
NOT_LOOKED_AT = (
    "Nothing was looked at yet",
    "The worker looks after each load and every night; ./crm validate looks now.",
    "rule",
)
#: What was looked at last, in words.
RUNS = {
    "load": "what was new",
    "night": "the nightly look",
    "hand": "a look by hand",
    "build": "before it was to be published",
}
KINDS = {"critical": "bad", "warning": "warn"}
#: How to go on, by what the suite is about.
REBUILT = (
    "What served before serves on. Mend the models and run ./crm rebuild,"
    " or publish it all the same: ./crm rebuild --unchecked."
)
OF_MARTS = (
    "Where the models are at fault, mend them and run ./crm rebuild; ./crm validate looks again."
)
OF_RAW = "The keys say where the rows lie in raw; once what brought them is mended, ./crm validate looks again."


def verdict(suites: Sequence[Row], failed: Sequence[Row], zone: ZoneInfo, now: datetime) -> str:
    """Whether all is as expected, in one line."""
    critical = sum(row["severity"] == "critical" for row in failed)
    newest = max(row["checked_at"] for row in suites)
    if critical:
        kind, glyph = "bad", "error"
        words = f"{critical} critical {'rule does' if critical == 1 else 'rules do'} not hold"
    elif failed:
        kind, glyph = "warn", "warning"
        words = f"{len(failed)} {'rule wants' if len(failed) == 1 else 'rules want'} a look"
    else:
        kind, glyph, words = "good", "check_circle", "The data is as it is expected"
    return (
        f'<p class="verdict {kind}" role="status">{icon(glyph)} <span><b>{words}</b>, looked at last '
        f"{_time(newest, zone, now)}</span></p>"
    )


def failed(row: Row, zone: ZoneInfo, now: datetime) -> str:
    """One rule that does not hold: where, how many rows, since when, their keys, and how to go on."""
    if row["status"] == "error":
        number = "could not be tried"
    else:
        rows = row["failures"]
        number = f"{rows:,} {'row breaks' if rows == 1 else 'rows break'} it"
    since = f"since {_time(row['failing_since'], zone, now)}"
    return (
        f'<div class="finding {KINDS[row["severity"]]}" data-what="{escape.line(row["suite"])}">'
        f"{icon(ICONS[KINDS[row['severity']]])} <div><b><bdi>{escape.line(row['rule'])}</bdi></b>: "
        f"<bdi>{escape.line(row['suite'])}</bdi>, {number}, {since}.<p>{_remedy(row)}</p>{_keys(row)}</div></div>"
    )


def _keys(row: Row) -> str:
    if not row["keys"]:
        return ""
    listed = "".join(f"<li><code><bdi>{escape.line(key)}</bdi></code></li>" for key in row["keys"])
    some = "" if len(row["keys"]) >= row["failures"] else f" ({len(row['keys'])} of them)"
    return f"<details><summary>Keys of the rows{some}</summary><ul>{listed}</ul></details>"


def _remedy(row: Row) -> str:
    if "_next." in row["suite"] or row["suite"] == "built beside":
        return REBUILT
    return OF_MARTS if row["suite"].startswith("marts.") else OF_RAW


def suites(rows: Sequence[Row], zone: ZoneInfo, now: datetime) -> str:
    """Every suite, what was looked at last, and how it stands."""
    cells = "".join(
        f"<tr><td><b><bdi>{escape.line(row['about'])}</bdi></b><br><code>{escape.line(row['suite'])}</code></td>"
        f"<td>{_state(row)}</td><td>{row['rows']:,}</td>"
        f"<td>{RUNS[row['run']]}, {_time(row['checked_at'], zone, now)}</td></tr>"
        for row in rows
    )
    head = "<th>Data</th><th>Rules</th><th>Rows</th><th>Looked at last</th>"
    return f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>{cells}</tbody></table></div>'


def _state(row: Row) -> str:
    if not row["failing"]:
        return "its rule holds" if row["rules"] == 1 else f"all {row['rules']} hold"
    weight = "critical" if row["is_critical"] else "to look at"
    return f"{row['failing']} of {row['rules']} {'does' if row['failing'] == 1 else 'do'} not hold, {weight}"


def _time(moment: datetime, zone: ZoneInfo, now: datetime) -> str:
    title = clock.full(moment, zone)
    return f'<time datetime="{moment.isoformat()}" title="{title}">{clock.short(moment, zone, now)}</time>'
