"""`./crm events`: who saw this customer, what this person did; a look at the log stands in it, too."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from warehouse.events import Event, record
from warehouse.settings import Settings

Crm = Callable[..., tuple[int, str, str]]


def test_the_log_is_read_and_that_is_written_down(
    crm: Crm, warehouse: Settings, admin: psycopg.Connection[Any]
) -> None:
    for number in range(3):
        record(
            admin,
            Event(
                actor="kim" if number else "lee\x1b[2J", role="agent", action="timeline.view",
                object_type="customer", object_id=f"c{number}", customer_ids=[f"c{number}"],
            ),
        )  # fmt: skip
    status, out, err = crm("events", "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert found["count"] == 3
    assert [each["object_id"] for each in found["events"]] == ["c2", "c1", "c0"]
    assert list(found["events"][0]) == [
        "event_id", "at", "actor", "role", "action", "object_type", "object_id", "customer_ids", "detail",
        "session_id", "ip",
    ]  # fmt: skip
    lines = crm("events", "--customer", "c0")[1].splitlines()
    # Also of who is no customer any more. A terminal is told nothing that it would obey.
    assert [line.split("  ")[2] for line in lines[:-1]] == ["timeline.view"]
    assert lines[-1] == "1 event"
    assert "\x1b" not in "".join(lines)
    assert "customers c0" in lines[0]
    # Who looked at the log for this customer has seen of them.
    assert json.loads(crm("events", "--customer", "c0", "--json")[1])["count"] == 2
    assert json.loads(crm("events", "--user", "kim", "--since", "2026-01-01", "--json")[1])["count"] == 2  # fmt: skip
    assert json.loads(crm("events", "--user", "kim", "--since", "2126-01-01", "--json")[1]) == {
        "events": [],
        "count": 0,
    }
    assert crm("events", "--since", "yesterday")[0] == 2
    events = admin.execute(
        "select customer_ids, detail from crm.events where action = 'event.search' order by at"
    ).fetchall()
    assert events[0] == ([], {})
    assert events[2] == (["c0"], {})
    assert events[3][1] == {"person": "kim", "since": "2026-01-01T00:00:00+00:00"}
    assert len(events) == 5


def test_where_the_look_cannot_be_written_down_nothing_is_shown(
    crm: Crm, warehouse: Settings, admin: psycopg.Connection[Any], capfd: pytest.CaptureFixture[str]
) -> None:
    record(
        admin,
        Event(
            actor="kim",
            role="agent",
            action="timeline.view",
            object_type="customer",
            object_id="c",
        ),
    )
    admin.execute("revoke insert on crm.events from crm_app")
    capfd.readouterr()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        crm("events")
    assert "timeline.view" not in capfd.readouterr().out


def test_the_log_is_sealed_and_found_whole_until_somebody_changes_it(
    crm: Crm, warehouse: Settings, admin: psycopg.Connection[Any]
) -> None:
    told = Event(actor="kim", role="agent", action="timeline.view", object_type="customer", object_id="c")  # fmt: skip
    event_id = record(admin, told)
    # Itself, too.
    sealed = json.loads(crm("audit", "seal", "--json")[1])
    assert sealed == {"sealed": 2, "heads": str(warehouse.data_dir / "audit" / "heads.jsonl")}
    status, out, err = crm("audit", "verify", "--json")
    assert (status, err) == (0, "")
    assert json.loads(out) == {
        "events": 2, "unsealed": 0, "seals": 1, "heads": 1, "redacted": 0, "whole": True, "fault": None,
    }  # fmt: skip
    status, out, _ = crm("audit", "verify")
    assert status == 0
    assert out.splitlines() == [
        "events as they were sealed: 2",
        "seals in one chain: 1",
        "heads as they were written outside: 1",
        "of them changed where somebody was destroyed, as certificates prove: 0",
        "events newer than the last seal: 1",
    ]
    with admin.transaction():
        admin.execute("alter table crm.events disable trigger events_append_only")
        admin.execute("update crm.events set actor = 'lee' where event_id = %s", [event_id])
    status, out, err = crm("audit", "verify")
    assert (status, out) == (1, "")
    assert f"event {event_id}, sealed in seal 1, was changed" in err
    assert json.loads(crm("audit", "verify", "--json")[1])["fault"]["event_id"] == event_id
    (warehouse.data_dir / "audit" / "heads.jsonl").unlink()
    assert "nothing outside of the database was compared" in crm("audit", "verify")[2]
    looks = admin.execute(
        "select detail -> 'whole', detail #>> '{fault,event_id}' from crm.events where action = 'audit.verify' order by at"
    ).fetchall()
    assert looks == [(True, None), (True, None), (False, event_id), (False, event_id), (False, event_id)]  # fmt: skip
