"""Filters give what a plain look at every message gives, by the index, over midnights and changes of daylight saving."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg.rows import dict_row

from app import database, filtered, read
from app.access.sessions import Viewer
from app.reading import Reading
from tests.app.conftest import Correspondence
from warehouse import filters, search
from warehouse.filters import EVERYTHING, Filter
from warehouse.queries import queries
from warehouse.search_query import parse
from warehouse.settings import Role

#: 1,000 by hand: CRM_TEST_FILTERS=1000.
COMBINATIONS = int(os.environ.get("CRM_TEST_FILTERS", "90"))
ZONES = ("Australia/Sydney", "Australia/Adelaide", "Australia/Lord_Howe")
NUMBER, ADDRESS = "+61491570006", "sam@example.com"
#: Days on which the clocks of all three change, by an hour or half of one, and the ends of a month and of a year.
DAYS = [date(2026, 4, 5), date(2026, 10, 4), date(2026, 2, 28), date(2025, 12, 31)]
NOW = datetime(2026, 4, 5, 15, tzinfo=UTC)


@pytest.fixture
def sam(correspondence: Correspondence) -> str:
    """A customer with messages around every midnight of interest; some conversations tagged, some assigned."""
    correspondence.folds_at_once = False
    customer = correspondence.customer("Sam", f"phone:{NUMBER}", f"email:{ADDRESS}")
    number = 0
    for day in DAYS:
        for zone in map(ZoneInfo, ZONES):
            for midnight in (
                filters.start_of_day(day + timedelta(days=each), zone) for each in (0, 1)
            ):
                for seconds in (-1, 0, 7_200):
                    number += 1
                    at = midnight + timedelta(seconds=seconds)
                    if number % 3:
                        correspondence.sms(
                            NUMBER, f"sms {number}", at, ours=number % 2 == 0,
                            status=random.Random(number).choice(["failed", "sent", None]),
                        )  # fmt: skip
                    else:
                        files = [
                            {
                                "part_id": "1",
                                "filename": "a.pdf",
                                "content_type": "application/pdf",
                                "size_bytes": 9,
                            }
                        ]
                        correspondence.mail(
                            ADDRESS, "Hello", f"mail {number}", at, ours=number % 2 == 0,
                            attachments=files if number % 4 == 0 else None,
                        )  # fmt: skip
    correspondence.remove_sms(correspondence.sms(NUMBER, "gone", NOW - timedelta(days=1)))
    correspondence.sms("+61491570110", "somebody else's", NOW)
    correspondence.fold()
    places = correspondence.execute("select conversation_id from marts.conversations order by 1")
    for each, (place,) in enumerate(places):
        if each % 2 == 0:
            correspondence.execute(
                "insert into crm.tags (tag_id, name, colour, created_by) values (%s, %s, 'red', 't') on conflict do nothing",
                [f"t{each % 4}", f"tag {each % 4}"],
            )
            correspondence.execute(
                "insert into crm.taggings (tagging_id, tag_id, object_type, object_id, tagged_by)"
                " values (%s, %s, 'conversation', %s, 't')",
                [str(each), f"t{each % 4}", place],
            )
        if each % 3 == 0:
            correspondence.execute(
                "insert into crm.assignments (assignment_id, conversation_id, assignee, assigned_by) values (%s, %s, %s, 't')",
                [str(each), place, "kim" if each % 2 else "agent"],
            )
    return customer


@pytest.fixture
def db(correspondence: Correspondence) -> Iterator[Reading]:
    url = correspondence.settings.url_for(Role.APP)
    with psycopg.connect(url, row_factory=dict_row, autocommit=True) as connection:
        yield Reading(connection, None)  # type: ignore[arg-type]


def passes(row: dict[str, Any], wanted: Filter, zone: ZoneInfo, now: datetime) -> bool:
    """The rule in plain words."""
    first, last = wanted.days(now.astimezone(zone).date())
    day = row["sent_at"].astimezone(zone).date()
    status = "deleted" if row["is_deleted"] else row["status"]
    state = "assigned" if row["assignee"] else "unassigned"
    return (
        (first is None or day >= first)
        and (last is None or day <= last)
        and (not wanted.channels or row["channel"] in wanted.channels)
        and (not wanted.directions or row["direction"] in wanted.directions)
        and (not wanted.statuses or status in wanted.statuses)
        and (not wanted.kinds or row["kind"] in wanted.kinds)
        and (not wanted.connections or row["connection_id"] in wanted.connections)
        and (
            not wanted.conversations
            or f"{row['channel']}|{row['thread_key']}" in wanted.conversations
        )
        and (not wanted.tags or bool(set(wanted.tags) & set(row["tags"])))
        and (not wanted.assignees or row["assignee"] in wanted.assignees)
        and (not wanted.states or state in wanted.states)
        and (not wanted.has_attachment or bool(row["attachments"]))
    )


def combination(choose: random.Random, rows: list[dict[str, Any]]) -> Filter:
    """Some conditions with some values, of what there is and of what there is not."""

    def some(values: Any) -> tuple[str, ...]:
        if choose.random() < 0.65:
            return ()
        known = sorted({each for each in values if each} | {"other"})
        return tuple(choose.sample(known, choose.randint(1, min(3, len(known)))))

    kind = choose.random()
    near = sorted(choose.choice(DAYS) + timedelta(days=choose.randint(-2, 2)) for _ in range(2))
    ends = [each if choose.random() < 0.8 else None for each in near]
    made = Filter(
        period=choose.choice(filters.PERIODS) if kind < 0.3 else "",
        since=ends[0] if kind > 0.5 else None,
        until=ends[1] if kind > 0.5 else None,
        channels=some(row["channel"] for row in rows),
        directions=some(filters.DIRECTIONS),
        statuses=some(filters.STATUSES),
        kinds=some(row["kind"] for row in rows),
        connections=some(row["connection_id"] for row in rows),
        conversations=some(
            f"{row['channel']}|{row['thread_key']}" for row in rows if choose.random() < 0.1
        ),
        tags=some(tag for row in rows for tag in row["tags"]),
        assignees=some(row["assignee"] for row in rows),
        states=some(filters.STATES),
        has_attachment=choose.random() < 0.2,
    )
    # As a person's address would hold it.
    return Filter.read(made.address())


def test_any_combination_leaves_what_a_look_at_every_message_leaves(
    correspondence: Correspondence, sam: str, db: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = db.execute(
        "select timeline.*, coalesce(conversations.tags, '{}') as tags, conversations.assignee from marts.timeline as timeline"
        " left join marts.conversations as conversations"
        " on conversations.channel = timeline.channel and conversations.thread_key = timeline.thread_key"
        ' where timeline.customer_id = %(customer)s order by timeline.sort_key collate "C" desc',
        {"customer": sam},
    ).fetchall()
    assert len(rows) > 70
    assert len({row["assignee"] for row in rows}) == 3
    choose, left = random.Random(13), Counter[bool]()

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return NOW

    monkeypatch.setattr(filtered, "datetime", Clock)
    for number in range(COMBINATIONS):
        zone = ZoneInfo(ZONES[number % 3])
        database.use(correspondence.settings.model_copy(update={"timezone": zone.key}))
        wanted = combination(choose, rows)
        expected = [row["message_id"] for row in rows if passes(row, wanted, zone, NOW)]
        found: list[str] = []
        before: str | None = None
        while True:
            part = filtered.page(db, sam, wanted, before, 20)
            found += [row["message_id"] for row in part.rows]
            before = part.next_before
            if before is None:
                break
        assert found == expected, (zone, wanted)
        newest = filtered.page(db, sam, wanted, None, 20)
        counted = filtered.count(db, sam, wanted, newest)
        # The newest page may have counted: nothing is counted twice.
        assert counted == filtered.count(db, sam, wanted, replace(newest, counted=None))
        assert (counted.passed, counted.hidden) == (len(expected), len(rows) - len(expected))
        ids = [row["message_id"] for row in rows]
        assert filtered.passing(db, sam, wanted, ids) == set(expected)
        left[0 < len(expected) < len(rows)] += 1
    # Otherwise nothing was shown.
    assert left[True] > COMBINATIONS / 3


def test_a_search_with_conditions_finds_what_a_look_at_every_message_finds(
    correspondence: Correspondence, sam: str, db: Reading
) -> None:
    """Words with operators, over all customers: what is filtered in a search is written into its box."""
    rows = db.execute(
        "select timeline.*, coalesce(conversations.tags, '{}') as tags, conversations.assignee from marts.timeline as timeline"
        " left join marts.conversations as conversations"
        " on conversations.channel = timeline.channel and conversations.thread_key = timeline.thread_key"
        ' where not timeline.is_deleted order by timeline.sort_key collate "C" desc'
    ).fetchall()
    names = sorted({tag for row in rows for tag in row["tags"]})
    choose, left = random.Random(17), Counter[bool]()
    for number in range(COMBINATIONS):
        zone = ZoneInfo(ZONES[number % 3])
        typed, wanted = searched(choose, names)
        expected = [row["message_id"] for row in rows if all(each(row, zone) for each in wanted)]
        query = parse(" ".join(typed), zone)
        assert not query.notes, query.notes
        found: list[str] = []
        behind: str | None = None
        while True:
            part = search.find(db.connection, query, behind=behind, page_size=20)
            found += [row["message_id"] for row in part.rows]
            if behind is None:
                assert (part.count, part.is_exact) == (len(expected), True), typed
            if len(part.rows) < 20:
                break
            behind = part.rows[-1]["sort_key"]
        assert found == expected, (zone, typed)
        left[0 < len(expected) < len(rows)] += 1
    assert left[True] > COMBINATIONS / 3


Condition = Callable[[dict[str, Any], ZoneInfo], bool]


def searched(choose: random.Random, tags: list[str]) -> tuple[list[str], list[Condition]]:
    """What is typed, and the same in plain words."""
    typed, wanted = list[str](), list[Condition]()

    def ask(text: str, holds: Condition, *, can_exclude: bool = True) -> None:
        is_excluded = can_exclude and choose.random() < 0.3
        typed.append(f"-{text}" if is_excluded else text)
        wanted.append(lambda row, zone: holds(row, zone) != is_excluded)

    def day_of(row: dict[str, Any], zone: ZoneInfo) -> date:
        return row["sent_at"].astimezone(zone).date()  # type: ignore[no-any-return]

    word = choose.choice(("sms", "mail"))
    ask(word, lambda row, _: word in row["body"].split(), can_exclude=False)
    if choose.random() < 0.3:
        channel = choose.choice(("twilio_sms", "gmail", "whatsapp"))
        ask(f"channel:{channel}", lambda row, _: row["channel"] == channel)
    if choose.random() < 0.4:
        direction = choose.choice(("inbound", "outbound"))
        ask(f"direction:{direction}", lambda row, _: row["direction"] == direction)
    if choose.random() < 0.3:
        ask("has:attachment", lambda row, _: bool(row["attachments"]))
    if choose.random() < 0.3:
        tag = choose.choice(tags)
        ask(f'tag:"{tag}"', lambda row, _: tag in row["tags"])
    if choose.random() < 0.3:
        user = choose.choice(("kim", "agent", "nobody"))
        ask(f"assigned:{user}", lambda row, _: row["assignee"] == user)
    day = choose.choice(DAYS) + timedelta(days=choose.randint(-1, 1))
    match choose.choice(("", "on", "before", "after", "between")):
        case "on":
            ask(f"on:{day}", lambda row, zone: day_of(row, zone) == day, can_exclude=False)
        case "before":
            ask(f"before:{day}", lambda row, zone: day_of(row, zone) < day, can_exclude=False)
        case "after":
            ask(f"after:{day}", lambda row, zone: day_of(row, zone) > day, can_exclude=False)
        case "between":
            end = day + timedelta(days=3)
            ask(f"after:{day}", lambda row, zone: day_of(row, zone) > day, can_exclude=False)
            ask(f"before:{end}", lambda row, zone: day_of(row, zone) < end, can_exclude=False)
    choose.shuffle(typed)
    return typed, wanted


def test_what_was_not_looked_through_is_said_and_follows_with_the_next_page(
    sam: str, db: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = Filter(channels=("gmail",), has_attachment=True)
    everything = filtered.page(db, sam, wanted, None, 500).rows
    monkeypatch.setattr(filtered, "MOST_EXAMINED", 10)
    newest = filtered.page(db, sam, wanted, None, 500)
    assert newest.counted is not None
    assert filtered.count(db, sam, wanted, newest).is_cut
    found, before, turns = [], None, 0
    while True:
        part = filtered.page(db, sam, wanted, before, 500)
        found, before, turns = [*found, *part.rows], part.next_before, turns + 1
        if before is None:
            break
    assert found == everything
    assert turns > 5


def test_a_page_counts_once(
    correspondence: Correspondence, sam: str, agent: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = filtered._counted, []

    def counting(db: Reading, of: dict[str, Any]) -> Any:
        asked.append(of)
        return real(db, of)

    monkeypatch.setattr(filtered, "_counted", counting)
    # Fewer pass than fill a page, and more.
    for wanted in (
        Filter(channels=("gmail",), has_attachment=True),
        Filter(directions=("inbound",)),
    ):
        asked.clear()
        opened = read.timeline(agent, sam, wanted)
        assert opened is not None
        events = len(correspondence.events("timeline.view"))
        assert read.counted(agent, sam, wanted, opened.newest).passed > 0
        assert len(asked) == 1
        # That the timeline was opened is on record already.
        assert len(correspondence.events("timeline.view")) == events > 0


def plans(db: Reading, query: str, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    row = db.execute(f"explain (format json) {query}", asked).fetchone()  # type: ignore[arg-type]
    assert row is not None
    waiting = [row["QUERY PLAN"][0]["Plan"]]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node.get("Plans", [])


def test_no_filter_walks_a_table_that_grows(sam: str, db: Reading) -> None:
    # The tables are small, where the planner would rather read them whole.
    db.execute("set enable_seqscan = off")
    some = Filter(
        period="this-year", channels=("gmail",), statuses=("failed",), tags=("x",), assignees=("kim",), has_attachment=True,
    )  # fmt: skip
    for wanted in (some, EVERYTHING):
        asked = {**filtered.parameters(wanted, sam), "page_size": 50, "message_ids": ["x"]}
        # The timeline without a filter, too.
        whole = queries("timeline")["timeline_page"]
        named = {name: filtered.SQL[name] for name in ("filtered_page", "filtered_from", "filtered_count", "filtered_changes", "filter_choices")}  # fmt: skip
        for name, query in {**named, "timeline_page": whole}.items():
            walked = [
                node["Relation Name"]
                for node in plans(db, query, asked)
                if node["Node Type"] == "Seq Scan" and node["Relation Name"] in
                ("messages", "message_participants", "threads", "conversations", "identities", "media")
            ]  # fmt: skip
            assert walked == [], (name, wanted)


def test_an_address_says_the_same_filter_again_and_never_an_impossible_one() -> None:
    choose = random.Random(5)
    rows = [
        {
            "channel": "gmail",
            "kind": "email",
            "connection_id": "c 1&2",
            "thread_key": "a=b",
            "tags": ["ü|%"],
            "assignee": "kim",
        }
    ]
    for _ in range(200):
        wanted = combination(choose, rows)
        assert Filter.read(wanted.address()) == wanted
        assert bool(wanted) == bool(wanted.address())
    wild = {
        "when": ["tomorrow"], "from": ["2026-13-01"], "to": ["0001-01-01"], "channel": ["fax", "gmail", "gmail"], "tag": ["a\0", "x" * 700],
        "status": ["failed'; drop table"], "has": ["money"], "customer": ["c1"],
    }  # fmt: skip
    assert Filter.read(wild) == Filter(channels=("gmail",))
    assert Filter.read({"from": ["2026-05-02"], "to": ["2026-05-01"]}).since == date(2026, 5, 1)
    assert len(Filter.read({"tag": [str(each) for each in range(500)]}).tags) == filters.MOST_VALUES
    full = Filter(channels=("gmail", "whatsapp"), period="today", has_attachment=True)
    assert full.without("channels", "gmail").channels == ("whatsapp",)
    assert full.without("days").period == ""
    assert not full.without("has_attachment").has_attachment
    assert json.loads(json.dumps(full.address())) == full.address()


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Australia/Sydney", date(2026, 10, 4), 23),
        ("Australia/Adelaide", date(2026, 4, 5), 25),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Australia/Perth", date(2026, 4, 5), 24),
    ],
)
def test_a_day_is_as_long_as_it_is(zone: str, day: date, hours: float) -> None:
    asked = Filter(since=day, until=day).parameters(ZoneInfo(zone), NOW)
    assert asked["until"] - asked["since"] == timedelta(hours=hours)
