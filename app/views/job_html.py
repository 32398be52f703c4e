"""The worker's jobs, as HTML: what runs, waits, failed, and what is done by the clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from croniter import croniter

from app.views import clock, escape
from app.views.components import channel_icon

Row = dict[str, Any]
#: What a job does, for people; one that is not named here goes by its own name.
WORDS = {
    "pull_connection": "Pull the history", "watch_connection": "Renew Google's watch", "fetch_media": "Fetch files",
    "renew_token": "Look after the token", "reconcile_connection": "Compare with the provider",
    "answer_request": "Ask a provider for a page", "say_overdue": "Say that a first message is overdue",
    "find_media": "Look for new files", "find_all_media": "Look for files that were missed",
    "pull_all": "Pull all connections", "look_back": "Look back at what providers change",
    "reconcile_all": "Compare all connections", "renew_watches": "Look after all watches",
    "renew_tokens": "Look after all tokens", "test_models": "Run the data tests of the models",
    "check_loads": "Check what is new", "check_data": "Check the data",
    "find_suggestions": "Look for people with two identities", "keep_house": "Forget what is long over",
    "forget_what_was_asked": "Forget keys that were pasted and not saved",
    "do_privacy_task": "Do what a privacy officer asked for",
}  # fmt: skip


def words(task: str) -> str:
    """What a job does."""
    return WORDS.get(task, task.replace("_", " ").capitalize())


def under_way(rows: Sequence[Row], zone: ZoneInfo, now: datetime) -> str:
    """What runs and what waits."""
    lines = []
    for row in rows:
        runs = row["status"] == "doing"
        at = row["since"] if runs else row["scheduled_at"]
        state = "runs" if runs else "waits"
        if not runs and at is not None and at > now:
            state = f"in {clock.ago((at - now).total_seconds())}"
        elif runs and at is not None:
            state = f"runs for {clock.ago(max(0.0, (now - at).total_seconds()))}"
        lines.append(_line(row, state, at, zone, "doing" if runs else ""))
    return "".join(lines)


def failed(row: Row, zone: ZoneInfo, now: datetime) -> str:
    """One job that failed, in the words of its failure."""
    at = row["since"]
    state = f"{clock.ago(max(0.0, (now - at).total_seconds()))} ago" if at else "failed"
    # One that failed before its words were kept has none.
    said = row["words"] or "It left no words; the log of the worker says what happened"
    if row["has_succeeded_since"]:
        said += ". It has succeeded since"
    return _line(row, state, at, zone, "" if row["has_succeeded_since"] else "bad", said)


def history(rows: Sequence[Row], zone: ZoneInfo, now: datetime) -> str:
    """What each kind of job of each connection did last."""
    cells = "".join(
        f"<tr><td>{channel_icon(row['channel'])} <bdi>{escape.line(row['name'])}</bdi></td>"
        f"<td>{escape.line(row['job'])}</td><td>{_time(row['last_started_at'], zone, now)}</td>"
        f"<td>{_time(row['last_succeeded_at'], zone, now)}</td><td>{_time(row['last_failed_at'], zone, now)}</td></tr>"
        for row in rows
    )
    head = "<th>Connection</th><th>Job</th><th>Began</th><th>Succeeded</th><th>Failed</th>"
    return f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>{cells}</tbody></table></div>'


def schedules(rows: Sequence[Row], zone: ZoneInfo, now: datetime) -> str:
    """What is done by the clock, and when next."""
    due = sorted((croniter(row["cron"], now).get_next(datetime), row["task"]) for row in rows)
    cells = "".join(
        f"<tr><td>{escape.line(words(task))}</td><td>{_time(at, zone, now)}</td></tr>"
        for at, task in due
    )
    return (
        '<div class="table"><table><thead><tr><th>By the clock</th><th>Next</th></tr></thead>'
        f"<tbody>{cells}</tbody></table></div>"
    )


def _line(
    row: Row, state: str, at: datetime | None, zone: ZoneInfo, kind: str, said: str = ""
) -> str:
    whose = (
        f"{channel_icon(row['channel'])} <bdi>{escape.line(row['name'])}</bdi>"
        if row["name"]
        else ""
    )
    title = f' title="{clock.full(at, zone)}"' if at else ""
    error = f'<p class="error"><bdi>{escape.line(said)}</bdi></p>' if said else ""
    return (
        f'<div class="line job {kind}"><b>{escape.line(words(row["task_name"]))}</b>'
        f'<span class="preview">{whose}</span><span class="when"{title}>{state}</span>{error}</div>'
    )


def _time(moment: datetime | None, zone: ZoneInfo, now: datetime) -> str:
    if moment is None:
        return "–"
    title = clock.full(moment, zone)
    return f'<time datetime="{moment.isoformat()}" title="{title}">{clock.short(moment, zone, now)}</time>'
