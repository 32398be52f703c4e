"""What stands on the screen while messages arrive, change, and are unrolled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from app.shown import ARRIVALS_PER_PAGE, Shown
from warehouse.filters import EVERYTHING, Filter

START = datetime(2026, 11, 1, tzinfo=UTC)


def row(minute: int, body: str = "hello") -> dict[str, Any]:
    return {
        "message_id": f"m{minute:05}",
        "sent_at": START + timedelta(minutes=minute),
        "sort_key": f"{minute:05}",
        "body": body,
    }


def opened(*minutes: int) -> Shown:
    """As read in pages of three."""
    rows = [row(minute) for minute in minutes]
    return Shown.only("c1", rows, EVERYTHING, rows[0]["sort_key"] if len(rows) == 3 else None)


def order(shown: Shown) -> list[str]:
    pages = (*shown.older[::-1], *shown.newest)
    return [each["message_id"] for page in pages for each in page.rows]


def test_an_arrival_begins_a_page_of_its_own_and_leaves_the_first_as_it_was() -> None:
    shown = opened(1, 2, 3)
    first = shown.newest[0].rows
    assert shown.take([row(2), row(3), row(4)], START)
    assert shown.newest[0].rows is first
    assert order(shown) == ["m00001", "m00002", "m00003", "m00004"]


def test_arrivals_share_a_page_up_to_its_size() -> None:
    shown = opened(0)
    for minute in range(1, ARRIVALS_PER_PAGE + 2):
        assert shown.take([row(minute - 1), row(minute)], START)
    assert [len(page.rows) for page in shown.newest] == [1, ARRIVALS_PER_PAGE, 1]


def test_a_late_message_stands_where_it_was_sent() -> None:
    shown = opened(1, 3, 5)
    assert shown.take([row(3), row(4), row(5)], START)
    assert order(shown) == ["m00001", "m00003", "m00004", "m00005"]


def test_a_late_message_before_everything_shown_comes_first() -> None:
    shown = opened(3, 4)
    assert shown.take([row(1), row(3), row(4)], START)
    assert order(shown) == ["m00001", "m00003", "m00004"]


def test_a_changed_message_is_drawn_again_and_others_are_not() -> None:
    shown = opened(1, 2, 3)
    shown.take([row(3), row(4)], START)
    drawn: list[str] = []

    def draw(rows: list[dict[str, Any]]) -> str:
        drawn.append(rows[0]["message_id"])
        return str([each["body"] for each in rows])

    for page in shown.newest:
        page.drawn("k", draw)
    shown.take([row(3), row(4, "edited")], START)
    html = [page.drawn("k", draw) for page in shown.newest]
    assert "edited" in html[1]
    assert drawn == ["m00001", "m00004", "m00004"]


def test_a_gap_is_noticed() -> None:
    shown = opened(1, 2, 3)
    assert not shown.take([row(7), row(8), row(9)], START)
    assert order(shown) == ["m00001", "m00002", "m00003"]


def test_earlier_pages_are_added_above() -> None:
    shown = opened(7, 8, 9)
    assert not shown.reached_first
    shown.add_older([row(4), row(5), row(6)], page_size=3)
    shown.add_older([row(3)], page_size=3)
    assert order(shown) == [f"m{minute:05}" for minute in range(3, 10)]
    assert shown.reached_first
    assert shown.oldest == row(3)
    assert shown.above_newest(0) == row(6)
    assert shown.above_older(0) == row(3)
    assert shown.above_older(1) is None


def test_the_first_message_of_an_empty_timeline_appears() -> None:
    shown = opened()
    assert shown.oldest is None
    assert shown.take([row(1)], START)
    assert order(shown) == ["m00001"]
    assert shown.reached_first


def test_arrivals_count_as_new_for_a_while() -> None:
    shown = opened(1)
    shown.take([row(1), row(2)], START)
    assert shown.arrived_within(60, START + timedelta(seconds=59)) == 1
    assert shown.arrived_within(60, START + timedelta(seconds=61)) == 0


def test_changes_alone_are_taken_where_they_belong() -> None:
    shown = opened(5, 6, 7)
    changes = [row(2, "older than all that is shown"), row(6, "edited"), row(9)]
    shown.take_changes([{**each, "folded_in": 40} for each in changes], START)
    assert order(shown) == ["m00005", "m00006", "m00007", "m00009"]
    assert shown.by_id["m00006"]["body"] == "edited"
    assert shown.fold == 40
    assert len(shown.arrivals) == 1


def test_an_older_message_is_taken_where_nothing_stands_before() -> None:
    shown = opened(5, 6)
    shown.take_changes([row(2)], START)
    assert order(shown) == ["m00002", "m00005", "m00006"]


def test_another_filter_begins_anew_in_the_same_place() -> None:
    shown = opened(4, 5, 6)
    shown.names = {"phone:+61491570006": "Sam"}
    shown.add_before([row(1), row(2), row(3)], "00001")
    shown.take([row(6), row(7)], START)
    wanted = Filter(channels=("gmail",))
    shown.begin([row(2), row(8)], wanted, None)
    assert order(shown) == ["m00002", "m00008"]
    assert (shown.customer_id, shown.wanted, shown.reached_first) == ("c1", wanted, True)
    assert (shown.older, shown.arrivals, shown.changes) == ([], [], 0)
    assert shown.names == {"phone:+61491570006": "Sam"}
