"""The quarantine by kind: counted, read again once it can be understood, ignored, and told of again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app import act, act_quarantine, database, examine
from app.access.roles import Forbidden
from tests.app.conftest import OUR_NUMBER, Correspondence
from warehouse import connection_requests, decisions
from warehouse.refusals import Refused
from worker import connecting


def figures(correspondence: Correspondence) -> tuple[int, int]:
    """Of the connection for text messages: told of, and ignored."""
    ((told, ignored),) = correspondence.execute(
        "select quarantined_events, quarantined_and_ignored from marts.channel_health where connection_id = %s",
        [correspondence.sms_connection],
    )
    return told, ignored


def test_a_kind_is_ignored_counted_apart_and_told_of_again(correspondence: Correspondence) -> None:
    admin, agent = correspondence.signed_in("admin", "admin"), correspondence.signed_in("agent")
    now = datetime.now(UTC)
    for minute in range(3):
        correspondence.land(
            "twilio_sms", correspondence.sms_connection, {"Nonsense": str(minute)},
            at=now - timedelta(minutes=minute),
        )  # fmt: skip
    (kind,) = examine.quarantine_kinds(admin)
    assert (kind["channel"], kind["events"], kind["connections"]) == ("twilio_sms", 3, ["SMS"])
    assert kind["decision_id"] is None
    its = kind["channel"], kind["reason"]
    assert examine.raw_row(admin, kind["newest_ref"]) is not None
    assert figures(correspondence) == (3, 0)

    with pytest.raises(Forbidden):
        act_quarantine.ignore(agent, *its)
    act_quarantine.ignore(admin, *its)
    act_quarantine.ignore(admin, *its)
    (event,) = correspondence.events("quarantine.ignore")
    assert event["detail"]["reason"] == kind["reason"]
    (ignored,) = examine.quarantine_kinds(admin)
    assert (ignored["events"], ignored["ignored_by"]) == (3, "admin")
    assert figures(correspondence) == (0, 3)
    # Nothing is lost: they are listed where they are asked for, to the byte.
    assert examine.quarantined(admin).rows == []
    listed = examine.quarantined(admin, kind=its)
    assert (len(listed.rows), listed.matched) == (3, 3)
    assert examine.raw_row(admin, listed.rows[0]["raw_ref"]) is not None
    # One that comes from now on is of the kind, too.
    correspondence.land("twilio_sms", correspondence.sms_connection, {"Nonsense": "later"})
    assert figures(correspondence) == (0, 4)

    with pytest.raises(Forbidden):
        act.undo(agent, ignored["decision_id"], "")
    act.undo(admin, ignored["decision_id"], "")
    (told,) = examine.quarantine_kinds(admin)
    assert told["decision_id"] is None
    assert figures(correspondence) == (4, 0)
    (undo,) = correspondence.execute(
        "select undo_decision_id from crm.decisions where action = 'quarantine.ignore'"
    )
    act.undo(admin, undo[0], "")
    assert figures(correspondence) == (0, 4)
    with (
        database.pool().connection() as session,
        pytest.raises(Refused, match="nothing of this kind"),
    ):
        decisions.ignore_kind(session, admin.actor, "twilio_sms", "never heard of")


def test_what_can_be_understood_by_now_leaves_when_it_is_read_again(
    correspondence: Correspondence,
) -> None:
    admin = correspondence.signed_in("admin", "admin")
    account = "AC" + "7" * 32
    message = {
        "MessageSid": "SM" + "1" * 32, "AccountSid": account, "From": "+61491570006", "To": OUR_NUMBER, "Body": "hello",
        "NumMedia": "0", "SmsStatus": "received",
    }  # fmt: skip
    correspondence.land("twilio_sms", correspondence.sms_connection, message)
    found = examine.quarantine_kinds(admin)
    if not found:
        # A delivery is its connection's, whatever account it names: what is broken here is the row itself.
        correspondence.land("twilio_sms", correspondence.sms_connection, {"Nonsense": "1"})
        found = examine.quarantine_kinds(admin)
    (kind,) = found
    its = kind["channel"], kind["reason"]
    ref = kind["newest_ref"].partition("#")[0].partition("/")[2]
    # As after an update that reads it.
    correspondence.execute(
        "update raw.webhook_deliveries set payload = jsonb_build_object('MessageSid', %s::text, 'AccountSid', %s::text,"
        " 'From', '+61491570006', 'To', %s::text, 'Body', 'hello', 'NumMedia', '0', 'SmsStatus', 'received')"
        " where delivery_id = %s",
        ["SM" + "2" * 32, "AC" + "5" * 32, OUR_NUMBER, ref],
    )
    with pytest.raises(Forbidden):
        act_quarantine.read_again(correspondence.signed_in("agent"), *its)
    correspondence.fold()
    assert len(examine.quarantine_kinds(admin)) == 1, "nobody has asked for it yet"
    assert act_quarantine.read_again(admin, *its) == 1
    correspondence.fold()
    assert examine.quarantine_kinds(admin) == []
    (event,) = correspondence.events("delivery.replay")
    assert event["detail"]["rows"] == 1
    # What was pulled is marked by the worker, and nothing but a history is.
    correspondence.sms("+61491570006", "pulled", datetime.now(UTC))
    ((row_id, before),) = correspondence.execute(
        "select _dlt_id, transaction_id::text from raw_twilio_sms.messages"
    )
    for place, problem in (
        ("raw_twilio_sms.messages", None),
        ("crm.users", "no table of a history"),
    ):
        with database.pool().connection() as session:
            request = connection_requests.ask_reread(session, admin.actor, place, [row_id])
        connecting.answer(correspondence.settings, request)
        ((said,),) = correspondence.execute(
            "select problem from crm.connection_requests where request_id = %s", [request]
        )
        assert (said is None) if problem is None else (problem in said)
    ((after,),) = correspondence.execute("select transaction_id::text from raw_twilio_sms.messages")
    assert int(after) > int(before)
