"""The log read again: what passes, in pieces, by an index, and who was merged into whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.long_form import LONG
from warehouse import event_log
from warehouse.event_log import Asked
from warehouse.settings import Role, Settings

NOW = datetime(2026, 11, 20, tzinfo=UTC)
#: Rows whose plans are looked at.
MANY = 1_000_000 if LONG else 60_000
FILL = """
insert into crm.events (event_id, at, actor, role, action, object_type, object_id, customer_ids)
select
    md5(n::text), timestamptz '2026-01-01 00:00Z' + n * interval '20 seconds',
    case when n % 5000 = 0 then 'rare' else 'person' || n % 40 end, 'agent',
    case when n % 6000 = 0 then 'raw.view' else (array['timeline.view', 'customer.search', 'message.search'])[1 + n % 3] end,
    'customer', '*', array['c' || n % 3000]
from generate_series(1, %s) as n
"""


def write(admin: psycopg.Connection[Any], event_id: str, at: datetime, **more: Any) -> None:
    row = {
        "event_id": event_id, "at": at, "actor": "kim", "role": "agent", "action": "timeline.view",
        "object_type": "customer", "object_id": "*", "customer_ids": ["c1"], **more,
    }  # fmt: skip
    columns, values = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    admin.execute(f"insert into crm.events ({columns}) values ({values})", row)  # type: ignore[arg-type]


def ids(database: psycopg.Connection[Any], **asked: Any) -> list[str]:
    wanted = Asked(**asked)
    rows = event_log.find(database, wanted, wanted.customer_ids(database), most=10)
    streamed = list(event_log.stream(database, wanted, wanted.customer_ids(database)))
    assert rows == streamed
    return [row["event_id"] for row in rows]


def test_what_is_asked_passes_and_nothing_else(admin: psycopg.Connection[Any]) -> None:
    for customer, into in (("c1", None), ("old", "c1"), ("older", "old")):
        admin.execute(
            "insert into crm.customers (customer_id, name, created_by, merged_into, archived_at, archived_by)"
            " values (%s, 'Sam', 't', %s, %s, %s)",
            [customer, into, into and NOW, into and "t"],
        )
    write(admin, "a", NOW)
    write(admin, "b", NOW + timedelta(seconds=1), actor="lee", customer_ids=["older", "x"])
    write(admin, "c", NOW + timedelta(seconds=2), action="raw.view", customer_ids=["x"])
    write(admin, "d", NOW + timedelta(seconds=2), customer_ids=[])
    with admin.transaction():
        assert ids(admin) == ["d", "c", "b", "a"]
        # Whoever saw one who was merged into them saw this person.
        assert ids(admin, customer_id="c1") == ["b", "a"]
        assert ids(admin, customer_id="older") == ["b"]
        # Nobody is everybody's customer.
        assert ids(admin, customer_id="nobody") == []
        assert ids(admin, person="lee") == ["b"]
        assert ids(admin, action="raw.view", person="kim") == ["c"]
        assert ids(admin, since=NOW + timedelta(seconds=2)) == ["d", "c"]
        assert ids(admin, until=NOW + timedelta(seconds=1)) == ["a"]
        before = (NOW + timedelta(seconds=2), "d")
        below = event_log.find(admin, Asked(), [], before=before, most=2)
        assert [row["event_id"] for row in below] == ["c", "b"]
        left = event_log.stream(admin, Asked(), [], but="c", most=2)
        assert [row["event_id"] for row in left] == ["d", "b"]


def test_each_question_is_answered_by_an_index(
    settings: Settings, admin: psycopg.Connection[Any]
) -> None:
    admin.execute(FILL.replace("%s", str(MANY)))  # type: ignore[arg-type]
    admin.execute("vacuum (analyze) crm.events")
    middle = NOW - timedelta(days=30) if LONG else datetime(2026, 1, 7, tzinfo=UTC)
    questions: dict[str, tuple[dict[str, Any], tuple[datetime, str] | None]] = {
        "events_at": ({}, None),
        "events_actor": ({"person": "rare"}, None),
        "events_action": ({"action": "raw.view"}, None),
        "events_customer_ids": ({"customer_id": "c7"}, None),
        "events_at ": ({"since": middle, "until": middle + timedelta(hours=1)}, None),
        "events_at  ": ({}, (middle, "x")),
        "events_actor ": ({"person": "rare", "action": "timeline.view"}, None),
    }
    with psycopg.connect(settings.url_for(Role.APP)) as app:
        for index, (asked, before) in questions.items():
            wanted = Asked(**asked)
            values = event_log._values(
                wanted, [wanted.customer_id] if wanted.customer_id else [], before=before, most=50
            )
            plan = app.execute(
                b"explain (analyze, buffers) " + event_log.SQL["found_events"].encode(), values
            ).fetchall()
            told = "\n".join(line for (line,) in plan)
            assert index.strip() in told, told
            assert "Seq Scan on events" not in told, told
        for query in ("known_actors", "known_actions"):
            plan = app.execute(
                b"explain (analyze) " + event_log.SQL[query].encode(), {"most": 500}
            ).fetchall()
            assert "Seq Scan on events" not in "\n".join(line for (line,) in plan)
            assert len(app.execute(event_log.SQL[query], {"most": 500}).fetchall()) >= 4


def test_no_program_dates_an_event(settings: Settings) -> None:
    told = (
        "insert into crm.events (event_id, at, actor, role, action, object_type, object_id)"
        " values ('e', '2020-01-01', 'kim', 'agent', 'timeline.view', 'customer', '*')"
    )
    for role in Role:
        if role is Role.ADMIN:
            continue
        with (
            psycopg.connect(settings.url_for(role), autocommit=True) as program,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            program.execute(told)


def test_a_cell_is_no_formula_and_says_everything() -> None:
    row = {
        "event_id": "e", "at": NOW, "actor": "=cmd", "role": "agent", "action": "customer.search",
        "object_type": "customer", "object_id": "@x", "customer_ids": ["a", "b"], "detail": {"query": "+1"},
        "session_id": None, "ip": "-1",
    }  # fmt: skip
    assert event_log.cells(row) == [
        "e", NOW.isoformat(), "'=cmd", "agent", "customer.search", "customer",
        "'@x", "a b", '{"query":"+1"}', "", "'-1",
    ]  # fmt: skip
