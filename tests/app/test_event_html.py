"""A line of the log: who, what, whose, when; and nothing in it acts, whatever was typed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from app.views import event_html
from tests.app.drawn import HOSTILE, NOW, SYDNEY, Elements, assert_inert


def event(**more: Any) -> dict[str, Any]:
    return {
        "event_id": "e1",
        "at": NOW,
        "actor": "kim",
        "role": "privacy_officer",
        "action": "timeline.view",
        "object_type": "customer",
        "object_id": "c1",
        "customer_ids": ["c1"],
        "detail": {},
        "session_id": "s1",
        "ip": "127.0.0.1",
        **more,
    }


def test_a_line_says_who_what_whose_and_when() -> None:
    found = event(
        action="customer.search",
        object_id="*",
        customer_ids=["c1", "c2", "c3", "c4"],
        detail={"query": "sam", "count": 4},
    )
    rows = [found, event(at=NOW - timedelta(days=1), action="sign_in.fail", customer_ids=[])]
    html = event_html.lines(rows, {"c1": "Sam Example", "c2": "Kim"}, SYDNEY)
    text = Elements(html).text
    for expected in (
        "22 Nov 2026", "21 Nov 2026", "13:00:00", "kim", "privacy officer", "customer.search",
        "Sam Example", "Kim", "and 2 more", "query: sam, count: 4", '"address": "127.0.0.1"',
    ):  # fmt: skip
        assert expected in text, expected
    assert 'href="/audit?person=kim"' in html
    assert 'href="/audit?customer=c1"' in html
    assert html.count("refused") == 1


def test_the_headline_says_what_is_asked() -> None:
    def said(**given: str) -> str:
        return " ".join(Elements(event_html.headline(given, {"c1": "Sam"})).text.split())

    assert said() == "Everything that was seen and done, the newest first"
    assert said(customer="c1").startswith("Who saw Sam, and what was done")
    assert said(person="kim").startswith("What kim saw and did,")
    assert said(person="kim", customer="c9").startswith("What kim saw and did of c9")


def test_nothing_in_it_acts() -> None:
    attack = " ".join(HOSTILE)
    row = event(
        actor=attack, role=attack, action=attack, object_type=attack, object_id=attack,
        customer_ids=["c1", attack], detail={attack: attack, "more": [attack]}, ip=attack, session_id=attack,
        at=datetime(2026, 11, 1, tzinfo=UTC),
    )  # fmt: skip
    assert_inert(Elements(event_html.lines([row], {"c1": attack}, SYDNEY)))
    assert_inert(Elements(event_html.headline({"person": attack, "customer": attack}, {})))
