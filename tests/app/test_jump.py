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
from warehouse import search, search_meaning
from warehouse.filters import Filter, sortable, start_of_day
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
    values = {
        "customer_id": sam,
        "from_key": f"{1_600_005_000_000_000:014x}",
        "before_key": "~",
        "most": 1,
    }
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


def test_a_filter_stands_beside_a_place(
    sam: str, agent: Viewer, correspondence: Correspondence
) -> None:
    """Its neighbours are those that pass; the message that was asked for stands there whatever it is."""
    correspondence.folds_at_once = False
    at = datetime(2026, 10, 1, tzinfo=UTC)
    for each in range(60):
        if each % 2:
            correspondence.mail(ADDRESS, "s", f"mail {each}", at + timedelta(hours=each))
        else:
            correspondence.sms(NUMBER, f"sms {each}", at + timedelta(hours=each))
    correspondence.fold()
    ids = dict(correspondence.execute("select body, message_id from marts.messages"))

    def round_(body: str, **wanted: tuple[str, ...]) -> around.Around:
        place = around.Place(sam, ids[body], Filter(**wanted), before=4, behind=4)  # type: ignore[arg-type]
        found = around.read_around(agent, place)
        assert found is not None
        return found

    def bodies(found: around.Around) -> list[str]:
        return [row["body"] for row in found.rows]

    mails = round_("mail 31", channels=("gmail",))
    assert bodies(mails) == [f"mail {each}" for each in range(23, 40, 2)]
    assert (mails.passes, mails.is_first, mails.is_last, mails.is_cut) == (
        True,
        False,
        False,
        False,
    )
    beside = round_("sms 30", channels=("gmail",))
    assert bodies(beside) == [f"mail {each}" for each in (23, 25, 27, 29)] + ["sms 30"] + [
        f"mail {each}" for each in (31, 33, 35, 37, 39)
    ]
    assert not beside.passes
    nothing = round_("sms 30", statuses=("failed",))
    assert (bodies(nothing), nothing.is_first, nothing.is_last) == (["sms 30"], True, True)
    assert bodies(round_("sms 58", channels=("gmail",))) == [f"mail {each}" for each in (51, 53, 55, 57)] + ["sms 58", "mail 59"]  # fmt: skip
    told = correspondence.events("timeline.view")[0]["detail"]
    assert told == {"at": ids["mail 31"], "filter": {"channel": ["gmail"]}}

    # A jump leads to the first that passes, within the days that are asked for.
    by_mail = Filter(channels=("gmail",))
    assert around.first_from(agent, sam, "", by_mail) == ids["mail 1"]
    late = Filter(channels=("gmail",), since=date(2026, 10, 3))
    day = sortable(start_of_day(date(2026, 10, 2), SYDNEY))
    # The third begins in Sydney at 14:00 of the second in UTC.
    assert around.first_from(agent, sam, day, late) == ids["mail 39"]
    assert around.first_from(agent, sam, day, Filter(channels=("whatsapp",))) is None


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
            meant = search_meaning.mean(cursor, parse("refund", SYDNEY), sam)
        values = search_meaning.parameters(meant) | {"position": keys[ids[3]]}
        read = [node["Node Type"] for node in plans(db, search.SQL["beside"], values)]
    assert not any("Seq Scan" in each for each in read), read
