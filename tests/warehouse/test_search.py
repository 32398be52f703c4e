"""Search finds what a look at every message finds, by an index, whatever the messages and the queries are made of."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tests.dbt_project.raw_rows import add_connections, inbound, mail
from tests.long_form import LONG
from tests.warehouse import search_oracle as oracle
from transform.build import build
from transform.models import Models
from warehouse import search, search_meaning
from warehouse.customer_search import name_patterns
from warehouse.search_query import parse
from warehouse.settings import Role, Settings

MESSAGES = int(os.environ.get("CRM_TEST_SEARCH_MESSAGES", "100000" if LONG else "400"))
QUERIES = int(os.environ.get("CRM_TEST_SEARCH_QUERIES", "1000" if LONG else "250"))
SEED = int(os.environ.get("CRM_TEST_SEARCH_SEED", "13"))
#: How often a query's plans are looked at.
PLANNED = 1 if LONG else 8
SYDNEY = ZoneInfo("Australia/Sydney")
#: So that messages lie round both changes of daylight saving.
SECONDS = 330 * 24 * 3600
FoldNow = Callable[[], int]
PAGE = {"page_size": 50, "most": search.MOST}
Admin = psycopg.Connection[Any]


def add_people(admin: Admin) -> None:
    for customer_id, name, phone, email in oracle.PEOPLE:
        if customer_id is None:
            continue
        admin.execute(
            "insert into crm.customers (customer_id, name, created_by) values (%s, %s, 't')",
            [customer_id, name],
        )
        for identity in (f"phone:{phone}", f"email:{email}"):
            admin.execute(
                "insert into crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason)"
                " values (%s, 'd', %s, %s, 't', 't')",
                [identity, identity, customer_id],
            )


def add_messages(admin: Admin, rng: random.Random, numbers: range) -> None:
    with admin.transaction(), admin.pipeline():
        for number in numbers:
            _, _, phone, email = rng.choice(oracle.PEOPLE)
            at = -rng.randrange(SECONDS)
            body = oracle.text(rng)
            # The first is what comes again below.
            if number == 0 or rng.random() < 0.6:
                media = int(rng.random() < 0.1)
                inbound(number, body=body, at=at, media=media, From=phone).insert(admin)
            elif rng.random() < 0.5:
                mail(
                    number, sender=email, subject=oracle.text(rng), body=body, sent=at, thread=email
                ).insert(admin)
            else:
                mail(
                    number, sender="sales@example.com", to=(email,), labels=("SENT",), subject=oracle.text(rng),
                    body=body, sent=at, thread=f"to {email}",
                ).insert(admin)  # fmt: skip


def decide(admin: Admin) -> None:
    """Half of the conversations have a tag, the other half somebody; some messages have the tag by themselves."""
    admin.execute(
        "insert into crm.tags (tag_id, name, colour, created_by) values ('vip', 'VIP', 'red', 't')"
    )
    for half, statement in enumerate(
        (
            "insert into crm.taggings (tagging_id, tag_id, object_type, object_id, tagged_by)"
            " select conversation_id, 'vip', 'conversation', threads[1], 't' from canonical.conversations",
            "insert into crm.assignments (assignment_id, conversation_id, assignee, assigned_by)"
            " select conversation_id, threads[1], 'alex', 't' from canonical.conversations",
        )
    ):
        admin.execute(
            statement + " where mod(abs(hashtext(conversation_id)), 2) = %s",  # type: ignore[arg-type]
            [half],
        )
    admin.execute(
        "insert into crm.taggings (tagging_id, tag_id, object_type, object_id, tagged_by)"
        " select message_id, 'vip', 'message', message_id, 't' from canonical.messages where hashtext(message_id) % 9 = 0"
    )


def everything(admin: Admin) -> list[oracle.Message]:
    """Every message as a reader is shown it, newest first."""
    rows = admin.execute(
        """
        select
            messages.message_id, messages.sort_key, messages.sent_at, messages.channel, messages.direction,
            messages.attachments, messages.subject, messages.body,
            array(
                select array[role, identity] from canonical.message_participants as people
                where people.message_id = messages.message_id
            ) as people,
            array(select customer_id from marts.timeline where timeline.message_id = messages.message_id and customer_id is not null) as customers,
            array(
                select lower(tag) from canonical.conversations
                join crm.conversation_tags as tags on tags.conversation_id = any (threads)
                where messages.channel || '|' || stored.thread_key = any (threads) and removed_at is null
                union
                select assignee from canonical.conversations
                join crm.assignments as assigned on assigned.conversation_id = any (threads)
                where messages.channel || '|' || stored.thread_key = any (threads) and ended_at is null
                union
                select lower(name) from crm.taggings join crm.tags as tags using (tag_id)
                where object_id = messages.message_id and object_type = 'message'
            ) as marks
        from marts.messages
        join canonical.messages as stored using (message_id)
        where messages.removal is distinct from 'unsent'
        order by messages.sort_key collate "C" desc
        """
    ).fetchall()
    return [
        oracle.Message(
            message_id=row[0], sort_key=row[1], sent_at=row[2], channel=row[3], direction=row[4],
            has_attachment=bool(row[5]), people=[tuple(each) for each in row[8]],
            texts=[each for each in (row[6], row[7], *(file.get("filename") for file in row[5])) if each],
            customers=set(row[9]), marks=set(row[10]),
        )
        for row in rows
    ]  # fmt: skip


def check(database: Admin, messages: list[oracle.Message], rng: random.Random, count: int) -> None:
    first, last = messages[-1].sent_at, messages[0].sent_at
    for number in range(count):
        zone = ZoneInfo(rng.choice(oracle.ZONES))
        parts = oracle.query(rng, zone, first, last)
        typed = " ".join(part.written for part in parts)
        wanted = [each for each in messages if all(part.holds(each) for part in parts)]
        asked = parse(typed, zone)
        with database.transaction():
            found = search.find(database, asked)
            if found.meant.is_empty:
                # Nothing that could be looked for: `--`, `!`.
                assert all(part.kind == "text" and not part.pieces for part in parts), typed
                continue
            assert found.count == min(len(wanted), search.MOST), (typed, found.meant)
            assert found.is_exact == (len(wanted) <= search.MOST)
            ids = [row["message_id"] for row in found.rows]
            assert ids == [each.message_id for each in wanted[: search.PAGE_SIZE]], (
                typed,
                found.meant,
            )
            if number % PLANNED == 0:
                assert scans(database, typed) == []
            if len(ids) == search.PAGE_SIZE:
                further = search.find(database, asked, behind=found.rows[-1]["sort_key"])
                ids = [row["message_id"] for row in further.rows]
                assert ids == [
                    each.message_id for each in wanted[search.PAGE_SIZE : 2 * search.PAGE_SIZE]
                ], typed


def scans(database: Admin, typed: str) -> list[str]:
    """The plans of every way to answer, where they walk a table that grows."""
    with database.cursor(row_factory=psycopg.rows.dict_row) as db, database.transaction():
        db.execute(search.SQL["without_scans"])
        meant = search_meaning.mean(db, parse(typed, SYDNEY))
        values = search_meaning.parameters(meant) | PAGE | {"behind": meant.before, "steps": 1000}
        found = []
        for name in ("collected", "walked", "lies_behind", "counted_by_words", "counted_by_time"):
            plan = db.execute("explain " + search.SQL[name], values).fetchall()  # type: ignore[operator]
            lines = "\n".join(row["QUERY PLAN"] for row in plan)
            if "Seq Scan on search_documents" in lines or "Index" not in lines:
                found.append(f"{name} of {typed}: {lines}")
        return found


#: What grows with messages, people and decisions.
GROWING = re.compile(
    r"Seq Scan on (search_people|customers|customer_identities|identity_links|taggings|assignments|conversations|threads)\b"
)
WHOM = (
    "identities_of_customers", "identities_meant", "customers_meant", "threads_tagged", "messages_tagged", "threads_assigned",
)  # fmt: skip


def walks_for_whom(database: Admin) -> list[str]:
    """The plans of what asks whom and what an operator means, where they walk a table that grows."""
    values = {
        **name_patterns(["sam"]), "identity_patterns": ["phone:+61491570%"], "identity_parts": ["%61491570%"], "customer_ids": ["c1"], "value": "vip",
        "most": 1000,
    }  # fmt: skip
    with database.cursor(row_factory=psycopg.rows.dict_row) as db, database.transaction():
        db.execute(search.SQL["without_scans"])
        found = []
        for name in WHOM:
            plan = db.execute("explain " + search_meaning.SQL[name], values).fetchall()  # type: ignore[operator]
            lines = "\n".join(row["QUERY PLAN"] for row in plan)
            if GROWING.search(lines):
                found.append(f"{name}: {lines}")
        return found


@pytest.mark.timeout(5_400 if LONG else 600)
def test_search_finds_what_a_look_at_every_message_finds(
    settings: Settings, models: Models, admin: Admin, fold_now: FoldNow
) -> None:
    rng = random.Random(SEED)
    add_connections(admin)
    add_people(admin)
    halves = (range(MESSAGES // 2), range(MESSAGES // 2, MESSAGES))
    for half in halves:
        # As they come: some thousands at a time.
        for part in (half[first : first + 5_000] for first in range(0, len(half), 5_000)):
            for first in part[::1_000]:
                add_messages(admin, rng, range(first, min(first + 1_000, part.stop)))
            if LONG:
                # Statistics of them, which no autovacuum gathers for a test. Of a few hundred a fold needs none.
                admin.execute("analyze")
            fold_now()
        if LONG:
            admin.execute("analyze")
    # A status, an edit of nothing: documents that stand as they are.
    inbound(0, body="", at=5).insert(admin)
    fold_now()
    admin.execute("analyze")
    decide(admin)
    messages = everything(admin)
    assert len(messages) == MESSAGES
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as database:
        check(database, messages, rng, QUERIES)
        for typed in ("order", "the", '"your order"', "ref*", "-the", "車", "東京都", "0491 570", "channel:gmail the",
                      "from:sam has:attachment", "in:angstrom", "on:2026-05", "tag:vip -order", "sam@example.org", "100%", "🚲",
                      "assigned:alex", "to:0491570110", "from:@example.net", "direction:sent before:2026-05-01", "after:2026-05-01",
                      '-"your order"', "-0491570110", "$1,204.50", "ORD-2024-0817", '"a.pdf"', "א", "น้ำ"):  # fmt: skip
            assert scans(database, typed) == []
        assert walks_for_whom(database) == []
        documents = (
            "select message_id, sort_key, text, words from canonical.search_documents order by 1"
        )
        folded = admin.execute(documents).fetchall()
        # Each run compares the documents of a fold with those of a rebuild in tests/dbt_project/test_fold.py.
        if LONG and MESSAGES <= 1_000:
            build(settings, models, compare=False)
            assert admin.execute(documents).fetchall() == folded
            check(database, messages, rng, 20)


@pytest.mark.parametrize("walks", [True, False])
def test_both_ways_find_the_same(
    settings: Settings,
    admin: Admin,
    fold_now: FoldNow,
    monkeypatch: pytest.MonkeyPatch,
    walks: bool,
) -> None:
    """Whatever the estimate says, and where a walk ends before its page is full."""
    monkeypatch.setattr(search, "FETCHED" if walks else "WALKED", 1e9)
    monkeypatch.setattr(search, "LEAST_STEPS", 20)
    monkeypatch.setattr(search, "PATIENCE", 0.5)
    monkeypatch.setattr(search, "MOST", 60)
    rng = random.Random(5)
    add_connections(admin)
    add_people(admin)
    add_messages(admin, rng, range(200))
    fold_now()
    decide(admin)
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as database:
        check(database, everything(admin), rng, 60)


def test_what_is_taken_back_is_never_found_and_an_edit_is_at_once(
    settings: Settings, admin: Admin, fold_now: FoldNow
) -> None:
    from tests.dbt_project import six_channels

    six_channels.add_connections(admin)
    message = six_channels.chat_message("instagram", 1, "a secret word", at=0)
    six_channels.messaging("instagram", message, at=0).insert(admin)
    fold_now()
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as database:

        def found(typed: str) -> int:
            with database.transaction():
                return search.find(database, parse(typed, SYDNEY)).count

        assert found("secret") == 1
        taken_back = six_channels.item(
            "instagram", at=60, message={"mid": six_channels.mid(1), "is_deleted": True}
        )
        six_channels.messaging("instagram", taken_back, at=60).insert(admin)
        fold_now()
        assert found("secret") == 0
        assert admin.execute("select count(*) from canonical.search_documents").fetchone() == (0,)


@pytest.mark.parametrize("seed", range(3))
def test_nothing_that_is_typed_is_an_error(settings: Settings, seed: int) -> None:
    rng = random.Random(seed)
    alphabet = [
        *"ab*-\":()&|!'\\%_<> \0\t\n",
        "in:",
        "from:",
        "on:",
        "東",
        "🚲",
        "\ud800",
        "0491 ",
        "\x01",
        "\x02",
        'tag:"',
    ]
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as database:
        for _ in range(60):
            typed = "".join(rng.choice(alphabet) for _ in range(rng.choice((1, 5, 20, 10_000))))
            with database.transaction():
                assert search.find(database, parse(typed, SYDNEY)).rows == []


def test_what_no_index_can_hold_is_no_error(
    settings: Settings, admin: Admin, fold_now: FoldNow
) -> None:
    """A word is at most 2,046 bytes long, all of a query a megabyte."""
    add_connections(admin)
    inbound(1, body="a bike").insert(admin)
    fold_now()
    admin.execute(
        "insert into crm.customers (customer_id, name, created_by)"
        " select 'c' || n, 'Shop ' || n, 't' from generate_series(1, 9) as n"
    )
    admin.execute(
        "insert into crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason)"
        " select 'l' || n, 'd', 'email:' || repeat('x', 600) || n || '@example.com', 'c' || n % 9 + 1, 't', 't'"
        " from generate_series(1, 4000) as n"
    )
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as database:

        def found(typed: str) -> search.Found:
            with database.transaction():
                return search.find(database, parse(typed, SYDNEY))

        assert found(f"from:@{'é' * 900}").rows == []
        assert found(f"bike -from:@{'é' * 900}").count == 1
        assert found("é" * 990).rows == []
        many = found(" ".join(f"{way}:shop" for way in ("in", "from", "to")))
        assert many.rows == []
        assert any("than one search can hold" in note for note in many.meant.notes)
        assert len(many.meant.words.encode()) < 1_000_000
        assert found("bike -from:shop -to:shop").count == 1


def test_of_more_than_a_tag_may_stand_on_the_newest_are_found(
    settings: Settings, admin: Admin, fold_now: FoldNow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_meaning, "MOST_NAMED", 5)
    add_connections(admin)
    add_messages(admin, random.Random(SEED), range(60))
    fold_now()
    admin.execute(
        "insert into crm.tags (tag_id, name, colour, created_by) values ('vip', 'VIP', 'red', 't')"
    )
    admin.execute(
        "insert into crm.taggings (tagging_id, tag_id, object_type, object_id, tagged_by)"
        " select message_id, 'vip', 'message', message_id, 't' from canonical.messages where mod(abs(hashtext(message_id)), 3) = 0"
    )
    tagged = admin.execute(
        "select documents.message_id from canonical.search_documents as documents"
        " where exists (select from crm.taggings where object_id = documents.message_id and removed_at is null)"
        " order by sort_key desc"
    ).fetchall()
    assert len(tagged) > 5
    with (
        psycopg.connect(settings.url_for(Role.APP), autocommit=True) as database,
        database.transaction(),
    ):
        found = search.find(database, parse("tag:vip", SYDNEY))
    assert [row["message_id"] for row in found.rows] == [each for (each,) in tagged[:5]]
    assert "means more than 5: not all are looked through" in " ".join(found.meant.notes)


def test_a_count_that_walks_ends(
    settings: Settings, admin: Admin, fold_now: FoldNow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where words are rarer than the statistics say, the index counts what a walk did not reach."""
    add_connections(admin)
    for number in range(40):
        inbound(number, body="bike" if number < 3 else "car", at=number).insert(admin)
    fold_now()
    monkeypatch.setattr(search, "LEAST_STEPS", 5)
    asked: list[str] = []
    matched = search._matched

    def noted(db: Any, query: str, values: dict[str, Any]) -> int:
        asked.append(query)
        return matched(db, query, values)

    monkeypatch.setattr(search, "_matched", noted)
    with (
        psycopg.connect(settings.url_for(Role.APP), row_factory=psycopg.rows.dict_row) as database,
        database.cursor() as db,
    ):
        meant = search_meaning.mean(db, parse("bike", SYDNEY))
        values = search_meaning.parameters(meant) | PAGE | {"behind": meant.before}
        # It takes every second message to match.
        assert search._count(db, values, 1_000_000, 8, 0.5) == 3
        assert asked == ["counted_by_time", "counted_by_words"]
        asked.clear()
        assert search._count(db, values, 1_000_000, 40, 0.5) == 3
        assert asked == ["counted_by_time"]
