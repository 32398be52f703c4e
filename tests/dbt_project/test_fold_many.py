"""The fold: any order, any duplication, any split into refreshes gives one table; so do the tail and a rebuild."""

from __future__ import annotations

import random
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipelines import refresh
from pipelines.rebuild import rebuild
from tests.dbt_project import six_channels
from tests.dbt_project.raw_rows import (
    RawRow,
    add_connections,
    change,
    inbound,
    mail,
    removal,
    status,
    twilio_history,
)
from warehouse.settings import Settings

numbers = st.integers(1, 4)
seconds = st.integers(0, 50)
words = st.sampled_from(["queued", "sent", "delivered", "failed", "undelivered", "read"])
label_sets = st.sets(st.sampled_from(["INBOX", "UNREAD", "SENT", "TRASH", "SPAM", "DRAFT"])).map(
    lambda labels: tuple(sorted(labels))
)

TWO_CHANNELS: st.SearchStrategy[RawRow] = st.one_of(
    st.builds(
        inbound,
        numbers,
        body=st.sampled_from(["hello", "", "مرحبا 👩🏽‍🔧", "x" * 500]),
        media=st.integers(0, 2),
        at=seconds,
        copy=st.integers(0, 2),
    ),
    st.builds(status, numbers, words, at=seconds, copy=st.integers(0, 2)),
    st.builds(
        twilio_history,
        numbers,
        body=st.sampled_from(["hello", ""]),
        direction=st.sampled_from(["inbound", "outbound-api"]),
        word=words,
        sent=seconds,
        updated=seconds,
        media=st.integers(0, 2),
    ),
    st.builds(removal, numbers),
    st.builds(
        mail,
        numbers,
        labels=label_sets,
        history_id=st.integers(90, 110),
        parser_version=st.integers(1, 3),
        cc=st.sampled_from([(), ("kim@example.net", "lee@example.net"), ("SAM@example.org",)]),
        sender=st.sampled_from(
            ["sam@example.org", "sales+web@example.com", "ann@shop.example.com", ""]
        ),
    ),
    st.builds(
        change,
        numbers,
        st.sampled_from(["added", "removed", "missing", "labels_added", "labels_removed"]),
        history_id=st.integers(90, 200),
        labels=st.one_of(st.none(), label_sets),
    ),
)

RAW_TABLES = (
    "raw.webhook_deliveries, raw_twilio_sms.messages, raw_twilio_sms.removals, raw_gmail.messages,"
    f" raw_gmail.changes, {six_channels.RAW_TABLES}"
)
BUILT_TABLES = (
    "canonical.messages, canonical.message_participants, canonical.identities, canonical.conversations,"
    " canonical.attachments, canonical.same_as, canonical.quarantine"
)
MIXTURES = {"two channels": TWO_CHANNELS, "four more": six_channels.RAW_ROWS}


def empty(admin: psycopg.Connection[Any]) -> None:
    admin.execute(f"truncate {RAW_TABLES}")  # type: ignore[arg-type]
    admin.execute(f"truncate {BUILT_TABLES}")  # type: ignore[arg-type]
    admin.execute(
        "update canonical.horizon set processed = pg_current_xact_id(), target = pg_current_xact_id()"
    )


def table(admin: psycopg.Connection[Any]) -> tuple[Any, ...] | None:
    return admin.execute(refresh.SQL["hash_of_messages"]).fetchone()


def take_in(models: refresh.Models, database: psycopg.Connection[Any]) -> None:
    """Refresh until everything committed by now is in the tables.

    A transaction of another database on the same server holds the horizon back as long as it runs.
    """
    row = database.execute(refresh.SQL["current_transaction"]).fetchone()
    assert row is not None
    for _ in range(50):
        refresh.refresh(models, database)
        if database.execute(refresh.SQL["is_processed"], {"transaction_id": row[0]}).fetchone() == (
            True,
        ):
            return
    raise AssertionError("the horizon does not advance")


def seen(admin: psycopg.Connection[Any]) -> list[str]:
    """Everything a reader sees, live."""
    rows = []
    for mart in (
        "messages",
        "timeline",
        "message_participants",
        "identities",
        "conversations",
        "message_revisions",
        "attachments",
        "outcomes",
        "quarantine",
        "link_suggestions",
    ):
        found = admin.execute(f"select to_jsonb(m)::text from marts.{mart} as m order by 1")  # type: ignore[arg-type]
        rows += [f"{mart} {row[0]}" for row in found.fetchall()]
    return rows


