"""What pages read, and the event that stands before every sight of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from app import read
from app.access.sessions import Viewer
from tests.app.conftest import Correspondence
from worker.watchdog import watch

NUMBER, ADDRESS = "+61491570006", "sam@example.com"
START = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


@pytest.fixture(params=["at once", "together"])
def settle(request: pytest.FixtureRequest, correspondence: Correspondence) -> Callable[[], None]:
    """Every test holds where each message is folded as it lands, and where all are folded together."""
    correspondence.folds_at_once = request.param == "at once"

    def now() -> None:
        correspondence.fold()

    return now


def minutes(number: int) -> datetime:
    return START + timedelta(minutes=number)


def names(found: read.Found) -> list[str]:
    return [row["name"] for row in found.rows]


@pytest.mark.parametrize(
    "typed",
    [
        "sam",
        "EXAMPLE sam",
        "0491 570 006",
        "+61 491 570 006",
        "570 006",
        "sam@example",
        "@example.com",
    ],
)
def test_a_customer_is_found(
    correspondence: Correspondence, agent: Viewer, settle: Callable[[], None], typed: str
) -> None:
    correspondence.customer("Sam Example", f"phone:{NUMBER}", f"email:{ADDRESS}")
    correspondence.customer("Ann Other", "phone:+61491570110", "email:ann@example.org")
    correspondence.sms(NUMBER, "one", minutes(1))
    correspondence.mail(ADDRESS, "two", "two", minutes(2))
    settle()
    found = read.customers(agent, typed)
    (row,) = found.rows
    assert (row["name"], found.matched, found.is_cut) == ("Sam Example", 1, False)
    assert (row["message_count"], row["last_at"], row["first_at"]) == (2, minutes(2), minutes(1))
    assert row["channels"] == ["gmail", "twilio_sms"]
    assert row["identities"] == [f"email:{ADDRESS}", f"phone:{NUMBER}"]
    (event,) = correspondence.events("customer.search")
    assert (event["actor"], event["role"], event["detail"]) == (
        "agent",
        "agent",
        {"query": typed, "sort": "latest"},
    )


@pytest.mark.parametrize(
    "typed", ["zzz", "%", "_", "'; drop table crm.customers; --", "\\", "a" * 5000, "\0", "a\0b", "\ud800", "phone:\0"]
)  # fmt: skip
def test_odd_searches_find_nobody_or_everybody_and_never_fail(
    correspondence: Correspondence, agent: Viewer, typed: str
) -> None:
    correspondence.customer("Sam Example", f"phone:{NUMBER}")
    found = read.customers(agent, typed)
    assert names(found) == (["Sam Example"] if typed == "\0" else [])


def test_who_never_wrote_is_found_too(correspondence: Correspondence, agent: Viewer) -> None:
    correspondence.customer("Quiet One")
    (row,) = read.customers(agent, "quiet").rows
    assert (row["identities"], row["message_count"], row["last_at"]) == ([], 0, None)


def test_the_latest_contacts_come_first(
    correspondence: Correspondence, agent: Viewer, settle: Callable[[], None]
) -> None:
    for number, name in enumerate(["First", "Second", "Third"]):
        phone = f"+6149157015{6 + number}"
        correspondence.customer(name, f"phone:{phone}")
        correspondence.sms(phone, "hello", minutes(number))
    correspondence.customer("Never")
    settle()
    found = read.customers(agent, "")
    assert names(found) == ["Third", "Second", "First", "Never"]
    assert found.matched == 4


def test_a_list_that_is_cut_says_how_many_there_are(
    correspondence: Correspondence, agent: Viewer
) -> None:
    correspondence.execute(
        "insert into crm.customers (customer_id, name, created_by)"
        " select 'c' || n, 'Many ' || n, 'test' from generate_series(1, 1200) as n"
    )
    some, all_of_them = read.customers(agent, "many 11"), read.customers(agent, "many")
    with_eleven = sum("11" in str(number) for number in range(1, 1201))
    assert (len(some.rows), some.matched, some.is_cut) == (read.LIST_SIZE, with_eleven, False)
    assert (len(all_of_them.rows), all_of_them.matched, all_of_them.is_cut) == (
        read.LIST_SIZE,
        1000,
        True,
    )


def test_a_timeline_opens_at_its_end_and_pages_to_its_beginning(
    correspondence: Correspondence, agent: Viewer, settle: Callable[[], None]
) -> None:
    customer = correspondence.customer("Sam", f"phone:{NUMBER}", f"email:{ADDRESS}")
    # Three of each minute, so that ties stand across the borders of pages.
    for number in range(20):
        correspondence.sms(NUMBER, f"s{number}", minutes(number))
        correspondence.sms(NUMBER, f"o{number}", minutes(number), ours=True)
        correspondence.mail(ADDRESS, "Re", f"m{number}", minutes(number))
    settle()
    opened = read.timeline(agent, customer)
    assert opened is not None
    assert (opened.customer["name"], opened.customer["message_count"]) == ("Sam", 60)
    assert opened.customer["first_at"] == minutes(0)
    assert opened.customer["last_at"] == minutes(19)
    rows = opened.messages
    assert len(rows) == read.PAGE_SIZE
    while page := read.earlier_messages(agent, customer, rows[0]):
        rows = page + rows
    positions = [row["sort_key"] for row in rows]
    assert positions == sorted(positions)
    times = [row["sent_at"] for row in rows]
    assert times == sorted(times)
    assert len(set(positions)) == 60
    assert all(
        event["customer_ids"] == [customer] for event in correspondence.events("timeline.view")
    )
    # Behind the beginning nothing was shown.
    assert len(correspondence.events("timeline.view")) == 2


def test_no_such_customer_is_told_and_nobody_saw_them(
    correspondence: Correspondence, agent: Viewer
) -> None:
    assert read.timeline(agent, "nobody") is None
    assert correspondence.events("timeline.view") == []


def test_looking_again_writes_an_event_only_when_something_is_new(
    correspondence: Correspondence, agent: Viewer
) -> None:
    customer = correspondence.customer("Sam", f"phone:{NUMBER}")
    sid = correspondence.sms(NUMBER, "on its way", minutes(1), ours=True, status="sent")
    opened = read.timeline(agent, customer)
    assert opened is not None

    def shown(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        return {row["message_id"]: row for row in rows}

    assert read.changed_messages(agent, customer, shown(opened.messages)) is None
    correspondence.sms(NUMBER, "on its way", minutes(1), ours=True, status="delivered", sid=sid)
    changed = read.changed_messages(agent, customer, shown(opened.messages))
    assert changed is not None
    assert changed[0]["status"] == "delivered"
    correspondence.sms(NUMBER, "thanks", minutes(2))
    newer = read.changed_messages(agent, customer, shown(changed))
    assert newer is not None
    assert [row["body"] for row in newer] == ["on its way", "thanks"]
    details = [event["detail"] for event in correspondence.events("timeline.view")]
    assert details == [{}, {"new": 0, "changed": 1}, {"new": 1, "changed": 0}]


def test_the_queue_holds_who_wrote_and_is_nobody(
    correspondence: Correspondence, agent: Viewer, settle: Callable[[], None]
) -> None:
    correspondence.customer("Known", f"phone:{NUMBER}")
    correspondence.sms(NUMBER, "known", minutes(9))
    correspondence.sms("+61491570156", "first", minutes(1))
    correspondence.sms("+61491570156", "last", minutes(5))
    correspondence.sms("+61491570157", "we wrote to them", minutes(8), ours=True)
    correspondence.sms("EXAMPLECO", "a code", minutes(3))
    correspondence.mail("new@example.org", "Prices?", "How much", minutes(7), name="New Person")
    settle()
    found = read.unassigned(agent)
    assert [row["identity"] for row in found.rows] == [
        "email:new@example.org", "phone:+61491570156", "alphanumeric:AU:EXAMPLECO",
    ]  # fmt: skip
    first, second, _ = found.rows
    assert (first["display_name"], first["subject"], first["body"]) == (
        "New Person",
        "Prices?",
        "How much",
    )
    assert (second["body"], second["message_count"], second["last_inbound_at"]) == (
        "last",
        2,
        minutes(5),
    )
    assert (found.matched, found.is_cut) == (3, False)
    # Whom we only wrote to waits for nothing, and is found all the same.
    (other,) = read.never_wrote(agent).rows
    assert (other["identity"], other["body"]) == ("phone:+61491570157", "we wrote to them")
    assert (other["last_seen_at"], other["last_inbound_at"]) == (minutes(8), None)


def test_whom_we_only_wrote_to_is_paged_and_leaves_the_list_with_the_first_answer(
    correspondence: Correspondence,
    agent: Viewer,
    settle: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(read, "LIST_SIZE", 3)
    correspondence.customer("Known", "phone:+61255500000")
    for number in range(8):
        correspondence.sms(f"+6125550{number:04}", "to you", minutes(number // 3), ours=True)
    correspondence.mail("quiet@example.org", "Offer", "to you", minutes(1), ours=True)
    settle()
    seen: list[str] = []
    before: dict[str, Any] | None = None
    while rows := read.never_wrote(agent, before).rows:
        seen += [row["identity"] for row in rows]
        before = rows[-1]
    expected = {
        *(f"phone:+6125550{number:04}" for number in range(1, 8)),
        "email:quiet@example.org",
    }
    assert len(seen) == len(set(seen)) == read.never_wrote(agent).matched == len(expected)
    assert set(seen) == expected
    correspondence.mail("quiet@example.org", "Re: Offer", "yes please", minutes(30))
    settle()
    assert "email:quiet@example.org" not in {
        row["identity"] for row in read.never_wrote(agent).rows
    }
    assert [row["identity"] for row in read.unassigned(agent).rows] == ["email:quiet@example.org"]


def test_the_queue_is_paged_by_position(
    correspondence: Correspondence,
    agent: Viewer,
    settle: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(read, "LIST_SIZE", 4)
    for number in range(10):
        correspondence.sms(f"+6125550{number:04}", "hello", minutes(number // 3))
    settle()
    seen: list[str] = []
    before: dict[str, Any] | None = None
    while rows := read.unassigned(agent, before).rows:
        seen += [row["identity"] for row in rows]
        before = rows[-1]
    assert len(seen) == len(set(seen)) == 10


def test_the_same_queue_again_is_no_new_sight(
    correspondence: Correspondence, agent: Viewer
) -> None:
    correspondence.sms(NUMBER, "hello", minutes(1))
    shown = read.unassigned(agent)
    read.unassigned(agent, shown=shown)
    assert len(correspondence.events("queue.view")) == 1
    correspondence.sms("+61491570156", "me too", minutes(2))
    read.unassigned(agent, shown=shown)
    assert len(correspondence.events("queue.view")) == 2


def test_where_no_event_can_be_written_nothing_is_shown(
    correspondence: Correspondence, agent: Viewer
) -> None:
    customer = correspondence.customer("Sam", f"phone:{NUMBER}")
    correspondence.sms(NUMBER, "secret", minutes(1))
    correspondence.execute("revoke insert on crm.events from crm_app")
    looks: list[Callable[[], object]] = [
        lambda: read.customers(agent, "sam"),
        lambda: read.timeline(agent, customer),
        lambda: read.earlier_messages(agent, customer, {"sent_at": minutes(9), "sort_key": "9"}),
        lambda: read.changed_messages(agent, customer, {}),
        lambda: read.unassigned(agent),
        lambda: read.never_wrote(agent),
    ]
    for look in looks:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            look()


def test_the_state_of_the_fold_is_read(correspondence: Correspondence) -> None:
    correspondence.folds_at_once = False
    # Seconds ago it would be no more than on its way.
    correspondence.land(
        "twilio_sms",
        correspondence.sms_connection,
        {"MessageSid": "SM" + "1" * 32, "From": NUMBER, "To": "+61255501000", "Body": "waits"},
        at=datetime.now(UTC) - timedelta(minutes=1),
    )
    # As the worker does every few seconds.
    watch(correspondence.settings)
    assert read.warehouse_state()["waiting_since"] is not None
    correspondence.fold()
    watch(correspondence.settings)
    assert read.warehouse_state() == {"error": None, "failing_since": None, "waiting_since": None}
    correspondence.execute(
        "insert into canonical.folds (finished_at, error) values (clock_timestamp(), 'messages: broken')"
    )
    bad = read.warehouse_state()
    assert bad["error"] == "messages: broken"
    assert bad["failing_since"] is not None
