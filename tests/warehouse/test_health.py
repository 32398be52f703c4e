"""The judgement: what is wrong is named with a remedy, what is mended is named no more, and what is well is never named."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from tests.app.test_connection_html import connection
from warehouse import health, health_metrics
from warehouse.growth import Disk, Growth
from warehouse.health import Facts, judge
from warehouse.rhythm import Rhythm

SYDNEY = ZoneInfo("Australia/Sydney")
#: A Thursday afternoon.
NOW = datetime(2026, 11, 26, 14, 0, tzinfo=SYDNEY).astimezone(UTC)
WELL: dict[str, Any] = {
    "last_delivery_at": NOW - timedelta(minutes=2),
    "last_pull_succeeded_at": NOW - timedelta(minutes=5),
    "reconciled_at": NOW - timedelta(hours=3),
    "last_refused_at": None,
}
HOUSE = {
    "fold_error": None,
    "fold_waiting_since": None,
    "worker_seen_at": NOW - timedelta(seconds=3),
    "jobs_oldest_at": None,
    "jobs_waiting": 0,
    "checks_failing": 0,
    "database_time": NOW,
}
#: A message every quarter of an hour, by day.
RHYTHM = Rhythm.of(
    [
        at
        for quarter in range(4 * 24 * 56, 0, -1)
        if 8 <= (at := NOW - timedelta(minutes=15 * quarter)).astimezone(SYDNEY).hour < 18
    ],
    SYDNEY,
    NOW,
)


def facts(*rows: dict[str, Any], now: datetime = NOW, **more: Any) -> Facts:
    given = {
        "now": now, "zone": SYDNEY, "connections": rows or (row(),), "house": HOUSE,
        "disk": disk(50 * 1024**3),
    }  # fmt: skip
    return Facts(**(given | more))


def disk(free: int) -> Disk:
    return Disk(free=free, total=100 * 1024**3, holds_database=True)


def row(**more: Any) -> dict[str, Any]:
    return connection(**(WELL | more))


def told(of: Facts) -> list[tuple[str, str]]:
    for each in judge(of):
        assert each.remedy
        assert each.sentence.endswith(".")
        assert ".." not in each.sentence
    return [(each.kind, each.what) for each in judge(of)]


def test_where_all_is_well_nothing_is_said() -> None:
    assert told(facts()) == []
    assert told(facts(row(is_disabled=True, pull_error="x", token_error="x"))) == []
    assert told(facts(row(is_paused=True, last_pull_succeeded_at=None))) == []
    assert told(facts(row(last_delivery_at=None, last_pull_succeeded_at=None))) == []
    # Somebody at play: a forged delivery, and genuine ones behind it.
    assert told(facts(row(refusals_last_day=9, last_refused_at=NOW - timedelta(minutes=3)))) == []


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"last_refused_at": NOW, "refusals_last_day": 3}, "bad", "refused"),
    ({"last_delivery_at": None, "last_pull_succeeded_at": None, "last_refused_at": NOW}, "bad", "refused"),
    ({"inbound_by_history_alone": 3}, "bad", "not_pushed"),
    ({"inbound_by_history_alone": 1}, "warn", "not_pushed"),
    ({"token_error": "expired (190)"}, "bad", "token"),
    ({"token_expires_at": NOW - timedelta(minutes=1)}, "bad", "token_expired"),
    ({"token_expires_at": NOW + timedelta(days=6)}, "warn", "token_ends"),
    ({"watch_expires_at": NOW - timedelta(minutes=1)}, "bad", "watch_lapsed"),
    ({"watch_expires_at": NOW + timedelta(days=1)}, "warn", "watch_ends"),
    ({"watch_error": "forbidden"}, "bad", "watch"),
    ({"pull_error": "HTTP 500"}, "bad", "pull"),
    ({"last_pull_succeeded_at": NOW - timedelta(hours=2)}, "warn", "not_pulled"),
    ({"quarantined_events": 2}, "warn", "quarantined"),
    ({"media": {"stored": 4, "refused": 1}}, "warn", "media"),
    ({"missing": 4}, "warn", "gap"),
    ({"reconcile_error": "HTTP 500"}, "warn", "not_compared"),
]  # fmt: skip


@pytest.mark.parametrize(("more", "kind", "what"), WRONG)
def test_what_is_wrong_with_a_connection_is_named(
    more: dict[str, Any], kind: str, what: str
) -> None:
    assert told(facts(row(**more))) == [(kind, what)]


@pytest.mark.parametrize(
    ("more", "kind", "what"),
    [
        ({"fold_error": "messages: broken"}, "bad", "fold_fails"),
        ({"fold_waiting_since": NOW - timedelta(minutes=2)}, "bad", "fold_waits"),
        ({"worker_seen_at": NOW - timedelta(minutes=2)}, "bad", "worker"),
        ({"worker_seen_at": None}, "bad", "worker"),
        ({"jobs_oldest_at": NOW - timedelta(hours=1)}, "warn", "jobs_wait"),
        ({"checks_failing": 2}, "warn", "data_checks"),
        ({"database_time": NOW - timedelta(minutes=5)}, "bad", "clock"),
    ],
)
def test_what_is_wrong_with_the_house_is_named(more: dict[str, Any], kind: str, what: str) -> None:
    assert told(facts(house=HOUSE | more)) == [(kind, what)]


def test_a_full_disk_is_named_before_it_is_full() -> None:
    assert told(facts(disk=disk(1024**3))) == [("warn", "disk")]
    assert told(facts(disk=disk(1024**2))) == [("bad", "disk")]
    assert told(facts(disk=None)) == []
    fast, slow = Growth(disk=2.0 * 1024**3), Growth(disk=1.0 * 1024**3)
    assert told(facts(growth=fast)) == [("warn", "disk_fills")]
    assert (
        judge(facts(growth=fast))[0].words == "The disk is full in about 4 weeks, as it fills now"
    )
    assert told(facts(growth=slow)) == []
    # One sentence about one disk.
    assert told(facts(growth=fast, disk=disk(1024**3))) == [("warn", "disk")]
    elsewhere = Disk(free=50 * 1024**3, total=100 * 1024**3, holds_database=False)
    assert told(facts(growth=fast, disk=elsewhere)) == []


def pushed(name: str, **more: Any) -> dict[str, Any]:
    """A connection that is pushed to and has no history."""
    never = {"pulls": False, "last_pull_succeeded_at": None, "reconciled_at": None}
    return row(
        connection_id=name, name=name, channel="whatsapp", unrecoverable=None, **(never | more)
    )


def silent(*rows: dict[str, Any], since: timedelta) -> Facts:
    assert RHYTHM is not None
    last = {each["connection_id"]: NOW - since for each in rows}
    return facts(*rows, rhythms=dict.fromkeys(last, RHYTHM), last_at=last)


def test_a_silence_is_named_by_the_connections_own_rhythm() -> None:
    assert told(silent(pushed("a"), since=timedelta(minutes=20))) == []
    assert told(silent(pushed("a"), since=timedelta(hours=3))) == [("bad", "silent")]
    # The same hours of a night are none.
    night = replace(silent(pushed("a"), since=timedelta(hours=3)), now=NOW + timedelta(hours=9))
    quiet = replace(night, last_at={"a": night.now - timedelta(hours=3)}, house=HOUSE | {"worker_seen_at": night.now, "database_time": night.now})  # fmt: skip
    assert told(quiet) == []


def test_a_silence_that_the_provider_confirms_is_none() -> None:
    pulled = row(connection_id="a", name="a")
    assert told(silent(pulled, since=timedelta(hours=8))) == []
    # And where the pull does not answer either, nobody confirms anything.
    gone = row(connection_id="a", name="a", last_pull_succeeded_at=NOW - timedelta(hours=8))
    assert told(silent(gone, since=timedelta(hours=8))) == [
        ("bad", "silent"),
        ("warn", "not_pulled"),
    ]


def test_where_all_are_silent_and_one_provably_it_is_a_quiet_day() -> None:
    """A regional holiday, which no calendar of ours knows."""
    proven, other = row(connection_id="b", name="b"), pushed("a")
    assert told(silent(other, proven, since=timedelta(hours=8))) == []
    # Two that nobody can confirm: the receiver may be gone.
    assert [
        what for _, what in told(silent(pushed("a"), pushed("b"), since=timedelta(hours=8)))
    ] == ["silent", "silent"]
    # One alone, while the other talks.
    both = silent(other, proven, since=timedelta(hours=8))
    talking = replace(both, last_at={**both.last_at, "b": NOW})
    assert told(talking) == [("bad", "silent")]


#: Columns of marts.channel_health that are no figure of their own, or stand as another one.
NO_METRIC = {
    "connection_id", "channel", "name", "pulls", "history_note", "pull_detail", "reconcile_error", "reconcile_window_start",
    "reconcile_window_end", "unrecoverable",
}  # fmt: skip
#: By what name each of the others goes.
METRICS = {
    "is_disabled": "disabled", "last_delivery_at": "delivered_timestamp_seconds", "refusals_last_day": "refused_last_day",
    "last_pull_started_at": "pull_begun_timestamp_seconds", "last_pull_succeeded_at": "pulled_timestamp_seconds",
    "pull_error": "pull_failed", "last_watch_renewed_at": "watch_renewed_timestamp_seconds", "watch_error": "watch_failed",
    "token_error": "token_failed", "token_expires_at": "token_ends_timestamp_seconds", "quarantined_events": "quarantined",
    "quarantined_and_ignored": "quarantined_and_ignored", "waiting_messages": "waiting", "media": "files",
    "reconciled_at": "reconciled_timestamp_seconds", "missing": "missing", "extra": "extra", "late": "late",
    "differing": "differing", "brought_in": "brought_in",
}  # fmt: skip


def test_every_figure_of_a_connection_is_a_metric() -> None:
    marts = yaml.safe_load((health.ROOT / "dbt_project/models/marts/_marts.yml").read_text())[
        "models"
    ]
    (columns,) = [each["columns"] for each in marts if each["name"] == "marts_channel_health"]
    assert {each["name"] for each in columns} == NO_METRIC | METRICS.keys()
    whole = row(
        **dict.fromkeys(("last_pull_started_at", "last_watch_renewed_at", "token_expires_at"), NOW)
    )
    waits = facts(whole, house=HOUSE | {"fold_waiting_since": NOW})
    text = health_metrics.text(waits, []).decode()
    for column, metric in METRICS.items():
        assert f"\ncrm_connection_{metric}{{" in text, column
    assert f'crm_info{{version="{health.version()}"}} 1.0' in text
    alerts = (health.ROOT / "docs/alerts.yml").read_text()
    known = set(re.findall(r"^# TYPE (crm_\w+)", text, re.MULTILINE))
    assert set(re.findall(r"\bcrm_\w+", alerts)) <= known


def test_every_figure_is_a_metric() -> None:
    table = {"name": "raw.webhook_deliveries", "rows": 7, "bytes": 4096, "index_bytes": 1024}
    found = facts(
        row(last_refused_at=NOW, refusals_last_day=2),
        tables=[table], growth=Growth(disk=1.0 * 1024**3),
    )  # fmt: skip
    lines = health_metrics.text(found, judge(found)).decode().splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert values['crm_finding{connection_id="c1",kind="bad",what="refused"}'] == "1.0"
    assert values['crm_findings{kind="bad"}'] == "1.0"
    assert (
        values['crm_connection_refused_last_day{channel="messenger",connection_id="c1"}'] == "2.0"
    )
    assert float(values["crm_disk_free_bytes"]) == 50 * 1024**3
    assert float(values["crm_disk_lasts_seconds"]) == 50 * 86_400
    assert values['crm_table_bytes{table="raw.webhook_deliveries"}'] == "4096.0"
    assert float(values["crm_worker_seen_timestamp_seconds"]) == pytest.approx(NOW.timestamp() - 3)
    assert health.version() in (health.ROOT / "CHANGELOG.md").read_text()
