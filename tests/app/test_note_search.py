"""Notes are found by their words the moment they are written, by an index, and no longer once they are taken away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.app.conftest import Correspondence
from warehouse import decisions, note_search, search, search_meaning
from warehouse.events import Actor
from warehouse.search_query import parse
from warehouse.settings import Role

SYDNEY = ZoneInfo("Australia/Sydney")
NUMBER, STRANGER = "+61491570006", "+61491570156"
MIA = Actor(name="mia", role="agent")


@pytest.fixture
def database(correspondence: Correspondence) -> Iterator[psycopg.Connection[Any]]:
    for number in (NUMBER, STRANGER):
        correspondence.sms(number, "hello", datetime.now(UTC) - timedelta(hours=1))
    with psycopg.connect(correspondence.settings.url_for(Role.APP), autocommit=True) as connection:
        yield connection


@pytest.fixture
def sam(correspondence: Correspondence) -> str:
    return correspondence.customer("Sam Ångström", f"phone:{NUMBER}")


def bodies(database: psycopg.Connection[Any], typed: str, **more: Any) -> list[str]:
    with database.transaction():
        found = note_search.find(database, parse(typed, SYDNEY), **more)
    assert found.count >= len(found.rows)
    return [row["body"] for row in found.rows]


def test_a_note_is_found_by_what_a_message_would_be_found_by(
    database: psycopg.Connection[Any], sam: str
) -> None:
    texts = [
        "Prefers the red café bicycle", "Order ORD-2024-0817, 12.50 late refund", "refund late",
        "東京都に住んでいます", "Call 0491 570 110", "100 %_\\ 'quoted' <b>", "هو يحب الشاي",
    ]  # fmt: skip
    for text in texts:
        decisions.note(database, MIA, text, customer_id=sam)
    red, order, turned, tokyo, call, signs, arabic = texts
    for typed, expected in {
        "CAFE": [red], "bicyc*": [red], "refund -late": [], '"late refund"': [order], "refund": [turned, order],
        "12.50": [order], "ord-2024-0817": [order], "京都": [tokyo], "+61 491 570 110": [call], "%_\\": [],
        "quoted": [signs], "الشاي": [arabic], "refund -ord": [turned], "refund on:today": [turned, order],
        "refund before:today": [], "refund in:angstrom": [turned, order], "refund in:nobody_at_all": [],
        "refund channel:gmail": [], "refund has:attachment": [], "-refund": [], "": [], "in:angstrom": [],
        "refund -in:angstrom": [],
    }.items():  # fmt: skip
        assert bodies(database, typed) == expected, typed


def test_as_it_is_now(
    database: psycopg.Connection[Any], sam: str, correspondence: Correspondence
) -> None:
    made = decisions.note(database, MIA, "likes tea", customer_id=sam)
    assert bodies(database, "tea") == ["likes tea"]
    changed = decisions.change_note(database, MIA, made.note_id, "likes coffee", expected=1)
    assert bodies(database, "tea") == []
    assert bodies(database, "coffee") == ["likes coffee"]
    decisions.undo(database, MIA, changed.decision_id, "r")
    removed = decisions.remove_note(database, MIA, made.note_id, expected=3)
    assert bodies(database, "tea") == []
    decisions.undo(database, MIA, removed.decision_id, "r")
    assert bodies(database, "tea") == ["likes tea"]


def test_whom_a_note_is_about(
    database: psycopg.Connection[Any], sam: str, correspondence: Correspondence
) -> None:
    things = dict(
        correspondence.execute(
            "select counterpart_identity, conversation_id from canonical.conversations"
        )
    )
    decisions.note(database, MIA, "tea one", customer_id=sam)
    decisions.note(database, MIA, "tea two", conversation_id=things[f"phone:{NUMBER}"])
    decisions.note(database, MIA, "tea three", conversation_id=things[f"phone:{STRANGER}"])
    with database.transaction():
        found = note_search.find(database, parse("tea", SYDNEY))
    assert [(row["body"], row["customer_id"], row["identity"]) for row in found.rows] == [
        ("tea three", None, f"phone:{STRANGER}"), ("tea two", sam, f"phone:{NUMBER}"), ("tea one", sam, None),
    ]  # fmt: skip
    stranger = found.rows[0]
    assert correspondence.execute(
        "select counterpart_identity from marts.messages where message_id = %s",
        [stranger["message_id"]],
    ) == [(f"phone:{STRANGER}",)]
    assert note_search.customers_of(found.rows) == [sam]
    assert bodies(database, "tea", customer_id=sam) == ["tea two", "tea one"]
    assert bodies(database, "tea in:angstrom") == ["tea two", "tea one"]
    # A merge takes the notes along, and its undo gives them back.
    other = correspondence.customer("Sam Again")
    merged = decisions.merge(database, MIA, sam, other, reason="one person")
    assert bodies(database, "tea", customer_id=other) == ["tea two", "tea one"]
    with database.transaction():
        found = note_search.find(database, parse("tea", SYDNEY), customer_id=other)
    assert {row["customer_id"] for row in found.rows} == {other}
    assert merged


def test_page_by_page_and_by_the_index(
    database: psycopg.Connection[Any], sam: str, correspondence: Correspondence
) -> None:
    correspondence.execute(
        "insert into crm.notes (note_id, version, object_type, object_id, body, written_at, written_by)"
        " select 'n' || number, 1, 'customer', %s, case when number %% 100 = 0 then 'rare ' else '' end || 'word ' || number,"
        " now() - make_interval(secs => number / 10), 'mia' from generate_series(1, 5000) as number",
        [sam],
    )
    correspondence.execute("analyze crm.notes")
    seen: list[str] = []
    behind = None
    while True:
        with database.transaction():
            found = note_search.find(database, parse("rare", SYDNEY), behind=behind, page_size=7)
        if not found.rows:
            break
        assert found.count == 50
        seen += [row["note_id"] for row in found.rows]
        behind = found.rows[-1]
    assert len(seen) == len(set(seen)) == 50
    with database.cursor(row_factory=dict_row) as db, database.transaction():
        db.execute(search.SQL["without_scans"])
        for typed in ("rare", "word", "wor*", '"rare word"', "42"):
            asked = search_meaning.mean_text(db, parse(typed, SYDNEY).terms)
            values = {
                "words": " & ".join(asked.words), "phrases": asked.phrases, "without": asked.without, "since": None,
                "before": None, "customer_ids": None, "behind_at": None, "behind_id": None, "page_size": 50,
            }  # fmt: skip
            plan = db.execute(f"explain {note_search.SQL['found']}", values).fetchall()  # type: ignore[arg-type]
            lines = "\n".join(row["QUERY PLAN"] for row in plan)
            assert "notes_words" in lines, lines
            assert "Seq Scan on notes" not in lines, lines
