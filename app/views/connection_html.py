"""How one connection stands, as HTML: its state, its doors, what waits, what a comparison found."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.views import clock, escape, shapes
from app.views.components import channel_icon, icon
from app.views.connection_state import state
from warehouse.channels import registry
from warehouse.health import ENDS_SOON, WATCH_ENDS_SOON, is_loading, lost

Row = dict[str, Any]

MEDIA_STATES = ("stored", "waiting", "expired", "refused", "failed", "unavailable")
#: What a comparison counts (pipelines/reconcile.py), with what it means.
COUNTED = (
    ("missing", "missing", "In the history, and no webhook brought it. It is here now"),
    ("brought_in", "brought in", "Loaded by this comparison: nobody had seen it before"),
    ("late", "late", "The webhook came more than ten minutes after the message was sent"),
    ("extra", "extra", "A webhook brought it, and the history does not list it"),
    ("differing", "differing", "The text differs between webhook and history"),
)
ERRORS = ("token_error", "pull_error", "watch_error", "reconcile_error")
BAD_MEDIA = frozenset({"expired", "refused", "failed"})


def card(row: Row, zone: ZoneInfo, now: datetime) -> str:
    """One connection: state, doors, what waits, what was compared."""
    channel = registry().get(row["channel"])
    name = channel.name if channel else row["channel"]
    stands = state(row, now)
    facts = "".join(
        f'<div class="{kind}"><dt>{label}</dt><dd>{said}</dd></div>'
        for label, said, kind in _facts(row, zone, now)
    )
    return (
        f'<article class="connection {stands.kind}" data-connection="{escape.line(row["connection_id"])}">'
        f"<header>{channel_icon(row['channel'])}<h3><bdi>{escape.line(row['name'])}</bdi></h3>"
        f'<span class="channel">{escape.line(name)}</span>'
        f'<bdi class="ref">{escape.line(row["connection_id"])}</bdi></header>'
        f'<p class="state {stands.kind}">{icon(stands.icon)} <span>{escape.line(stands.words)}</span></p>'
        f"{_errors(row)}{_progress(row, zone, now)}<dl>{facts}</dl>{_comparison(row, zone, now)}"
        f'<p class="note">{icon("info")} <span>{escape.line(row["history_note"])}</span></p></article>'
    )


def _errors(row: Row) -> str:
    """Every error in the words that were recorded."""
    said = [row[error] for error in ERRORS if row[error]]
    return "".join(
        f'<p class="error"><bdi>{escape.line(each)}</bdi></p>' for each in dict.fromkeys(said)
    )


def _progress(row: Row, zone: ZoneInfo, now: datetime) -> str:
    """How far a running backfill is; nothing while none runs."""
    detail = shapes.mapping(row["pull_detail"])
    listed, total = shapes.count(detail.get("listed")), shapes.count(detail.get("total"))
    if not is_loading(row) or listed is None:
        return ""
    rate, reached = shapes.count(detail.get("per_minute")), shapes.moment(detail.get("reached"))
    more = [f"{rate:,} a minute"] if rate else []
    if reached:
        more.append(
            f"back to {clock.day_name(clock.day_of(reached, zone), clock.day_of(now, zone))}"
        )
    if not total:
        said = f"{listed:,} listed so far; the provider does not say how many there are"
        return f'<p class="progress">{" · ".join([said, *more])}</p>'
    if rate and total > listed:
        more.append(f"about {clock.ago((total - listed) * 60 / rate)} left")
    of = f"{listed:,} of about {total:,}"
    bar = f'<progress max="{total}" value="{min(listed, total)}">{of}</progress>'
    return f'<p class="progress">{bar} {" · ".join([f"{of} loaded", *more])}</p>'


def _facts(row: Row, zone: ZoneInfo, now: datetime) -> list[tuple[str, str, str]]:
    """Label, HTML, and class of each line."""
    facts = [("Last webhook", _when(row["last_delivery_at"], zone, now), "")]
    if row["pulls"]:
        facts.append(("Last pull", _when(row["last_pull_succeeded_at"], zone, now), ""))
    if row["last_watch_renewed_at"]:
        facts.append(("Watch renewed", _when(row["last_watch_renewed_at"], zone, now), ""))
    for label, column, soon in (
        ("Watch ends", "watch_expires_at", WATCH_ENDS_SOON), ("Token ends", "token_expires_at", ENDS_SOON)
    ):  # fmt: skip
        ends_at = row.get(column)
        if ends_at:
            facts.append((label, _when(ends_at, zone, now), "bad" if ends_at - now < soon else ""))
    facts.append(("Media", _media(shapes.mapping(row["media"])), ""))
    for label, column, noun in (
        ("Waiting for their content", "waiting_messages", "message"),
        ("In quarantine", "quarantined_events", "event"),
        ("Refused in the last day", "refusals_last_day", "delivery"),
    ):
        number = row[column] or 0
        # A message without its content does not say whose it is, only where it came from.
        where = " of the channel" if number and column == "waiting_messages" else ""
        facts.append((label, _count(number, noun) + where, "bad" if number else ""))
    if ignored := row.get("quarantined_and_ignored"):
        facts.append(("Of kinds that are ignored", _count(ignored, "event"), ""))
    return facts


def _media(media: Row) -> str:
    """`1,203 stored · 4 waiting · 2 expired`, what was lost in red."""
    counted = [(name, shapes.count(media.get(name)) or 0) for name in MEDIA_STATES]
    said = [
        f'<span class="{"bad" if name in BAD_MEDIA else ""}">{number:,} {name}</span>'
        for name, number in counted
        if number
    ]
    return " · ".join(said) or "none"


def _comparison(row: Row, zone: ZoneInfo, now: datetime) -> str:
    """What the comparison with the provider's history found."""
    gone = f'<p class="error"><bdi>{escape.line(lost(row))}</bdi></p>' if lost(row) else ""
    if not row["pulls"]:
        return (
            '<div class="comparison"><p>Cannot be reconciled: the provider has no history to compare with.</p>'
            f"{gone}</div>"
        )
    if row["reconciled_at"] is None:
        return '<p class="comparison">Not compared with the provider yet.</p>'
    window = ""
    if row["reconcile_window_start"] and row["reconcile_window_end"]:
        window = (
            f", {clock.short(row['reconcile_window_start'], zone, now)} to "
            f"{clock.short(row['reconcile_window_end'], zone, now)}"
        )
    cells = "".join(
        f'<div class="{"bad" if column == "missing" and row[column] else ""}" title="{title}">'
        f"<b>{row[column]:,}</b> {words}</div>"
        for column, words, title in COUNTED
        if row[column] is not None
    )
    return (
        f'<div class="comparison"><p>Compared {_when(row["reconciled_at"], zone, now)}{window}</p>'
        f'<div class="counts">{cells}</div>{gone}</div>'
    )


def _when(moment: datetime | None, zone: ZoneInfo, now: datetime) -> str:
    """`3 minutes ago`, `in 5 days`, `never`, with the exact time as title."""
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    said = f"{clock.ago(seconds)} ago" if seconds >= 0 else f"in {clock.ago(-seconds)}"
    return f'<time datetime="{moment.isoformat()}" title="{clock.full(moment, zone)}">{said}</time>'


def _count(number: int, noun: str) -> str:
    plural = "deliveries" if noun == "delivery" else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}" if number else "none"
