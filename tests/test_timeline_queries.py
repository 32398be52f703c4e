"""The hot queries of the timeline give what marts.timeline gives, page by page, and what changed since a fold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.dbt_project import six_channels
from tests.dbt_project.raw_rows import (
    add_connections,
    inbound,
    mail,
    removal,
    status,
    twilio_history,
)
from tests.long_form import LONG
from transform.build import build
from transform.models import Models
from warehouse.queries import queries
from warehouse.settings import Role, Settings

SQL = queries("timeline")
CUSTOMER = "c1"


def fill(admin: psycopg.Connection[Any], fold_now: Callable[[], int]) -> None:
    """120 messages of one customer over two channels with equal times, folded in two halves; some are in both."""
    add_connections(admin)
    admin.execute(
        "insert into crm.customers (customer_id, name, created_by) values ('c1', 'Sam', 't'), ('c2', 'Kim', 't')"
    )
    for identity, customer in (
        ("phone:+61491570006", "c1"),
        ("email:sam@example.org", "c1"),
        ("email:kim@example.net", "c2"),
    ):
        admin.execute(
            "insert into crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason)"
            " values (%s, %s, %s, %s, 't', 't')",
            [identity, identity, identity, customer],
        )
    for number in range(80):
        (
            inbound(number, at=number // 4)
            if number % 2
            else mail(number, sent=number // 4, cc=("kim@example.net",))
        ).insert(admin)
    fold_now()
    for number in range(60, 120):
        (
            inbound(number, at=number // 4, copy=1)
            if number % 2
            else mail(
                number, sent=number // 4, labels=("INBOX", "STARRED"), cc=("kim@example.net",)
            )
        ).insert(admin)
    for number in range(1, 40, 4):
        twilio_history(number, sent=0, direction="inbound").insert(admin)
    status(300, "delivered").insert(admin)
    removal(61).insert(admin)
    fold_now()


#: Beside what the mart gives: what a sender without a name was called elsewhere, and what was corrected.
BESIDE = ("known_name", "corrections")


def pages(database: psycopg.Connection[Any], customer: str, size: int) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    before = "~"
    with database.cursor(row_factory=dict_row) as cursor:
        while True:
            page = cursor.execute(
                SQL["timeline_page"],
                {"customer_id": customer, "from_key": "", "before_key": before, "most": size},
            ).fetchall()
            shown += [{key: row[key] for key in row if key not in BESIDE} for row in page]
            if len(page) < size:
                return shown
            before = page[-1]["sort_key"]


def mart_of(database: psycopg.Connection[dict[str, Any]], customer: str) -> list[dict[str, Any]]:
    """Without whose it is: who asks for a page knows."""
    rows = database.execute(
        'select * from marts.timeline where customer_id = %s order by sort_key collate "C" desc',
        [customer],
    ).fetchall()
    return [{key: row[key] for key in row if key != "customer_id"} for row in rows]


def changes(
    database: psycopg.Connection[dict[str, Any]], customer: str, since: int
) -> list[dict[str, Any]]:
    found = database.execute(
        SQL["timeline_changes"],
        {"customer_id": customer, "since_fold": since, "page_size": 500, "most": 500},
    ).fetchall()
    return [{key: row[key] for key in row if key not in BESIDE} for row in found]


def test_what_changed_since_a_fold_is_what_later_folds_wrote(
    settings: Settings, admin: psycopg.Connection[Any], fold_now: Callable[[], int]
) -> None:
    fill(admin, fold_now)
    number = "select fold from canonical.fold_state where build = 'live'"
    with psycopg.connect(
        settings.url_for(Role.APP), row_factory=dict_row, autocommit=True
    ) as database:
        ((since,),) = admin.execute(number).fetchall()
        assert changes(database, "c1", since) == []
        # All there ever was, in the order of reading.
        assert changes(database, "c1", 0) == mart_of(database, "c1")[::-1]
        # A new one, a new version of one that stands, a copy that says nothing new, and one of somebody else.
        inbound(200, at=100).insert(admin)
        mail(10, sent=2, labels=("INBOX", "STARRED"), history_id=500).insert(admin)
        mail(201, sent=101, sender="kim@example.net").insert(admin)
        fold_now()
        mart = {row["message_id"]: row for row in mart_of(database, "c1")}
        found = changes(database, "c1", since)
        assert len(found) == 2
        assert found == sorted(found, key=lambda row: row["sort_key"])
        assert all(mart[row["message_id"]] == row for row in found)
        assert len(changes(database, "c2", since)) == 1
        ((later,),) = admin.execute(number).fetchall()
        assert changes(database, "c1", later) == []


def test_pages_together_are_the_mart(
    settings: Settings,
    models: Models,
    admin: psycopg.Connection[Any],
    fold_now: Callable[[], int],
) -> None:
    fill(admin, fold_now)
    with psycopg.connect(
        settings.url_for(Role.APP), row_factory=dict_row, autocommit=True
    ) as database:
        folded = {customer: mart_of(database, customer) for customer in ("c1", "c2")}
        assert {customer: len(mart) for customer, mart in folded.items()} == {"c1": 120, "c2": 60}
        for customer, mart in folded.items():
            times = [row["sent_at"] for row in mart]
            assert times == sorted(times, reverse=True)
            for size in (7, 50, 500):
                assert pages(database, customer, size) == mart
        if not LONG:
            return
        build(settings, models)
        for customer, mart in folded.items():
            rebuilt = mart_of(database, customer)
            assert pages(database, customer, 50) == rebuilt
            # Only which fold wrote a row is another.
            assert [row | {"folded_in": 0} for row in rebuilt] == [
                row | {"folded_in": 0} for row in mart
            ]


def test_a_push_without_a_name_is_shown_with_the_name_that_the_history_tells(
    settings: Settings, admin: psycopg.Connection[Any], fold_now: Callable[[], int]
) -> None:
    six_channels.add_connections(admin)
    admin.execute(
        "insert into crm.customers (customer_id, name, created_by) values ('c1', 'S', 't')"
    )
    admin.execute(
        "insert into crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason)"
        " values ('l', 'd', %s, 'c1', 't', 't')",
        [f"psid:{six_channels.PAGE}:{six_channels.PSID}"],
    )
    six_channels.chat_history("messenger", 1, "Hello").insert(admin)
    fold_now()
    message = six_channels.chat_message("messenger", 2, "Anybody there?", at=60)
    six_channels.messaging("messenger", message, at=60).insert(admin)
    fold_now()
    with psycopg.connect(settings.url_for(Role.APP), row_factory=dict_row) as database:
        newest = database.execute(
            SQL["timeline_page"],
            {"customer_id": "c1", "from_key": "", "before_key": "~", "most": 1},
        ).fetchone()
    assert newest is not None
    assert (newest["body"], newest["from_name"], newest["known_name"]) == (
        "Anybody there?",
        None,
        "Sam Citizen",
    )
