"""The fold: any order, any duplication, any split into folds gives one set of tables; so do dbt's own run and a rebuild."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.dbt_project import six_channels
from tests.dbt_project.raw_rows import (
    RawRow,
    add_connections,
    change,
    emptied,
    inbound,
    mail,
    removal,
    status,
    twilio_history,
)
from tests.long_form import LONG
from transform import fold
from transform.build import build
from transform.models import Models
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
    "raw.webhook_deliveries", "raw_twilio_sms.messages", "raw_twilio_sms.removals", "raw_gmail.messages", "raw_gmail.changes",
    *six_channels.RAW_TABLES,
)  # fmt: skip
BUILT = (
    "messages", "message_participants", "threads", "conversations", "identities", "aliases", "attachments", "same_as", "quarantine",
    "search_documents", "search_people",
)  # fmt: skip
MIXTURES = {"two channels": TWO_CHANNELS, "four more": six_channels.RAW_ROWS}


def empty(admin: psycopg.Connection[Any]) -> None:
    """Nothing landed, nothing folded."""
    built = (f"canonical.{table}" for table in (*BUILT, "set_aside", "folded_lately"))
    emptied(admin, *RAW_TABLES, *built)
    admin.execute(
        "update canonical.fold_state set folded = pg_current_snapshot(), target = pg_current_snapshot()"
    )


def tables(admin: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """Every row of every table that the fold brings forward; which fold wrote it does not count."""
    return {
        table: [
            row
            for (row,) in admin.execute(
                f"select (to_jsonb(t) - 'folded_in')::text from canonical.{table} as t order by 1"  # type: ignore[arg-type]
            ).fetchall()
        ]
        for table in BUILT
    }


def seen(admin: psycopg.Connection[Any]) -> list[str]:
    """Everything a reader sees."""
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
        found = admin.execute(
            f"select (to_jsonb(m) - 'folded_in')::text from marts.{mart} as m order by 1"
        )  # type: ignore[arg-type]
        rows += [f"{mart} {row[0]}" for row in found.fetchall()]
    return rows


@pytest.mark.parametrize("mixture", MIXTURES)
@given(data=st.data(), order=st.randoms(use_true_random=False))
@hypothesis_settings(
    max_examples=20 if LONG else 8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_order_duplication_and_splits_change_nothing(
    settings: Settings,
    admin: psycopg.Connection[Any],
    fold_now: Callable[[], int],
    mixture: str,
    data: st.DataObject,
    order: random.Random,
) -> None:
    rows = list(dict.fromkeys(data.draw(st.lists(MIXTURES[mixture], min_size=1, max_size=25))))
    connect_all(admin)

    # All at once.
    empty(admin)
    for row in rows:
        row.insert(admin)
    fold_now()
    once, shown = tables(admin), seen(admin)

    # Shuffled, one fold after another, histories loaded again in between.
    empty(admin)
    shuffled = list(rows)
    order.shuffle(shuffled)
    cuts = set(order.sample(range(len(shuffled)), k=order.randint(0, len(shuffled))))
    for number, row in enumerate(shuffled):
        row.insert(admin)
        if number in cuts:
            fold_now()
    fold_now()
    assert tables(admin) == once
    assert seen(admin) == shown


#: dbt's own run and a rebuild cost half a minute: in each run the six channels together and once, apart and more often in
#: the long form.
MIXED = {"six channels": st.one_of(*MIXTURES.values())}


@pytest.mark.parametrize("mixture", [*MIXED, *(MIXTURES if LONG else [])])
@given(data=st.data())
@hypothesis_settings(
    max_examples=4 if LONG else 1,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_dbt_and_a_rebuild_give_what_the_resident_process_gives(
    settings: Settings,
    models: Models,
    serving_models: Models,
    admin: psycopg.Connection[Any],
    mixture: str,
    data: st.DataObject,
) -> None:
    rows = list(
        dict.fromkeys(data.draw(st.lists((MIXED | MIXTURES)[mixture], min_size=25, max_size=50)))
    )
    # Hypothesis begins with the same row again and again, which would be the one example of a short run.
    assume(len(rows) > 20)
    connect_all(admin)
    half = len(rows) // 2

    def halves(first: Callable[[], object], second: Callable[[], object]) -> dict[str, list[str]]:
        empty(admin)
        for part, take_in in ((rows[:half], first), (rows[half:], second)):
            for row in part:
                row.insert(admin)
            take_in()
        return tables(admin)

    with fold.connect(settings) as database:
        # A rebuild swaps the tables, so the session is a new one each time.
        found = fold.standing(database)
        assert found is not None
        by_fold = fold.Fold(database, found[1]).until_done
        resident = halves(by_fold, by_fold)
        # dbt goes on from what the resident process left.
        assert halves(by_fold, lambda: fold.by_dbt(database, serving_models)) == resident
    rebuilt = build(settings, models)
    assert rebuilt.is_equal
    assert tables(admin) == resident


def connect_all(admin: psycopg.Connection[Any]) -> None:
    if admin.execute("select count(*) from crm.connections").fetchone() == (0,):
        add_connections(admin)
        six_channels.add_connections(admin)


class Warehouse:
    """What lands is folded before anything is read."""

    def __init__(self, admin: psycopg.Connection[Any], fold_now: Callable[[], int]) -> None:
        self.admin = admin
        self.fold_now = fold_now

    def execute(self, statement: str, parameters: Any = None) -> psycopg.Cursor[Any]:
        if statement.lstrip().startswith("select"):
            self.fold_now()
        return self.admin.execute(statement, parameters)  # type: ignore[arg-type]


@pytest.fixture
def warehouse(admin: psycopg.Connection[Any], fold_now: Callable[[], int]) -> Warehouse:
    add_connections(admin)
    return Warehouse(admin, fold_now)


def one(warehouse: Warehouse, columns: str, mart: str = "messages") -> tuple[Any, ...]:
    rows = warehouse.execute(f"select {columns} from marts.{mart}").fetchall()
    assert len(rows) == 1, rows
    return rows[0]


def test_both_doors_give_one_message(warehouse: Warehouse) -> None:
    inbound(1, at=2).insert(warehouse)
    assert one(warehouse, "sent_at = received_at, seen_via") == (True, ["webhook"])
    twilio_history(1, sent=1).insert(warehouse)
    assert one(warehouse, "sent_at::text, seen_via, jsonb_array_length(raw_refs)") == (
        "2026-11-01 09:00:01+00",
        ["history", "webhook"],
        2,
    )


def test_a_status_alone_shows_nothing_and_waits(warehouse: Warehouse) -> None:
    status(1, "delivered", at=5).insert(warehouse)
    assert warehouse.execute("select count(*) from marts.messages").fetchone() == (0,)
    twilio_history(1, direction="outbound-api", word="sent").insert(warehouse)
    assert one(warehouse, "direction, status, counterpart_identity") == (
        "outbound",
        "delivered",
        "phone:+61491570006",
    )


def test_a_status_only_advances(warehouse: Warehouse) -> None:
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
    warehouse: Warehouse,
) -> None:
    inbound(1, body="my address is 1 Example St").insert(warehouse)
    twilio_history(1, body="", updated=40).insert(warehouse)
    assert one(warehouse, "body, provider_metadata ->> 'history_body_empty'") == (
        "my address is 1 Example St",
        "true",
    )


def test_a_removal_is_a_revision_and_the_text_stays(warehouse: Warehouse) -> None:
    inbound(1, body="hello").insert(warehouse)
    removal(1).insert(warehouse)
    assert one(warehouse, "body, is_deleted, status, revision") == ("hello", True, "deleted", 1)
    kinds = warehouse.execute("select kind, body from marts.message_revisions order by revision")
    assert kinds.fetchall() == [("original", "hello"), ("removed at the provider", None)]


def test_media_are_attachments_through_either_door(warehouse: Warehouse) -> None:
    inbound(1, body="", media=2).insert(warehouse)
    before = one(warehouse, "kind, attachments")
    twilio_history(1, body="", media=2).insert(warehouse)
    assert one(warehouse, "kind, attachments") == before
    assert before[0] == "media"
    assert [item["content_type"] for item in before[1]] == ["image/jpeg", "image/jpeg"]
    assert warehouse.execute("select count(*) from marts.attachments").fetchone() == (2,)


def test_every_outside_participant_of_a_mail_has_it_in_the_timeline(
    warehouse: Warehouse,
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
    warehouse: Warehouse, sender: str, labels: tuple[str, ...], direction: str
) -> None:
    mail(1, sender=sender, to=("kim@example.net",), labels=labels).insert(warehouse)
    assert one(warehouse, "direction") == (direction,)


def test_spam_and_drafts_wait_until_their_label_goes(warehouse: Warehouse) -> None:
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
    warehouse: Warehouse,
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


def test_a_reply_finds_what_it_answers(warehouse: Warehouse) -> None:
    mail(1, message_reference="<a@example.org>").insert(warehouse)
    mail(
        2,
        sender="sales@example.com",
        to=("sam@example.org",),
        labels=("SENT",),
        in_reply_to="<a@example.org>",
    ).insert(warehouse)
    with_reply = "select message_id, in_reply_to from marts.messages where in_reply_to is not null"
    prefix = "gmail|sales@example.com|18f0"
    assert warehouse.execute(with_reply).fetchall() == [(f"{prefix}{2:012x}", f"{prefix}{1:012x}")]


def test_a_newer_parser_wins(warehouse: Warehouse) -> None:
    mail(1, parser_version=2).insert(warehouse)
    mail(1, parser_version=1).insert(warehouse)
    assert one(warehouse, "body") == ("Is it ready? (parser 2)",)
