"""HTML that is kept: the same message for the same rights is drawn once, and never an old one."""

from __future__ import annotations

from datetime import UTC, datetime

from app.views import message_html
from app.views.drawn_cache import DrawnCache
from tests.app.drawn import row, sight


def test_the_same_is_made_once_and_another_anew() -> None:
    cache, made = DrawnCache(), []

    def draw() -> str:
        made.append(1)
        return "html"

    first = row(body="hello")
    for each in (first, dict(first), {**first, "body": "edited"}, first):
        assert cache.drawn("key", each, None, draw) == "html"
    cache.drawn("key", first, row(body="quoted"), draw)
    assert len(made) == 4


def test_it_holds_no_more_than_it_may() -> None:
    cache = DrawnCache(most_bytes=100_000)
    for number in range(1_000):
        cache.drawn(number, row(body="x" * 90), None, lambda: "y" * 910)
    # What a row takes counts, not its texts alone.
    assert 10 <= len(cache) <= 20
    cache.drawn("one that is too long", row(body="x"), None, lambda: "y" * 300_000)
    assert 10 <= len(cache) <= 20
    # So does a letter that takes four bytes.
    for number in range(1_000):
        cache.drawn(number, row(body="x"), None, lambda: "\U0001f600" * 1_000)
    assert 8 <= len(cache) <= 11


def test_every_page_shows_what_is_now_under_its_own_rights() -> None:
    unsent = row(message_id="a|unsent", removal="unsent", is_deleted=True, revision=1)
    hidden = message_html.message(unsent, sight())
    shown = message_html.message(unsent, sight(may_read_revisions=True))
    assert "What it said" not in hidden
    assert "What it said" in shown
    assert message_html.message(unsent, sight()) == hidden
    call = row(message_id="a|call", kind="call", connection_id="c1", attachments=[
        {"attachment_id": "r", "content_type": "audio/mpeg", "state": "stored", "shows_inline": True, "sniffed_type": "audio/mpeg"}
    ])  # fmt: skip
    silent = message_html.message(call, sight())
    played = message_html.message(call, sight(playable_connections=frozenset({"c1"})))
    assert silent != played
    sent = row(message_id="a|sent", status="sent", sent_at=datetime(2026, 11, 1, tzinfo=UTC))
    assert "Sent" in message_html.message({**sent, "direction": "outbound"}, sight())
    read = {**sent, "direction": "outbound", "status": "read"}
    assert "Read" in message_html.message(read, sight())
