"""`./crm search`: the page's operators, the promised document, an event."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg

from tests.dbt_project.raw_rows import add_connections, inbound, sid
from warehouse import decisions
from warehouse.events import Actor
from warehouse.settings import Settings

Crm = Callable[..., tuple[int, str, str]]


def test_messages_are_found_and_it_is_written_down(
    crm: Crm, warehouse: Settings, admin: psycopg.Connection[Any], fold_now: Callable[[], int]
) -> None:
    add_connections(admin)
    admin.execute(
        "insert into crm.customers (customer_id, name, created_by) values ('sam', 'Sam', 't')"
    )
    admin.execute(
        "insert into crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason)"
        " values ('l', 'd', 'phone:+61491570006', 'sam', 't', 't')"
    )
    for number in range(3):
        inbound(number, body=f"the café {number}", at=number).insert(admin)
    inbound(9, body="a cafe elsewhere", From="+61491570110").insert(admin)
    fold_now()

    status, out, err = crm("search", "CAFE -elsewhere", "--limit", "2", "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert (found["count"], found["is_exact"]) == (3, True)
    assert [each["message_id"] for each in found["messages"]] == [
        f"twilio_sms|{sid(2)}",
        f"twilio_sms|{sid(1)}",
    ]
    assert {key: type(value) for key, value in found["messages"][0].items()} == {
        "message_id": str,
        "sent_at": str,
        "snippet": str,
    }
    assert found["messages"][0]["snippet"] == "the café 2"

    assert json.loads(crm("search", "cafe", "--customer", "sam", "--json")[1])["count"] == 3
    status, out, err = crm("search", "cafe channel:fax")
    assert (status, out.splitlines()[-1]) == (0, "4 messages")
    assert "channel: does not know fax" in err
    assert crm("search", "cafe", "--customer", "nobody")[0] == 2
    events = admin.execute(
        "select detail ->> 'query', detail ->> 'count', customer_ids from crm.events where action = 'message.search' order by at"
    ).fetchall()
    assert events == [
        ("CAFE -elsewhere", "3", ["sam"]),
        ("cafe", "3", ["sam"]),
        ("cafe channel:fax", "4", ["sam"]),
    ]


def test_notes_are_found_beside_the_messages(
    crm: Crm, warehouse: Settings, admin: psycopg.Connection[Any], fold_now: Callable[[], int]
) -> None:
    add_connections(admin)
    admin.execute(
        "insert into crm.customers (customer_id, name, created_by) values ('sam', 'Sam', 't')"
    )
    inbound(0, body="a refund, please").insert(admin)
    fold_now()
    assert json.loads(crm("search", "refund", "--json")[1])["notes"] == []
    mia = Actor(name="mia", role="agent")
    decisions.note(admin, mia, "promised a refund by Friday", customer_id="sam")
    found = json.loads(crm("search", "refund", "--json")[1])
    assert (found["count"], len(found["messages"]), found["note_count"]) == (1, 1, 1)
    (note,) = found["notes"]
    assert note["snippet"] == "promised a refund by Friday"
    assert note["customer_id"] == "sam"
    assert set(note) == {"note_id", "written_at", "written_by", "customer_id", "snippet"}
    lines = crm("search", "refund")[1].splitlines()
    assert lines[-1] == "1 message, 1 note"
    assert "  note          promised a refund by Friday  (by mia, Sam)" in lines[-2]
    (event,) = admin.execute(
        "select customer_ids, detail -> 'notes' from crm.events where action = 'message.search' order by at desc limit 1"
    ).fetchall()
    assert event == (["sam"], 1)
