"""What examiners read: who may, which event stands before it, and that the bytes are exact."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from app import examine, read
from app.access.roles import Forbidden, UserRole
from app.access.sessions import Viewer
from media.store import MediaStore
from tests.app.conftest import ACCOUNT, OUR_NUMBER, Correspondence

NUMBER = "+61491570006"
START = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
def admin_person(correspondence: Correspondence) -> Viewer:
    return correspondence.signed_in("admin", "admin")


def form(sid: str, body: str, **more: str) -> dict[str, str]:
    return {
        "MessageSid": sid,
        "AccountSid": ACCOUNT,
        "From": NUMBER,
        "To": OUR_NUMBER,
        "Body": body,
        "NumMedia": "0",
        "SmsStatus": "received",
        **more,
    }


def one_row_through_both_doors(correspondence: Correspondence) -> tuple[str, str]:
    """An SMS seen by webhook and by history; returns its message id and the delivery's."""
    sid = "SM" + "7" * 32
    delivery = correspondence.land("twilio_sms", correspondence.sms_connection, form(sid, "Hello"))
    correspondence.sms(NUMBER, "Hello", START, sid=sid)
    return f"twilio_sms|{sid}", delivery


def test_a_message_is_shown_with_whose_it_is_and_where_it_came_from(
    correspondence: Correspondence, agent: Viewer
) -> None:
    customer = correspondence.customer("Sam", f"phone:{NUMBER}")
    message_id, delivery = one_row_through_both_doors(correspondence)
    found = examine.message(agent, message_id)
    assert found is not None
    assert found.message["body"] == "Hello"
    assert [(each["customer_id"], each["name"]) for each in found.customers] == [(customer, "Sam")]
    assert sorted(source["via"] for source in found.sources) == ["history", "webhook"]
    (pushed,) = [source for source in found.sources if source["via"] == "webhook"]
    assert delivery in pushed["raw_ref"]
    assert pushed["received_at"] is not None
    (event,) = correspondence.events("message.view")
    assert (event["object_id"], event["customer_ids"]) == (message_id, [customer])


def test_where_nothing_is_shown_nobody_saw_it(
    correspondence: Correspondence, agent: Viewer, admin_person: Viewer
) -> None:
    """Whatever was asked for: an event tells of what was seen, and one of its own of bytes that were asked for in vain."""
    for text in ("nothing", "", "\0", "'; drop table crm.customers; --"):
        assert examine.message(agent, text) is None
        assert examine.message_revisions(admin_person, text).versions == []
        assert read.timeline(agent, text) is None
    for action in ("message.view", "message.revisions", "timeline.view"):
        assert correspondence.events(action) == []


def test_the_same_again_is_no_new_sight(
    correspondence: Correspondence, admin_person: Viewer
) -> None:
    """As each ring of a page's bell reads it again."""
    message_id, _ = one_row_through_both_doors(correspondence)
    found = examine.message(admin_person, message_id)
    assert found is not None
    ref = found.sources[0]["raw_ref"]
    raw = examine.raw_row(admin_person, ref, message_id)
    assert examine.message(admin_person, message_id, shown=found) == found
    assert examine.raw_row(admin_person, ref, message_id, shown=raw) == raw
    queue = examine.quarantined(admin_person)
    examine.quarantined(admin_person, shown=queue)
    for action in ("message.view", "raw.view", "quarantine.view"):
        assert len(correspondence.events(action)) == 1
    # What changed is one.
    correspondence.customer("Sam", f"phone:{NUMBER}")
    examine.message(admin_person, message_id, shown=found)
    assert len(correspondence.events("message.view")) == 2


def test_exact_bytes_and_the_event_before_them(
    correspondence: Correspondence, admin_person: Viewer
) -> None:
    customer = correspondence.customer("Sam", f"phone:{NUMBER}")
    message_id, delivery = one_row_through_both_doors(correspondence)
    found = examine.message(admin_person, message_id)
    assert found is not None
    for source in found.sources:
        row = examine.raw_row(admin_person, source["raw_ref"], message_id)
        assert row is not None
        assert b"Hello" in row.body
        if delivery in source["raw_ref"]:
            assert b"From=%2B61491570006" in row.body
            assert (row.headers or {})["user-agent"] == "provider/1"
            assert row.connection_id == correspondence.sms_connection
    events = correspondence.events("raw.view")
    assert [event["object_id"] for event in events] == [s["raw_ref"] for s in found.sources]
    assert all(event["customer_ids"] == [customer] for event in events)


def test_of_a_mail_the_exact_bytes_are_the_mail_itself(
    correspondence: Correspondence, admin_person: Viewer
) -> None:
    mail = b"From: robin@example.com\r\nSubject: file\r\n\r\nsee \xff the file"
    mail_id = correspondence.mail("robin@example.com", "file", "see the file", START)
    correspondence.execute(
        "update raw_gmail.messages set raw_sha256 = %s where id = %s",
        [MediaStore(correspondence.settings.media_root).store(mail), mail_id],
    )
    ((message_id,),) = correspondence.execute("select message_id from marts.messages")
    found = examine.message(admin_person, message_id)
    assert found is not None
    (source,) = found.sources
    row = examine.raw_row(admin_person, source["raw_ref"], message_id)
    assert row is not None
    assert (row.body, row.content_type) == (mail, "message/rfc822")
    correspondence.execute("update raw_gmail.messages set raw_sha256 = repeat('0', 64)")
    row = examine.raw_row(admin_person, source["raw_ref"], message_id)
    assert row is not None
    assert b"see the file" in row.body
    assert row.content_type == "application/json"


