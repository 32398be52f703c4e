"""To a day of a timeline, to its first message, and from match to match: the right message, by an index, however long it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app import around, matches
from app.access.roles import Permission
from app.access.sessions import Viewer
from app.reading import reading
from tests.app.conftest import Correspondence
from tests.app.test_filtered import plans
from warehouse import search
from warehouse.filters import sortable, start_of_day
from warehouse.search_query import parse

NUMBER, ADDRESS = "+61491570006", "sam@example.com"
SYDNEY = ZoneInfo("Australia/Sydney")


@pytest.fixture
def sam(correspondence: Correspondence) -> str:
    return correspondence.customer("Sam Example", f"phone:{NUMBER}", f"email:{ADDRESS}")


def on(viewer: Viewer, customer_id: str, day: date) -> str | None:
    return around.first_from(viewer, customer_id, sortable(start_of_day(day, SYDNEY)))


def test_a_day_begins_where_it_does_here(
    sam: str, agent: Viewer, correspondence: Correspondence
) -> None:
    """Sydney's midnight, on the days of daylight saving too; two identities stand in one timeline."""
    correspondence.folds_at_once = False
    last = correspondence.sms(
        NUMBER, "before midnight", datetime(2026, 10, 3, 13, 59, 59, tzinfo=UTC)
    )
    first = correspondence.mail(ADDRESS, "s", "at midnight", datetime(2026, 10, 3, 14, tzinfo=UTC))
    late = correspondence.sms(NUMBER, "late", datetime(2026, 10, 4, 12, 59, 59, tzinfo=UTC))
    correspondence.sms("+61491570110", "another's", datetime(2026, 10, 5, tzinfo=UTC))
    correspondence.fold()
    ids = dict(
        correspondence.execute(
            "select split_part(message_id, '|', -1), message_id from marts.messages"
        )
    )
    assert around.first_from(agent, sam, "") == ids[last]
    assert on(agent, sam, date(2026, 10, 3)) == ids[last]
    # The fourth has 23 hours: it ends at 13:00 UTC and not at 14:00.
    assert on(agent, sam, date(2026, 10, 4)) == ids[first]
    assert on(agent, sam, date(2026, 10, 5)) is None
    assert late
    assert on(agent, "nobody", date(2026, 10, 4)) is None
    # Nothing was shown.
    assert correspondence.events("timeline.view") == []


def test_on_ten_thousand_messages_a_jump_looks_at_one_of_each_identity(
    sam: str, agent: Viewer, correspondence: Correspondence
) -> None:
    correspondence.folds_at_once = False
    at = datetime(2020, 1, 1, tzinfo=UTC)
    sids = [correspondence.sms(NUMBER, f"text {each}", at + timedelta(hours=each)) for each in range(40)]  # fmt: skip
    correspondence.fold()
    # As many as a fold would have made, by copies of what it made of one.
    correspondence.execute(
        "insert into canonical.message_participants"
        " select (jsonb_populate_record(people, jsonb_build_object('message_id', 'copy|' || number,"
        " 'sort_key', lpad(to_hex(1600000000000000 + number * 1000000::bigint), 14, '0') || '|copy|' || number))).*"
        " from canonical.message_participants as people, generate_series(1, 10000) as number"
        f" where people.message_id = 'twilio_sms|{sids[0]}' and not people.is_ours"
    )
    correspondence.execute("analyze canonical.message_participants")
    values = {"customer_id": sam, "position": f"{1_600_005_000_000_000:014x}"}
    with reading(agent, Permission.READ, "timeline.view", "customer", sam) as db:
        explained = db.execute(
            f"explain (analyze, format json) {around.SQL['first_from']}", values
        ).fetchone()
        db.tells_nothing()
        assert explained is not None
        nodes = [explained["QUERY PLAN"][0]["Plan"]]
        for node in nodes:
            nodes += node.get("Plans", [])
        read = [each for each in nodes if each.get("Relation Name") == "message_participants"]
        assert read
        assert all(each["Node Type"].startswith("Index") for each in read)
        assert sum(each["Actual Rows"] * each["Actual Loops"] for each in read) <= 2
        found = db.execute(around.SQL["first_from"], values).fetchone()
    assert found is not None
    assert found["message_id"] == "copy|5000"


def test_from_match_to_match_on_one_timeline(
    sam: str, agent: Viewer, correspondence: Correspondence
) -> None:
    correspondence.folds_at_once = False
    at = datetime(2026, 10, 1, tzinfo=UTC)
    sids = [
        correspondence.sms(
            NUMBER, "a refund" if each % 3 == 0 else "tea", at + timedelta(days=each)
        )
        for each in range(10)
    ]
    correspondence.sms("+61491570110", "a refund of another", at + timedelta(days=4))
    correspondence.fold()
    keys = dict(correspondence.execute("select message_id, sort_key from marts.timeline"))
    ids = [f"twilio_sms|{sid}" for sid in sids]
    found = matches._beside(agent, sam, keys[ids[3]], "refund")
    assert found == search.Beside(older=ids[0], newer=ids[6], place=3, count=4)
    found = matches._beside(agent, sam, keys[ids[9]], "refund")
    assert found == search.Beside(older=ids[6], newer=None, place=1, count=4)
    # Where the message does not match any more, its neighbours that do.
    found = matches._beside(agent, sam, keys[ids[4]], "refund after:2026-10-03")
    assert found
    assert (found.older, found.newer, found.count) == (ids[3], ids[6], 3)
    assert matches._beside(agent, sam, keys[ids[4]], "  ") is None
    events = correspondence.events("message.search")
    assert [event["customer_ids"] for event in events] == [[sam]] * 3
    with reading(agent, Permission.READ, "message.search", "customer", sam) as db:
        db.tells_nothing()
        db.execute(search.SQL["without_scans"])
        with db.connection.cursor() as cursor:
            meant = search.mean(cursor, parse("refund", SYDNEY), sam)
        values = search.parameters(meant) | {"position": keys[ids[3]]}
        read = [node["Node Type"] for node in plans(db, search.SQL["beside"], values)]
    assert not any("Seq Scan" in each for each in read), read
