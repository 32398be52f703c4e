"""What is typed into the search box, and what it means."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from warehouse.search_query import LONGEST, Condition, Term, parse
from warehouse.search_snippet import plain, snippet

SYDNEY = ZoneInfo("Australia/Sydney")
TODAY = date(2026, 11, 27)


def terms(typed: str) -> list[Term]:
    return list(parse(typed, SYDNEY, TODAY).terms)


def test_words_phrases_beginnings_and_what_is_left_out() -> None:
    assert terms('refund -late "to me" ord* -"no way" “curly one”') == [
        Term(text="refund"),
        Term(text="late", excluded=True),
        Term(text="to me", is_phrase=True),
        Term(text="ord", is_prefix=True),
        Term(text="no way", is_phrase=True, excluded=True),
        Term(text="curly one", is_phrase=True),
    ]
    assert terms('"never closed') == [Term(text="never closed", is_phrase=True)]
    assert terms("-- ! () *") == []


@pytest.mark.parametrize(
    ("typed", "phones"),
    [
        ("0491 570", ["0491570"]), ("+61 491 570 006", ["0491570006"]), ("(02) 5550", ["025550"]), ("0011 61 2 5550", ["025550"]),
        ("0491570006", ["0491570006"]), ('"0491 570"', ["0491570"]), ("0491 570 (02) 5550", ["0491570", "025550"]),
        ("12 34", ["", ""]), ("2024", [""]), ("1300 555 006", ["", "", ""]), ("-0491570006", ["0491570006"]),
        ("61491570156 1204", ["0491570156", ""]), ("1204 0491 570", ["", "0491570"]), ("0491 5700 2024", ["04915700", ""]), ('-"0491 570"', ["0491570"]),
    ],
)  # fmt: skip
def test_digits_beside_each_other_are_one_number(typed: str, phones: list[str]) -> None:
    assert [term.phone for term in terms(typed)] == phones


def test_operators() -> None:
    query = parse(
        'channel:sms Channel:Gmail -direction:sent from:"Sam C" has:attachments in:x tag:VIP',
        SYDNEY,
        TODAY,
    )
    assert query.conditions == (
        Condition(operator="channel", value="twilio_sms"),
        Condition(operator="channel", value="gmail"),
        Condition(operator="direction", value="outbound", excluded=True),
        Condition(operator="from", value="Sam C"),
        Condition(operator="has", value="attachment"),
        Condition(operator="in", value="x"),
        Condition(operator="tag", value="VIP"),
    )
    assert query.notes == ()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("channel:fax", "does not know fax"), ("direction:up", "inbound and outbound"), ("has:fun", "attachment"),
        ("on:someday", "does not know the day"), ("before:2026-02-30", "does not know the day"), ("form:sam", "no operator"),
        ("a*", "begins too many words"), ("-on:today", "cannot be taken away"), ("x" * 5_000, f"first {LONGEST:,}"),
        ("in:", "needs something"), ("on:0", "does not know the day"), ("w " * 60, "first 50 words"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_said_in_words(typed: str, said: str) -> None:
    query = parse(typed, SYDNEY, TODAY)
    assert len(query.notes) == 1
    assert said in query.notes[0]


@pytest.mark.parametrize(
    ("typed", "since", "before"),
    [
        # Daylight saving begins on 4 October 2026 and ends on 5 April: days of 23 and 25 hours.
        ("on:2026-10-04", "2026-10-03T14:00", "2026-10-04T13:00"), ("on:5/4/2026", "2026-04-04T13:00", "2026-04-05T14:00"),
        ("after:04.10.2026", "2026-10-04T13:00", None), ("before:today", None, "2026-11-26T13:00"),
        ("on:2026-10", "2026-09-30T14:00", "2026-10-31T13:00"), ("on:2026", "2025-12-31T13:00", "2026-12-31T13:00"),
        ("after:2026-01-01 after:2026-02-01", "2026-02-01T13:00", None), ("on:yesterday", "2026-11-25T13:00", "2026-11-26T13:00"),
    ],
)  # fmt: skip
def test_days_are_days_of_the_time_zone(typed: str, since: str | None, before: str | None) -> None:
    query = parse(typed, SYDNEY, TODAY)
    expected = [
        datetime.fromisoformat(each).replace(tzinfo=UTC) if each else None
        for each in (since, before)
    ]
    assert [query.since, query.before] == expected


def test_a_snippet_shows_a_match_wherever_a_text_is_searched() -> None:
    row = {"body": "wort ß e\u0301 " * 8_000 + "needle", "subject": None, "filenames": []}
    assert len(row["body"]) < 100_000
    assert [text for text, matched in snippet(row, terms("needle")) if matched] == ["needle"]


def test_a_snippet_shows_the_match_as_it_was_written() -> None:
    row = {
        "subject": "Order",
        "body": "word " * 100 + "the CAFÉ  on the corner, 0491-570-006 " + "word " * 100,
        "filenames": ["a.pdf"],
    }
    parts = snippet(row, terms("cafe 0491570006"))
    assert [text for text, matched in parts if matched] == ["CAFÉ", "0491-570-006"]
    assert plain(parts).startswith("…")
    assert len(plain(parts)) < 200
    assert [text for text, matched in snippet(row, terms("pdf")) if matched] == ["pdf"]
    assert [
        text for text, matched in snippet({**row, "body": "東京都庁"}, terms("京都")) if matched
    ] == ["京都"]


def test_a_word_that_the_end_would_cut_is_left_out() -> None:
    first, second = "a" * 700, "b" * 700
    read = parse(f"{first} {second}", SYDNEY, TODAY)
    assert [term.text for term in read.terms] == [first]
    assert read.notes == ("Only the first 1,000 characters are looked for.",)
    # One that ends just there is whole; of one that is longer than all, its beginning.
    assert [len(term.text) for term in terms(f"{'a' * 499} {'b' * 500} c")] == [499, 500]
    assert [len(term.text) for term in terms("a" * 5_000)] == [LONGEST]