@pytest.mark.parametrize(
    "raw_ref", ["", "x", "raw.webhook_deliveries/not-a-uuid#0", "crm.users/1", "pg_catalog.pg_class/1", "\0"]
)  # fmt: skip
def test_a_reference_that_leads_nowhere_gives_nothing(
    correspondence: Correspondence, admin_person: Viewer, raw_ref: str
) -> None:
    assert examine.raw_row(admin_person, raw_ref) is None
    assert correspondence.events("raw.view") == []
    assert len(correspondence.events("raw.refuse")) == 1


def test_a_quarantined_event_is_listed_newest_first_and_opens(
    correspondence: Correspondence, admin_person: Viewer
) -> None:
    now = datetime.now(UTC)
    for minute in range(3):
        correspondence.land(
            "twilio_sms", correspondence.sms_connection, {"Nonsense": str(minute)},
            at=now - timedelta(minutes=minute),
        )  # fmt: skip
    found = examine.quarantined(admin_person)
    assert (len(found.rows), found.matched, found.is_cut) == (3, 3, False)
    times = [row["received_at"] for row in found.rows]
    assert times == sorted(times, reverse=True)
    first = found.rows[0]
    assert (first["channel"], first["connection_name"]) == ("twilio_sms", "SMS")
    assert first["reason"]
    row = examine.raw_row(admin_person, first["raw_ref"])
    assert row is not None
    assert row.body == b"Nonsense=0"
    rest = examine.quarantined(admin_person, (first["received_at"], first["raw_ref"]))
    assert rest.rows == found.rows[1:]
    assert len(correspondence.events("quarantine.view")) == 2


def test_connections_are_listed_and_the_same_sight_is_one_event(
    correspondence: Correspondence, admin_person: Viewer
) -> None:
    rows = examine.connections(admin_person)
    assert {row["channel"] for row in rows} == {"twilio_sms", "gmail"}
    examine.connections(admin_person, shown=rows)
    assert len(correspondence.events("connection.view")) == 1


@pytest.mark.parametrize("role", list(UserRole))
def test_who_may_examine_what(
    correspondence: Correspondence, agent: Viewer, role: UserRole
) -> None:
    person = correspondence.signed_in("agent", role.value)
    message_id, _ = one_row_through_both_doors(correspondence)
    ((ref,),) = correspondence.execute("select raw_refs -> 0 ->> 'raw_ref' from marts.messages")
    looks: dict[str, Callable[[], object]] = {
        "message.view": lambda: examine.message(person, message_id),
        "message.revisions": lambda: examine.message_revisions(person, message_id),
        "raw.view": lambda: examine.raw_row(person, ref, message_id),
        "connection.view": lambda: examine.connections(person),
        "quarantine.view": lambda: examine.quarantined(person),
    }
    examiner = {"message.view", "message.revisions", "raw.view"}
    allowed = {
        UserRole.VIEWER: {"message.view"},
        UserRole.AGENT: {"message.view"},
        UserRole.PRIVACY_OFFICER: examiner,
        UserRole.ADMIN: set(looks),
    }[role]
    for action, look in looks.items():
        if action in allowed:
            look()
        else:
            with pytest.raises(Forbidden):
                look()
        # Of what was never edited there is nothing to see.
        is_shown = action in allowed and action != "message.revisions"
        assert len(correspondence.events(action)) == is_shown


def test_where_no_event_can_be_written_nothing_is_shown(
    correspondence: Correspondence, admin_person: Viewer
) -> None:
    message_id, _ = one_row_through_both_doors(correspondence)
    correspondence.execute("revoke insert on crm.events from crm_app")
    looks: list[Callable[[], Any]] = [
        lambda: examine.message(admin_person, message_id),
        lambda: examine.raw_row(admin_person, "raw.webhook_deliveries/x#0", message_id),
        lambda: examine.connections(admin_person),
        lambda: examine.quarantined(admin_person),
    ]
    for look in looks:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            look()


def test_bytes_are_not_opened_under_cover_of_another_message(
    correspondence: Correspondence, admin_person: Viewer
) -> None:
    """The event would name the other customer."""
    correspondence.customer("Sam", f"phone:{NUMBER}")
    message_id, _ = one_row_through_both_doors(correspondence)
    correspondence.sms("+61491570156", "of somebody else", START)
    ((foreign,),) = correspondence.execute(
        "select raw_refs -> 0 ->> 'raw_ref' from marts.messages where body = 'of somebody else'"
    )
    assert examine.raw_row(admin_person, foreign, message_id) is None
    assert examine.raw_row(admin_person, foreign) is None
    assert examine.raw_row(admin_person, foreign, "no message") is None
