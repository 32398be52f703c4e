"""The hot queries of the timeline give what marts.timeline gives, page by page, stored and live."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from pipelines import refresh
from tests.dbt_project import six_channels
from tests.dbt_project.raw_rows import (
    add_connections,
    inbound,
    mail,
    removal,
    status,
    twilio_history,
)
from warehouse.queries import queries
from warehouse.settings import Role, Settings

SQL = queries("timeline")
CUSTOMER = "c1"


def fill(settings: Settings, models: refresh.Models, admin: psycopg.Connection[Any]) -> None:
    """120 messages of one customer over two channels with equal times; a third of them live, some of those stored too."""
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
    with refresh.connect(settings) as database:
        refresh.refresh(models, database)
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


def pages(database: psycopg.Connection[Any], customer: str, size: int) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    position: dict[str, Any] = {"before_sent_at": None, "before_message_id": None}
    with database.cursor(row_factory=dict_row) as cursor:
        while True:
            page = cursor.execute(
                SQL["timeline_page"], {"customer_id": customer, "page_size": size, **position}
            ).fetchall()
            # Beside what the mart gives: what a sender without a name was called elsewhere.
            shown += [{key: row[key] for key in row if key != "known_name"} for row in page]
            if len(page) < size:
                return shown
            position = {
                "before_sent_at": page[-1]["sent_at"],
                "before_message_id": page[-1]["message_id"],
            }


def test_pages_together_are_the_mart(
    settings: Settings, models: refresh.Models, admin: psycopg.Connection[Any]
) -> None:
    fill(settings, models, admin)
    with psycopg.connect(settings.url_for(Role.APP), row_factory=dict_row) as database:
        for customer in ("c1", "c2"):
            mart = database.execute(
                "select * from marts.timeline where customer_id = %s order by sent_at desc, message_id desc",
                [customer],
            ).fetchall()
            assert len(mart) == {"c1": 120, "c2": 60}[customer]
            for size in (7, 50, 500):
                assert pages(database, customer, size) == mart


def test_a_push_without_a_name_is_shown_with_the_name_that_the_history_tells(
    settings: Settings, models: refresh.Models, admin: psycopg.Connection[Any]
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
    with refresh.connect(settings) as connection:
        refresh.refresh(models, connection)
    message = six_channels.chat_message("messenger", 2, "Anybody there?", at=60)
    six_channels.messaging("messenger", message, at=60).insert(admin)
    with psycopg.connect(settings.url_for(Role.APP), row_factory=dict_row) as database:
        newest = database.execute(
            SQL["timeline_page"],
            {
                "customer_id": "c1",
                "page_size": 1,
                "before_sent_at": None,
                "before_message_id": None,
            },
        ).fetchone()
    assert newest is not None
    assert (newest["body"], newest["from_name"], newest["known_name"]) == (
        "Anybody there?",
        None,
        "Sam Citizen",
    )
