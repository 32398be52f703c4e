"""dbt's own tests, run on a warehouse that holds every awkward thing the raw-row builders know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.dbt_project.raw_rows import (
    add_connections,
    change,
    inbound,
    mail,
    removal,
    status,
    twilio_history,
)
from transform.models import Models


@pytest.fixture
def filled(admin: psycopg.Connection[Any], fold_now: Callable[[], int]) -> psycopg.Connection[Any]:
    """Folded in two halves."""
    add_connections(admin)
    stored = [inbound(n, media=n % 3) for n in range(8)] + [
        mail(n, cc=("kim@example.net",)) for n in range(8)
    ]
    for row in stored:
        row.insert(admin)
    fold_now()
    kinds = ["added", "removed", "labels_added", "unheard_of"]
    live = [
        *(status(n, "delivered") for n in range(4)),
        *(twilio_history(n, media=n % 3) for n in range(4, 12)),
        *(change(n, kind, history_id=200 + n, labels=("TRASH",)) for n, kind in enumerate(kinds)),
        removal(2),
        mail(9, labels=("SPAM",)),
        mail(10, sender=""),
        inbound(20, AccountSid="AC" + "f" * 32),
        status(21, "teleported"),
    ]
    for row in live:
        row.insert(admin)
    unreadable = [("twilio_sms", None), ("twilio_sms", "[]"), ("twilio_sms", '[1, {}, "x"]')]
    for number, (channel, payload) in enumerate(
        [*unreadable, ("gmail", '{"message": {"data": "!"}}')]
    ):
        admin.execute(
            "insert into raw.webhook_deliveries (delivery_id, received_at, channel, connection_id, delivery_key,"
            " method, path, query, headers, content_type, body, payload, payload_error)"
            " values (gen_random_uuid(), now(), %s, 'gone', %s, 'POST', '/', '', '{}', '', '', %s, %s)",
            [channel, str(number), payload, None if payload else "the body is empty"],
        )
    fold_now()
    return admin


def test_contracts_unit_tests_and_truths_across_models_hold(
    filled: psycopg.Connection[Any], serving_models: Models
) -> None:
    ran = serving_models.test()
    assert ran >= 20


def test_every_outcome_of_the_awkward_rows(filled: psycopg.Connection[Any]) -> None:
    found = filled.execute(
        "select outcome, count(*) from marts.outcomes group by 1 order by 1"
    ).fetchall()
    assert dict(found) == {
        "ignored": 3,
        "message": 25,
        "quarantined": 8,
        "revision": 2,
        "status": 5,
    }
