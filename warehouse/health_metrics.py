"""The judgement and its figures as Prometheus reads them; `docs/alerts.yml` is an example of rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from warehouse.growth import lasts
from warehouse.health import Facts, Finding, Row, version

OF_CONNECTION = ("connection_id", "channel")


def text(facts: Facts, findings: Sequence[Finding]) -> bytes:
    """Every figure of the page, and each finding as a line of its own."""
    registry = CollectorRegistry()

    def gauge(name: str, said: str, labels: Sequence[str] = ()) -> Gauge:
        return Gauge(f"crm_{name}", said, labels, registry=registry)

    wrong = gauge("finding", "1 for each thing that is wrong.", ("kind", "what", "connection_id"))
    for each in findings:
        wrong.labels(each.kind, each.what, each.connection_id).set(1)
    counted = gauge("findings", "How many things are wrong.", ("kind",))
    for kind in ("bad", "warn"):
        counted.labels(kind).set(sum(each.kind == kind for each in findings))
    _connections(facts, gauge)
    gauge("info", "1, with the version of this installation.", ("version",)).labels(version()).set(
        1
    )
    tables = gauge("table_bytes", "Size of the largest tables, with their indexes.", ("table",))
    for row in facts.tables:
        tables.labels(row["name"]).set(row["bytes"])
    house, left = facts.house, lasts(facts.disk, facts.growth)
    for name, said, value in (
        ("jobs_waiting", "Jobs that are due and wait.", house.get("jobs_waiting")),
        ("jobs_failed", "Jobs that failed lately.", house.get("jobs_failed")),
        ("data_checks_failing", "Data checks that failed at their last run.", house.get("checks_failing")),
        ("jobs_oldest_timestamp_seconds", "Since when the oldest job waits; absent where none does.",
         house.get("jobs_oldest_at")),
        ("data_checks_timestamp_seconds", "When the data checks last ran.", house.get("checks_tested_at")),
        ("built_timestamp_seconds", "When the tables were last built whole.", house.get("built_at")),
        ("database_bytes", "Size of the database.", house.get("database_bytes")),
        ("fold_seconds_p95", "How long a fold takes, 95th percentile.", house.get("fold_seconds_p95")),
        ("worker_seen_timestamp_seconds", "When a worker last said that it lives.", house.get("worker_seen_at")),
        ("folded_timestamp_seconds", "When something was folded last.", house.get("folded_at")),
        ("fold_waits_since_timestamp_seconds", "Since when something waits for a fold; absent where nothing does.",
         house.get("fold_waiting_since")),
        ("public_address_unreachable", "1 where providers cannot call us as seen from here.",
         int("address" in (house.get("outside") or {})) if house else None),
        ("disk_free_bytes", "Free on the disk of the data folder.", facts.disk and facts.disk.free),
        ("disk_bytes", "Size of the disk of the data folder.", facts.disk and facts.disk.total),
        ("disk_lasts_seconds", "In how long the disk is full, as it fills now; absent where that is not known.",
         left.total_seconds() if left is not None else None),
    ):  # fmt: skip
        if value is not None:
            gauge(name, said).set(_number(value))
    return generate_latest(registry)


def _connections(facts: Facts, gauge: Callable[[str, str, Sequence[str]], Gauge]) -> None:
    def last(row: Row) -> object:
        return facts.last_at.get(row["connection_id"])

    def stored(column: str) -> Callable[[Row], object]:
        # Tables of a former version, which serve until the first rebuild, may lack one.
        return lambda row: row.get(column)

    figures: tuple[tuple[str, str, Callable[[Row], object]], ...] = (
        ("last_timestamp_seconds", "When something came last.", last),
        ("due_timestamp_seconds", "By when the next should have come, by its own habit.",
         lambda row: _due(row, facts)),
        ("lag_seconds_p50", "From the provider's time to our landing, median.", lambda row: _lag(row, facts, "p50")),
        ("lag_seconds_p95", "The same, 95th percentile.", lambda row: _lag(row, facts, "p95")),
        ("refused_last_day", "Deliveries refused in the last day.", stored("refusals_last_day")),
        ("quarantined", "Events in quarantine.", stored("quarantined_events")),
        ("quarantined_and_ignored", "Events in quarantine of kinds that an admin ignores.",
         stored("quarantined_and_ignored")),
        ("missing", "What the last comparison missed.", stored("missing")),
        ("pulled_timestamp_seconds", "When a pull last succeeded.", stored("last_pull_succeeded_at")),
        ("token_ends_timestamp_seconds", "When its token ends.", stored("token_expires_at")),
        ("delivered_timestamp_seconds", "When a delivery last came.", stored("last_delivery_at")),
        ("pull_begun_timestamp_seconds", "When a pull last began.", stored("last_pull_started_at")),
        ("pull_failed", "1 where the last pull failed.", lambda row: int(bool(row["pull_error"]))),
        ("token_failed", "1 where the token could not be renewed.", lambda row: int(bool(row["token_error"]))),
        ("watch_failed", "1 where the watch could not be renewed.", lambda row: int(bool(row["watch_error"]))),
        ("watch_renewed_timestamp_seconds", "When its watch was last renewed.", stored("last_watch_renewed_at")),
        ("waiting", "Messages of the channel whose content has not come yet.", stored("waiting_messages")),
        ("reconciled_timestamp_seconds", "When it was last compared with the provider's history.",
         stored("reconciled_at")),
        ("late", "Of the last comparison: webhooks that came late.", stored("late")),
        ("extra", "Of the last comparison: what the history does not list.", stored("extra")),
        ("differing", "Of the last comparison: texts that differ.", stored("differing")),
        ("brought_in", "Of the last comparison: what it loaded.", stored("brought_in")),
        ("disabled", "1 where it is disabled.", lambda row: int(row["is_disabled"])),
        ("watch_ends_timestamp_seconds", "When its watch ends.", stored("watch_expires_at")),
    )  # fmt: skip
    files = gauge("connection_files", "Attachments by state.", (*OF_CONNECTION, "state"))
    for row in facts.connections:
        media = row["media"] if isinstance(row["media"], dict) else {}
        for state, number in media.items():
            files.labels(row["connection_id"], row["channel"], state).set(_number(number))
    for name, said, of in figures:
        family = gauge(f"connection_{name}", said, OF_CONNECTION)
        for row in facts.connections:
            value = of(row)
            if value is not None:
                family.labels(row["connection_id"], row["channel"]).set(_number(value))


def _due(row: Row, facts: Facts) -> datetime | None:
    rhythm, last = facts.rhythms.get(row["connection_id"]), facts.last_at.get(row["connection_id"])
    return rhythm.due(last) if rhythm and last else None


def _lag(row: Row, facts: Facts, which: str) -> float | None:
    lag = facts.lags.get(row["connection_id"])
    return None if lag is None else lag[which]


def _number(value: object) -> float:
    return value.timestamp() if isinstance(value, datetime) else float(str(value))