@pytest.mark.parametrize("mixture", MIXTURES)
@given(data=st.data(), order=st.randoms(use_true_random=False))
@hypothesis_settings(
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_order_duplication_and_splits_change_nothing(
    settings: Settings,
    models: refresh.Models,
    admin: psycopg.Connection[Any],
    mixture: str,
    data: st.DataObject,
    order: random.Random,
) -> None:
    rows = data.draw(st.lists(MIXTURES[mixture], min_size=1, max_size=25))
    if admin.execute("select count(*) from crm.connections").fetchone() == (0,):
        add_connections(admin)
        six_channels.add_connections(admin)
    rows = list(dict.fromkeys(rows))

    # All at once, read through the live tail alone, then refreshed once.
    empty(admin)
    for row in rows:
        row.insert(admin)
    live = seen(admin)
    with refresh.connect(settings) as database:
        take_in(models, database)
        assert seen(admin) == live
        once = table(admin)

        # Shuffled, split into refreshes, histories loaded again in between.
        empty(admin)
        shuffled = list(rows)
        order.shuffle(shuffled)
        cuts = sorted(order.sample(range(len(shuffled) + 1), k=min(2, len(shuffled))))
        for number, row in enumerate(shuffled):
            row.insert(admin)
            if number in cuts:
                refresh.refresh(models, database)
        take_in(models, database)
        assert seen(admin) == live
        assert table(admin) == once

        # Built again from raw.
        rebuilt = rebuild(models, database)
        assert rebuilt.is_equal
        assert table(admin) == once
        assert seen(admin) == live


@pytest.fixture
def warehouse(
    settings: Settings, models: refresh.Models, admin: psycopg.Connection[Any]
) -> psycopg.Connection[Any]:
    add_connections(admin)
    return admin


def one(admin: psycopg.Connection[Any], columns: str, mart: str = "messages") -> tuple[Any, ...]:
    rows = admin.execute(f"select {columns} from marts.{mart}").fetchall()  # type: ignore[arg-type]
    assert len(rows) == 1, rows
    return rows[0]


def test_both_doors_give_one_message(warehouse: psycopg.Connection[Any]) -> None:
    inbound(1, at=2).insert(warehouse)
    assert one(warehouse, "sent_at = received_at, seen_via") == (True, ["webhook"])
    twilio_history(1, sent=1).insert(warehouse)
    assert one(warehouse, "sent_at::text, seen_via, jsonb_array_length(raw_refs)") == (
        "2026-11-01 09:00:01+00",
        ["history", "webhook"],
        2,
    )


def test_a_status_alone_shows_nothing_and_waits(warehouse: psycopg.Connection[Any]) -> None:
    status(1, "delivered", at=5).insert(warehouse)
    assert warehouse.execute("select count(*) from marts.messages").fetchone() == (0,)
    twilio_history(1, direction="outbound-api", word="sent").insert(warehouse)
    assert one(warehouse, "direction, status, counterpart_identity") == (
        "outbound",
        "delivered",
        "phone:+61491570006",
    )


def test_a_status_only_advances(warehouse: psycopg.Connection[Any]) -> None:
    twilio_history(1, direction="outbound-api", word="queued").insert(warehouse)
    told = [
        ("sent", "sent"),
        ("delivered", "delivered"),
        ("sent", "delivered"),
        ("failed", "delivered"),
    ]
    for number, (word, expected) in enumerate(told):
        status(1, word, copy=number).insert(warehouse)
        assert one(warehouse, "status") == (expected,)


def test_a_redaction_at_the_provider_keeps_what_was_received(
    warehouse: psycopg.Connection[Any],
) -> None:
    inbound(1, body="my address is 1 Example St").insert(warehouse)
    twilio_history(1, body="", updated=40).insert(warehouse)
    assert one(warehouse, "body, provider_metadata ->> 'history_body_empty'") == (
        "my address is 1 Example St",
        "true",
    )


def test_a_removal_is_a_revision_and_the_text_stays(warehouse: psycopg.Connection[Any]) -> None:
    inbound(1, body="hello").insert(warehouse)
    removal(1).insert(warehouse)
    assert one(warehouse, "body, is_deleted, status, revision") == ("hello", True, "deleted", 1)
    kinds = warehouse.execute("select kind, body from marts.message_revisions order by revision")
    assert kinds.fetchall() == [("original", "hello"), ("removed at the provider", None)]


def test_media_are_attachments_through_either_door(warehouse: psycopg.Connection[Any]) -> None:
    inbound(1, body="", media=2).insert(warehouse)
    before = one(warehouse, "kind, attachments")
    twilio_history(1, body="", media=2).insert(warehouse)
    assert one(warehouse, "kind, attachments") == before
    assert before[0] == "media"
    assert [item["content_type"] for item in before[1]] == ["image/jpeg", "image/jpeg"]
    assert warehouse.execute("select count(*) from marts.attachments").fetchone() == (2,)


def test_every_outside_participant_of_a_mail_has_it_in_the_timeline(
    warehouse: psycopg.Connection[Any],
) -> None:
    mail(
        1,
        to=("sales@example.com", "Kim@Example.net"),
        cc=("kim@example.net", "ann@shop.example.com"),
    ).insert(warehouse)
    rows = warehouse.execute("select identity from marts.timeline order by 1").fetchall()
    assert rows == [("email:kim@example.net",), ("email:sam@example.org",)]
    assert one(
        warehouse, "direction, from_address, from_name, to_addresses, counterpart_identity"
    ) == (
        "inbound",
        "sam@example.org",
        "Sam",
        ["sales@example.com", "kim@example.net", "ann@shop.example.com"],
        "email:sam@example.org",
    )


@pytest.mark.parametrize(
    ("sender", "labels", "direction"),
    [
        ("sales@example.com", ("SENT",), "outbound"),
        ("Sales+Web@example.com", ("SENT",), "outbound"),
        ("ann@shop.example.com", ("INBOX",), "outbound"),
        ("alias@elsewhere.example", ("SENT",), "outbound"),
        ("sam+shop@example.com", ("INBOX",), "inbound"),
        ("sales@example.com.evil.example", ("INBOX",), "inbound"),
    ],
)
def test_direction_of_a_mail(
    warehouse: psycopg.Connection[Any], sender: str, labels: tuple[str, ...], direction: str
) -> None:
    mail(1, sender=sender, to=("kim@example.net",), labels=labels).insert(warehouse)
    assert one(warehouse, "direction") == (direction,)


def test_spam_and_drafts_wait_until_their_label_goes(warehouse: psycopg.Connection[Any]) -> None:
    mail(1, labels=("SPAM",), history_id=100).insert(warehouse)
    mail(2, labels=("DRAFT",), history_id=100).insert(warehouse)
    assert warehouse.execute("select count(*) from marts.messages").fetchone() == (0,)
    outcomes = warehouse.execute(
        "select outcome, reason from marts.outcomes order by reason"
    ).fetchall()
    assert outcomes == [
        ("ignored", "a draft: it is unsent"),
        ("ignored", "spam, until Gmail's label goes"),
    ]
    mail(1, labels=("INBOX",), history_id=120).insert(warehouse)
    assert one(warehouse, "provider_metadata -> 'labels'") == (["INBOX"],)


def test_the_newest_labels_are_shown_whatever_came_first(
    warehouse: psycopg.Connection[Any],
) -> None:
    change(1, "labels_added", history_id=900, labels=("INBOX", "TRASH")).insert(warehouse)
    mail(1, labels=("INBOX",), history_id=1000).insert(warehouse)
    assert one(warehouse, "provider_metadata -> 'trashed', is_deleted") == (False, False)
    change(1, "labels_added", history_id=10_000, labels=("TRASH",)).insert(warehouse)
    assert one(warehouse, "provider_metadata -> 'trashed', is_deleted") == (True, False)
    change(1, "removed", history_id=10_001).insert(warehouse)
    assert one(warehouse, "provider_metadata -> 'trashed', is_deleted, status, body") == (
        True,
        True,
        "deleted",
        "Is it ready?",
    )


def test_a_reply_finds_what_it_answers(
    warehouse: psycopg.Connection[Any], settings: Settings, models: refresh.Models
) -> None:
    mail(1, message_reference="<a@example.org>").insert(warehouse)
    mail(
        2,
        sender="sales@example.com",
        to=("sam@example.org",),
        labels=("SENT",),
        in_reply_to="<a@example.org>",
    ).insert(warehouse)
    with_reply = "select message_id, in_reply_to from marts.messages where in_reply_to is not null"
    # The reference is looked up among stored rows, so it shows with the next refresh.
    with refresh.connect(settings) as database:
        refresh.refresh(models, database)
    prefix = "gmail|sales@example.com|18f0"
    assert warehouse.execute(with_reply).fetchall() == [(f"{prefix}{2:012x}", f"{prefix}{1:012x}")]


def test_a_newer_parser_wins(warehouse: psycopg.Connection[Any]) -> None:
    mail(1, parser_version=2).insert(warehouse)
    mail(1, parser_version=1).insert(warehouse)
    assert one(warehouse, "body") == ("Is it ready? (parser 2)",)
