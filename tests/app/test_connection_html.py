"""Cards of connections: nothing is green that nothing proves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.views import connection_html, list_html
from app.views.connection_state import state
from tests.app.drawn import HOSTILE, NOW, SYDNEY, Elements, assert_inert
from warehouse.channels import registry
from warehouse.guides import guide

NOTE = "Messenger shows only the 20 newest messages of a conversation"


def connection(**more: Any) -> dict[str, Any]:
    """A connection about which all is well and all is proven."""
    return {
        "connection_id": "c1",
        "channel": "messenger",
        "name": "Shop",
        "is_disabled": False,
        "last_delivery_at": NOW - timedelta(minutes=2),
        "last_pull_started_at": NOW - timedelta(minutes=5),
        "last_pull_succeeded_at": NOW - timedelta(minutes=5),
        "pull_error": None,
        "pull_detail": {"rows": {"messages": 3}, "more": False, "listed": None, "total": None},
        "last_watch_renewed_at": None,
        "watch_error": None,
        "watch_expires_at": None,
        "token_error": None,
        "token_expires_at": None,
        "media": {"stored": 12},
        "quarantined_events": 0,
        "quarantined_and_ignored": 0,
        "waiting_messages": 0,
        "refusals_last_day": 0,
        "reconciled_at": NOW - timedelta(hours=3),
        "reconcile_error": None,
        "reconcile_window_start": NOW - timedelta(days=7),
        "reconcile_window_end": NOW - timedelta(hours=3),
        "missing": 0,
        "extra": 0,
        "late": 1,
        "differing": 0,
        "brought_in": 0,
        # A comparison ends with the note, whatever it found.
        "unrecoverable": NOTE,
        "pulls": True,
        "history_note": NOTE,
        **more,
    }


def text_of(**more: Any) -> str:
    return Elements(connection_html.card(connection(**more), SYDNEY, NOW)).text


UNPROVEN: list[tuple[dict[str, Any], str, str]] = [
    ({"is_disabled": True}, "quiet", "What arrives is still received"),
    ({"pull_error": "HTTP 500"}, "bad", "The last pull failed"),
    ({"token_error": "session expired (190)"}, "bad", "Our access is refused"),
    ({"token_expires_at": NOW - timedelta(hours=1)}, "bad", "The token has expired"),
    ({"watch_error": "forbidden"}, "bad", "pushes will stop"),
    ({"last_delivery_at": None, "last_pull_succeeded_at": None}, "quiet", "Nothing has come in yet"),
    ({"pulls": False, "reconciled_at": None}, "quiet", "Cannot be reconciled"),
    ({"last_pull_succeeded_at": None}, "warn", "No pull has succeeded yet"),
    ({"last_pull_succeeded_at": NOW - timedelta(hours=5)}, "warn", "No pull has succeeded for 5 hours"),
    ({"pull_detail": {"listed": 10, "total": 100, "more": True}}, "quiet", "still being loaded"),
    ({"reconcile_error": "HTTP 500"}, "warn", "The last comparison with the provider failed"),
    ({"reconciled_at": None}, "quiet", "Not compared with the provider yet"),
    ({"missing": 3, "brought_in": 1}, "warn", "3 messages came by no webhook; the history brought them"),
    ({"reconciled_at": NOW - timedelta(days=4)}, "warn", "Last compared with the provider 4 days ago"),
    ({"unrecoverable": f"2 messages exist whose text is not shown; {NOTE}"}, "warn", "cannot be brought back"),
    ({"pulls": False, "unrecoverable": f"1 messages never came; {NOTE}"}, "warn", "some are known to be missing"),
]  # fmt: skip


@pytest.mark.parametrize(("more", "kind", "words"), UNPROVEN)
def test_what_is_not_proven_is_not_green(more: dict[str, Any], kind: str, words: str) -> None:
    row = connection(**more)
    found = state(row, NOW)
    assert (found.kind, words in found.words) == (kind, True), found
    html = connection_html.card(row, SYDNEY, NOW)
    assert words in Elements(html).text
    assert "good" not in html


def test_a_comparison_that_found_nothing_missing_is_green() -> None:
    found = state(connection(), NOW)
    assert (found.kind, found.words) == (
        "good",
        "Compared with the provider 3 hours ago: nothing missing",
    )


def test_what_a_provider_cannot_count_is_not_shown_as_none_found() -> None:
    text = text_of(extra=None, late=None, differing=None)
    assert "0 missing" in text
    for words in ("extra", "late", "differing"):
        assert f"0 {words}" not in text


def test_what_is_lost_is_said_once_and_the_note_apart() -> None:
    text = text_of(unrecoverable=f"2 messages exist whose text is not shown; {NOTE}")
    assert text.count(NOTE) == 1
    assert "2 messages exist whose text is not shown" in text


def test_a_connection_without_history_says_that_nothing_can_be_compared() -> None:
    text = text_of(
        channel="whatsapp", pulls=False, reconciled_at=None, history_note="WhatsApp has no history"
    )
    assert text.count("annot be reconciled") == 2
    assert "WhatsApp has no history" in text
    assert "Last pull" not in text


def test_everything_known_is_said() -> None:
    text = text_of(
        media={"stored": 1200, "waiting": 3, "failed": 1},
        quarantined_events=2, waiting_messages=1, refusals_last_day=1,
        token_expires_at=NOW + timedelta(days=3), watch_expires_at=NOW + timedelta(days=6),
        missing=5, brought_in=5, late=2, extra=1, differing=1,
    )  # fmt: skip
    for words in (
        "2 minutes ago", "1,200 stored · 3 waiting · 1 failed", "2 events", "1 message of the channel", "1 delivery",
        "in 3 days", "in 6 days", "5 missing", "5 brought in", "2 late", "1 extra", "1 differing",
        "Messenger shows only the 20 newest",
    ):  # fmt: skip
        assert words in text, words


def test_errors_are_said_in_words_once() -> None:
    text = text_of(
        pull_error="the token has expired (190)", token_error="the token has expired (190)"
    )
    assert text.count("the token has expired (190)") == 1


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ({"listed": 120, "total": 500, "more": True}, "120 of about 500 loaded"),
        ({"listed": 120, "total": None, "more": True}, "120 listed so far"),
        ({"listed": 900, "total": 500}, "900 of about 500"),
        ({"listed": "x", "total": [], "more": True}, "still being loaded"),
        ("odd", "nothing missing"),
        (None, "nothing missing"),
    ],
)
def test_a_running_backfill_says_how_far_it_is(detail: object, words: str) -> None:
    assert words in text_of(pull_detail=detail)


def test_a_connection_that_was_just_made_has_nothing_to_say() -> None:
    empty = dict.fromkeys(connection()) | {
        "connection_id": "c9", "channel": "gmail", "name": "New", "pulls": True, "is_disabled": False,
    }  # fmt: skip
    text = Elements(connection_html.card(empty, SYDNEY, NOW)).text
    assert "Nothing has come in yet" in text
    assert "never" in text


def test_times_are_read_to_the_minute() -> None:
    html = connection_html.card(
        connection(last_delivery_at=datetime(2026, 11, 22, 1, 0, tzinfo=UTC)), SYDNEY, NOW
    )
    assert "1 hour ago" in html
    assert "Sunday 22 November 2026, 12:00:00 AEDT" in html


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_are_inert(text: str) -> None:
    hostile = connection(
        connection_id=text, channel=text, name=text, pull_error=text, token_error=text, watch_error=text, reconcile_error=text,
        unrecoverable=text, history_note=text, media={text: 3, "stored": text},
        pull_detail={"listed": text, "total": text, "more": True},
    )  # fmt: skip
    assert_inert(Elements(connection_html.card(hostile, SYDNEY, NOW)))


def test_what_is_pasted_is_called_on_the_page_as_in_its_guide() -> None:
    for channel in registry():
        for field in guide(channel).fields:
            assert list_html.plain(field.label) == field.label, channel


@pytest.mark.parametrize(
    ("label", "kept"),
    [("Reply-To", "Reply-To"), ("- a", "a"), ("a--b", "a b"), ("---", ""), ("a-", "a")],
)
def test_a_hyphen_stays_where_markdown_makes_nothing_of_it(label: str, kept: str) -> None:
    assert list_html.plain(label) == kept
