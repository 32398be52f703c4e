"""What a list of customers would do, or did, as HTML: counts, then what there is to say of single lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.views import escape, identity_html

#: Of each kind so many lines stand on the page.
MOST_SHOWN = 100


def told(found: dict[str, Any], *, was_done: bool) -> str:
    """Args: found: `warehouse/customer_plan.py:shown`, with `lines` and `encoding`."""
    would = "" if was_done else "would be "
    counts = (
        (found["made"], f"{would}made"),
        (found["matched"], "known already" if not was_done else "matched"),
        (found["conflicts_count"], "in conflict"),
        (found["left_out_count"], "without one address"),
        (found["refused_count"], "refused"),
    )
    lines, encoding = f"{found['lines']:,} lines", escape.line(found["encoding"])
    conflicts = "In conflict: an address is somebody else’s, or given to two"
    head = "".join(f"<li><b>{number:,}</b> {escape.line(words)}</li>" for number, words in counts)
    return (
        f'<section class="import-told"><p class="tally">{lines}, read as {encoding}</p>'
        f"<ul>{head}</ul>"
        f"{_lines('Refused: nothing of these lines is taken', found['refused'], found['refused_count'])}"
        f"{_lines(conflicts, found['conflicts'], found['conflicts_count'])}"
        f"{_lines('Taken without one address', found['left_out'], found['left_out_count'])}"
        f"{_differing(found)}{_made(found)}</section>"
    )


def _lines(title: str, rows: Sequence[dict[str, Any]], count: int) -> str:
    if not rows:
        return ""
    listed = "".join(
        f'<tr><td class="number">line {row["line"]:,}</td><td dir="auto">{escape.line(row["reason"][:400])}</td></tr>'
        for row in rows[:MOST_SHOWN]
    )
    return _table(title, listed, count)


def _differing(found: dict[str, Any]) -> str:
    rows = [row for row in found["some_matched"] if row["name"] != row["name_in_file"]]
    listed = "".join(
        f'<tr><td class="number">line {row["line"]:,}</td><td><bdi>{escape.line(row["name_in_file"])}</bdi> is our '
        f"<bdi>{escape.line(row['name'])}</bdi>, by {identity_html.identity(row['identity'])}</td></tr>"
        for row in rows[:MOST_SHOWN]
    )
    title = "Called otherwise than we call them; our name stays"
    return _table(title, listed, found["differing_count"]) if rows else ""


def _made(found: dict[str, Any]) -> str:
    listed = "".join(
        f'<tr><td class="number">line {row["line"]:,}</td><td><bdi>{escape.line(row["name"])}</bdi> '
        f"{' '.join(map(identity_html.identity, row['identities']))}</td></tr>"
        for row in found["some_made"][:MOST_SHOWN]
    )
    return _table("Made", listed, found["made"]) if listed else ""


def _table(title: str, listed: str, count: int) -> str:
    more = f'<p class="tally">and {count - MOST_SHOWN:,} more</p>' if count > MOST_SHOWN else ""
    return f'<h3>{escape.line(title)}</h3><div class="pairs"><table class="together">{listed}</table></div>{more}'
