"""Retention classes: what is due goes by two people's word, what is held stays, and nothing else goes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from media.store import MediaStore
from privacy import retention
from privacy.destruction import destroying
from tests.dbt_project import raw_rows, six_channels
from tests.dbt_project.raw_rows import SMS_CONNECTION, History, rfc2822, sid
from tests.privacy.residue import residue
from warehouse import decisions
from warehouse.decisions.retaining import Due, preview_retention
from warehouse.events import Actor, record
from warehouse.refusals import Refused
from warehouse.settings import Role, Settings

PIA, PAUL = (Actor(name=name, role="privacy_officer") for name in ("pia", "paul"))
Database = psycopg.Connection[Any]


def sent(number: int, years: float, *, of: str = "+61491570006") -> History:
    """A text of so many years ago."""
    import json

    moment = datetime.now(UTC) - timedelta(days=365.25 * years)
    payload = {
        "sid": sid(number), "account_sid": raw_rows.ACCOUNT_SID, "from": of, "to": "+61491570156",
        "body": f"words of {number}", "direction": "inbound", "status": "received", "num_media": "0",
        "date_created": rfc2822(moment), "date_sent": rfc2822(moment), "date_updated": rfc2822(moment),
    }  # fmt: skip
    return History(
        "raw_twilio_sms.messages",
        (
            ("connection_id", SMS_CONNECTION), ("sid", sid(number)), ("version", ""),
            ("payload", json.dumps(payload)), ("media", "[]"), ("sent_at", moment), ("pulled_at", datetime.now(UTC)),
        ),
    )  # fmt: skip


def standing(admin: Database) -> set[str]:
    rows = admin.execute("select provider_message_id from marts.messages").fetchall()
    return {found for (found,) in rows}


def sids(*numbers: int) -> set[str]:
    return {sid(number) for number in numbers}


def due(settings: Settings, class_id: str = "messages") -> Due:
    with destroying(settings) as database:
        return next(each for each in preview_retention(database) if each.class_id == class_id)


def test_a_hold_keeps_exactly_its_messages_until_it_is_released(
    settings: Settings, admin: Database, fold_now: Callable[[], int]
) -> None:
    raw_rows.add_connections(admin)
    other, third = "+61491570157", "+61491570158"
    for row in (
        sent(1, 8), sent(2, 9), sent(3, 6.9), sent(4, 8, of=other), sent(5, 3, of=other), sent(6, 10, of=third), sent(7, 7.1, of=third),
    ):  # fmt: skip
        row.insert(admin)
    fold_now()
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as app:
        customer = decisions.create_customer(app, PIA, "Samira Citizen")
        decisions.link(app, PIA, "phone:+61491570006", customer, reason="said so")
        decisions.tag(app, PIA, f"twilio_sms|{sid(6)}", "court")
        of_other = app.execute(
            "select conversation_id from canonical.conversations where counterpart_identity = %s", [f"phone:{other}"]
        ).fetchone()  # fmt: skip
        assert of_other
        holds = [
            decisions.place_hold(app, PIA, customer_id=customer, reason="a claim"),
            decisions.place_hold(app, PIA, conversation_id=of_other[0], reason="a claim"),
            decisions.place_hold(app, PIA, tag="court", reason="a court asks"),
        ]
    found = due(settings)
    assert (found.due, found.held, found.people, found.customers) == (1, 4, 1, 0)
    assert found.oldest == found.newest

    # Nobody alone.
    with pytest.raises(Refused, match="nobody has approved"):
        retention.apply(settings, PIA, "messages")
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as app:
        decisions.approve_class(app, PIA, "messages")
    with pytest.raises(Refused, match="you approved messages yourself"):
        retention.apply(settings, PIA, "messages")
    with pytest.raises(Refused, match="every night"):
        retention.apply(settings, retention.NIGHTLY, "messages")
    assert standing(admin) == sids(1, 2, 3, 4, 5, 6, 7)

    (certificate,) = retention.apply(settings, PAUL, "messages")
    assert standing(admin) == sids(1, 2, 3, 4, 5, 6)
    assert (certificate.what, certificate.counts["messages"]) == ("class messages", 1)
    assert retention.apply(settings, PAUL, "messages") == []

    # Released, they go; the one that is not old enough stays, and so does what others hold.
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as app:
        decisions.release_hold(app, PAUL, holds[0], reason="settled")
    retention.apply(settings, PAUL, "messages")
    assert standing(admin) == sids(3, 4, 5, 6)
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as app:
        for hold in holds[1:]:
            decisions.release_hold(app, PAUL, hold, reason="settled")
        with pytest.raises(Refused, match="no open hold"):
            decisions.release_hold(app, PAUL, holds[1], reason="settled")
    retention.apply(settings, PAUL, "messages", part=1)
    assert standing(admin) == sids(3, 5)
    assert residue(settings, [sid(1), sid(6), "words of 7", "words of 4"]) == []
    # A customer whose last message is kept is the same customer.
    assert admin.execute("select message_count from marts.conversations order by 1").fetchall() == [
        (1,),
        (1,),
    ]


def test_the_narrower_class_counts_and_a_change_is_approved_anew(
    settings: Settings, admin: Database, fold_now: Callable[[], int]
) -> None:
    raw_rows.add_connections(admin)
    for row in (sent(1, 8), sent(2, 3), sent(3, 1), sent(4, 8, of="+61491570157")):
        row.insert(admin)
    fold_now()
    shorter = {
        "covers": "messages",
        "keep": "2 years",
        "basis": "APP 11.2",
        "reason": "nobody asks for texts",
    }
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as app:
        decisions.tag(app, PIA, f"twilio_sms|{sid(4)}", "transaction")
        decisions.set_class(app, PIA, "texts", channels=["twilio_sms"], **shorter)
        decisions.set_class(
            app, PIA, "transactions", covers="messages", keep="10 years", basis="Corporations Act s 286",
            reason="records of a transaction", channels=["twilio_sms"], tag="transaction",
        )  # fmt: skip
        with pytest.raises(Refused, match="another person approves"):
            decisions.approve_class(app, PIA, "texts", standing=True)
        decisions.approve_class(app, PAUL, "texts", standing=True)
        for wrong in (
            {"keep": "-1 years"},
            {"keep": "soon"},
            {"covers": "everything"},
            {"reason": " "},
        ):
            with pytest.raises(Refused):
                decisions.set_class(app, PIA, "texts", **{**shorter, **wrong})
        with pytest.raises(Refused, match="no tag"):
            decisions.set_class(app, PIA, "texts", tag="nothing of the kind", **shorter)
    assert due(settings).due == 0
    assert (due(settings, "texts").due, due(settings, "transactions").due) == (2, 0)
    # The nightly job: what stands approved, and nothing else.
    assert retention.apply_standing(settings) == 1
    assert standing(admin) == sids(3, 4)
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as app:
        decisions.set_class(app, PAUL, "texts", **{**shorter, "keep": "1 month"})
    assert retention.apply_standing(settings) == 0
    assert standing(admin) == sids(3, 4)


def test_recordings_go_and_their_calls_stay_and_events_forget_whom(
    settings: Settings, admin: Database, fold_now: Callable[[], int]
) -> None:
    six_channels.add_connections(admin)
    six_channels.call_event(1, "completed", duration=20).insert(admin)
    six_channels.recording_event(1, 7, "completed", "RecordVerb").insert(admin)
    fold_now()
    admin.execute(
        "update canonical.messages set sent_at = now() - interval '13 months' where channel = 'twilio_voice'"
    )
    store = MediaStore(settings.media_root)
    shared, alone = store.store(b"hold music"), store.store(b"what they said")
    message = f"twilio_voice|{six_channels.call_sid(1)}"
    for attachment, sha256, of in (
        ("RE1", alone, message),
        ("RE2", shared, message),
        ("RE2", shared, "another"),
    ):
        admin.execute(
            "insert into jobs.media (message_id, attachment_id, channel, connection_id, state, sha256)"
            " values (%s, %s, 'twilio_voice', %s, 'stored', %s)",
            [of, attachment, six_channels.VOICE, sha256],
        )
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as app:
        record(
            app,
            PIA.event(
                "timeline.view", "customer", "c1", customer_ids=["c1"], detail={"seen": "c1"}
            ),
        )
        for class_id in ("recordings", "events"):
            decisions.approve_class(app, PIA, class_id)
    assert (due(settings, "recordings").due, due(settings, "events").due) == (2, 0)
    retention.apply(settings, PAUL, "recordings")
    assert store.every() == [shared]
    assert standing(admin) == {six_channels.call_sid(1)}
    assert (
        admin.execute(
            "select state, sha256 from jobs.media where message_id = %s", [message]
        ).fetchall()
        == [("expired", None)] * 2
    )
    # Nobody brings it back by a click.
    assert admin.execute("select crm.retry_media(%s, 'RE1')", [message]).fetchone() == (False,)

    admin.execute("alter table crm.events disable trigger events_append_only")
    admin.execute(
        "update crm.events set at = now() - interval '8 years' where action = 'timeline.view'"
    )
    admin.execute("alter table crm.events enable trigger events_append_only")
    assert due(settings, "events").due == 1
    retention.apply(settings, PAUL, "events")
    assert due(settings, "events").due == 0
    ((object_id, *rest),) = admin.execute(
        "select object_id, customer_ids, detail from crm.events where action = 'timeline.view'"
    ).fetchall()
    assert object_id.startswith("destroyed:")
    assert rest == [[], {"destroyed": True}]
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        admin.execute("update crm.events set detail = '{}'")
