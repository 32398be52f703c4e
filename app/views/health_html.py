"""What is wrong and what to do, and the figures behind it, as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.views import clock, escape
from app.views.components import channel_icon, icon
from app.views.connection_state import ICONS
from warehouse import growth
from warehouse.health import Facts, Finding

Row = dict[str, Any]


def verdict(findings: Sequence[Finding], now: datetime, zone: ZoneInfo) -> str:
    """Whether all is well, in one line."""
    at = f'<time datetime="{now.isoformat()}" title="{clock.full(now, zone)}">{clock.clock(now, zone)}</time>'
    bad = sum(each.kind == "bad" for each in findings)
    if not findings:
        words, kind, glyph = "Nothing is wrong", "good", "check_circle"
    elif bad:
        words, kind, glyph = (
            f"{bad} {'thing needs' if bad == 1 else 'things need'} you now",
            "bad",
            "error",
        )
    else:
        words, kind, glyph = "Nothing is broken; some things want a look", "warn", "warning"
    return f'<p class="verdict {kind}" role="status">{icon(glyph)} <span><b>{words}</b>, as of {at}</span></p>'


def finding(each: Finding) -> str:
    """One thing that is wrong, with what to do."""
    whose = f"<b><bdi>{escape.line(each.name)}</bdi></b>: " if each.name else ""
    return (
        f'<div class="finding {each.kind}" data-what="{escape.line(each.what)}">{icon(ICONS[each.kind])} '
        f"<div>{whose}<bdi>{escape.line(each.words)}</bdi>.<p>{escape.line(each.remedy)}.</p></div></div>"
    )


def connections(facts: Facts) -> str:
    """Of each connection what came last, when the next is due, and how long what is pushed takes."""
    rows = "".join(_connection(row, facts) for row in facts.connections)
    if not rows:
        return ""
    return (
        '<div class="table"><table><thead><tr><th>Connection</th><th>Last</th><th>Next is due by</th>'
        "<th>Pushed within</th><th>Refused today</th><th>Quarantined</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _connection(row: Row, facts: Facts) -> str:
    last = facts.last_at.get(row["connection_id"])
    rhythm = facts.rhythms.get(row["connection_id"])
    due = rhythm.due(last) if rhythm and last else None
    lag = facts.lags.get(row["connection_id"])
    pushed = (
        f"{clock.lasting(round(lag['p50']))}, 19 of 20 {clock.lasting(round(lag['p95']))}"
        if lag and lag["p50"] is not None
        else "–"
    )
    usual = _time(due, facts) if due else '<span class="none">too little is known</span>'
    return (
        f"<tr><td>{channel_icon(row['channel'])} <bdi>{escape.line(row['name'])}</bdi></td>"
        f"<td>{_time(last, facts)}</td><td>{usual}</td><td>{pushed}</td><td>{row['refusals_last_day'] or 0:,}</td>"
        f"<td>{row['quarantined_events'] or 0:,}{_ignored(row)}</td></tr>"
    )


def house(facts: Facts, version: str) -> str:
    """What is nobody's connection: fold, worker, jobs, checks, disk, database, version."""
    it = facts.house
    size = it.get("database_bytes")
    facts_of = {
        "Last fold": _time(it.get("folded_at"), facts),
        "A fold takes": f"{it['fold_seconds_p95']:.2f} s (19 of 20)" if it.get("fold_seconds_p95") is not None else "–",
        "Last rebuild": _time(it.get("built_at"), facts),
        "Worker seen": _time(it.get("worker_seen_at"), facts),
        "Jobs waiting": f"{it.get('jobs_waiting') or 0:,}",
        "Jobs failed": f"{it.get('jobs_failed') or 0:,}",
        "Data checks": _checks(it, facts),
        "Disk": _disk(facts),
        "Forecast": escape.line(growth.forecast(facts.disk, facts.growth)),
        "Database": f"{size / 1024**3:.2f} GiB, PostgreSQL {escape.line(it.get('server_version'))}" if size else "–",
        "Version": escape.line(version),
    }  # fmt: skip
    address = (it.get("outside") or {}).get("address")
    if address:
        # No reason for alarm while providers do reach it.
        facts_of["Seen from here"] = f"<bdi>{escape.line(address['problem'])}</bdi>"
    listed = "".join(
        f"<div><dt>{name}</dt><dd>{said}</dd></div>" for name, said in facts_of.items()
    )
    return f'<dl class="facts">{listed}</dl>'


def tables(facts: Facts) -> str:
    """The largest tables: about how many rows, how much they take, and of it their indexes."""
    rows = "".join(
        f"<tr><td>{escape.line(row['name'])}</td><td>{row['rows']:,}</td><td>{growth.size(row['bytes'])}</td>"
        f"<td>{growth.size(row['index_bytes'])}</td></tr>"
        for row in facts.tables
    )
    if not rows:
        return ""
    return (
        '<div class="table sizes"><table><thead><tr><th>Table</th><th>Rows, about</th><th>Size</th>'
        f"<th>Indexes</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _checks(it: Mapping[str, Any], facts: Facts) -> str:
    if it.get("checks_tested_at") is None:
        return "not run yet"
    failing = it.get("checks_failing") or 0
    return f"{f'{failing:,} failed' if failing else 'all passed'}, {_time(it['checks_tested_at'], facts)}"


def _disk(facts: Facts) -> str:
    disk = facts.disk
    return f"{disk.free / 1024**3:.1f} of {disk.total / 1024**3:.1f} GiB free" if disk else "–"


def _time(moment: datetime | None, facts: Facts) -> str:
    if moment is None:
        return "never"
    title = clock.full(moment, facts.zone)
    return f'<time datetime="{moment.isoformat()}" title="{title}">{clock.short(moment, facts.zone, facts.now)}</time>'


def _ignored(row: Row) -> str:
    """What is in quarantine and ignored, apart."""
    # The tables of a former version serve until the first rebuild has been swapped in.
    number = row.get("quarantined_and_ignored")
    return f' <span class="none">and {number:,} ignored</span>' if number else ""
