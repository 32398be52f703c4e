"""The warehouse is away, or takes no deliveries: what is answered meanwhile, and what is told of how we stand."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.webhooks.conftest import (
    RunningReceiver,
    Sender,
    serve,
    twilio_form,
    twilio_sender,
)
from warehouse.settings import Settings
from webhooks import landing

Database = psycopg.Connection[Any]


def is_ready(receiver: RunningReceiver) -> bool:
    status = receiver.client.get(f"{receiver.admin_url}/readyz").status_code
    assert status in (200, 503)
    return status == 200


def comes_back(receiver: RunningReceiver, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not is_ready(receiver):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


@contextmanager
def kept_out(admin: Database) -> Iterator[None]:
    """The receiver cannot come into this database, and what it had open is closed."""
    place = sql.Identifier(admin.info.dbname)
    # A test's database is a copy, into which everybody may come.
    admin.execute(sql.SQL("revoke connect on database {} from public, crm_receiver").format(place))
    admin.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where usename = 'crm_receiver' and datname = current_database()"
    )
    yield
    admin.execute(sql.SQL("grant connect on database {} to public, crm_receiver").format(place))


def eventually_asked_for_all(admin: Database) -> None:
    asked = (
        "select 1 from pg_stat_activity where usename = 'crm_receiver' and datname = current_database()"
        " and state = 'idle' and query like '%signing as secrets%'"
    )
    until = time.monotonic() + 60
    while not admin.execute(asked).fetchall():
        assert time.monotonic() < until, "the connections were never asked for"
        time.sleep(0.1)
    # The answer is read by then, or within a moment.
    time.sleep(0.3)


def test_a_table_that_takes_no_deliveries_is_told_of_before_one_is_lost(
    receiver: RunningReceiver,
    twilio_sms: Sender,
    admin: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another table does: a trial there says nothing about this one."""
    monkeypatch.setattr(landing, "READY_SECONDS", 0.0)
    assert is_ready(receiver)
    admin.execute("revoke insert on raw.webhook_deliveries from crm_receiver")
    assert not is_ready(receiver)
    assert twilio_sms.post(twilio_form(1)).status_code == 503
    admin.execute("grant insert on raw.webhook_deliveries to crm_receiver")
    assert twilio_sms.post(twilio_form(1)).is_success
    assert is_ready(receiver)
    # Nothing of the trials stays.
    assert admin.execute("select channel from raw.webhook_deliveries").fetchall() == [
        ("twilio_sms",)
    ]
    assert admin.execute("select count(*) from raw.delivery_keys").fetchone() == (1,)


def test_deliveries_that_are_not_stored_are_told_of_as_long_as_that_lasts(
    receiver: RunningReceiver,
    twilio_sms: Sender,
    admin: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What refuses the real ones alone is seen by no trial: a full disk takes a small write."""
    monkeypatch.setattr(landing, "READY_SECONDS", 0.0)
    monkeypatch.setattr(landing, "FAILED_SECONDS", 4.0)
    admin.execute(
        "alter table raw.webhook_deliveries add constraint refuses check (channel = 'rehearsal') not valid"
    )
    until = time.monotonic() + 5
    number = 0
    while time.monotonic() < until:
        number += 1
        assert twilio_sms.post(twilio_form(number)).status_code == 503
        for _ in range(3):
            assert not is_ready(receiver)
            time.sleep(0.1)
    # Nothing comes any more: after a while it is tried with the next one.
    assert comes_back(receiver, 60)
    assert twilio_sms.post(twilio_form(1)).status_code == 503
    assert not is_ready(receiver)
    admin.execute("alter table raw.webhook_deliveries drop constraint refuses")
    assert twilio_sms.post(twilio_form(1)).is_success
    assert is_ready(receiver)


def test_the_first_delivery_after_a_start_is_judged_while_the_warehouse_is_away(
    settings: Settings, admin: Database, receiver: RunningReceiver
) -> None:
    """Connections are known from the start on, and not from their first delivery on."""
    known = twilio_sender("twilio_sms", twilio_form, settings, admin, receiver)
    with serve(settings) as started:
        sender = Sender(
            known.channel, known.connection, started, known.content_type, known.sample, known.sign
        )
        with kept_out(admin):
            assert not is_ready(started)
            assert (
                sender.post(twilio_form(1), headers={"X-Twilio-Signature": "x"}).status_code == 401
            )
            assert sender.post(twilio_form(1)).status_code == 503
        assert comes_back(started, 60)
        assert sender.post(twilio_form(1)).is_success


def test_a_receiver_that_starts_before_the_warehouse_knows_its_connections_when_it_comes(
    settings: Settings, admin: Database, receiver: RunningReceiver
) -> None:
    known = twilio_sender("twilio_sms", twilio_form, settings, admin, receiver)
    with kept_out(admin):
        starting = serve(settings)
        started = starting.__enter__()
        sender = Sender(
            known.channel, known.connection, started, known.content_type, known.sample, known.sign
        )
        # Nothing can be proven yet, so nothing is refused for good.
        assert sender.post(twilio_form(1), headers={"X-Twilio-Signature": "x"}).status_code == 503
    try:
        assert comes_back(started, 60)
        eventually_asked_for_all(admin)
        with kept_out(admin):
            refused = sender.post(twilio_form(1), headers={"X-Twilio-Signature": "x"})
            assert refused.status_code == 401
    finally:
        starting.__exit__(None, None, None)
