"""The timeline's renderer: rows in, inert HTML out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.views import attachment_html, message_html
from tests.app.drawn import HOSTILE, NOW, Elements, assert_inert, page, row, sight


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_others_wrote_becomes_an_element(text: str) -> None:
    everywhere = row(
        message_id=text, from_address=text, from_name=text, to_addresses=[text] * 5, subject=text,
        body=text * 400, quoted_body=text, status="failed", channel=text, kind=text, in_reply_to=text,
        provider_metadata={"error_message": text, "error_code": text, "list_id": text, "is_bulk": True},
        reactions=[{"emoji": text, "by": text, "at": text}],
        attachments=[{"filename": text, "content_type": text, "size_bytes": text, "state": text, "reason": text}],
    )  # fmt: skip
    answered = {text: row(body=text, from_name=text)}
    assert_inert(page(everywhere, row(is_deleted=True, body=text)))
    assert_inert(page(everywhere, on_screen=answered, may_read_revisions=True))


def test_text_is_shown_as_written() -> None:
    found = page(row(body="1 < 2 & <b>not bold</b>\n  indented 😀", subject="Re: <offer>"))
    assert "1 < 2 & <b>not bold</b>\n  indented 😀" in found.text
    assert "Re: <offer>" in found.text


def test_a_file_name_cannot_turn_its_ending_round() -> None:
    found = page(row(attachments=[{"filename": "invoice\u202egpj.exe", "content_type": "a/b"}]))
    assert "\u202e" not in found.text
    assert "gpj.exe" in found.text


def test_each_day_in_the_zone_of_display_has_one_divider() -> None:
    rows = [
        row(sent_at=datetime(2025, 3, 3, 1, 0, tzinfo=UTC)),
        # 23:30 and 00:30 in Sydney.
        row(sent_at=datetime(2026, 11, 20, 12, 30, tzinfo=UTC)),
        row(sent_at=datetime(2026, 11, 20, 13, 30, tzinfo=UTC)),
        row(sent_at=datetime(2026, 11, 22, 1, 0, tzinfo=UTC)),
    ]
    html = message_html.page(rows, sight())
    found = Elements(html)
    assert html.count('class="day"') == 4
    for name in ("Monday 3 March 2025", "Friday 20 November", "Yesterday", "Today"):
        assert name in found.text
    assert message_html.page(rows, sight(), older_day=date(2025, 3, 3)).count('"day"') == 3


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("queued", "Queued"), ("sent", "Sent"), ("delivered", "Delivered"), ("read", "Read"),
        ("failed", "Failed"), ("missed", "Missed"), ("completed", "Completed"), ("deleted", "Deleted"),
    ],
)  # fmt: skip
def test_a_status_is_said_in_words(status: str, words: str) -> None:
    assert words in page(row(direction="outbound", status=status)).text


def test_a_failure_says_the_providers_reason() -> None:
    metadata = {"error_message": "Unreachable handset", "error_code": "30003"}
    text = page(row(direction="outbound", status="failed", provider_metadata=metadata)).text
    assert "Failed: Unreachable handset (30003)" in text


def test_received_says_nothing_and_deleted_wins() -> None:
    assert "eceived" not in page(row()).text
    text = page(row(is_deleted=True, status="received")).text
    assert "Deleted" in text
    assert "Hello" in text


def test_a_long_body_is_folded_and_complete() -> None:
    body = "\n".join(f"line {n} of a long mail with some words in it" for n in range(500))
    html = message_html.page([row(body=body)], sight())
    assert '<details class="rest">' in html
    text = Elements(html).text
    assert all(f"line {n} of" in text for n in range(500))
    before_fold = html.split("<details")[0]
    assert "line 0 of" in before_fold
    assert "line 60 of" not in before_fold
    assert before_fold.rstrip().endswith("words in it\n</div>")


def test_a_body_without_a_break_is_folded_too() -> None:
    html = message_html.page([row(body="x" * 5000)], sight())
    assert '<details class="rest">' in html
    assert Elements(html).text.count("x") >= 5000


def test_a_short_body_is_not_folded() -> None:
    assert "<details" not in message_html.page([row(body="word " * 300)], sight())


def test_what_is_left_out_of_an_enormous_body_is_said() -> None:
    html = message_html.page([row(body="word " * 100_000)], sight())
    assert len(html) < 300_000
    assert "300,000 more characters are kept" in html


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (3_210_000, "3.2 MB")]
)
def test_sizes(count: int, text: str) -> None:
    assert attachment_html.size(count) == text


def test_doors_and_direction_are_said_to_screen_readers() -> None:
    labels = page(row(seen_via=["history", "webhook"])).attributes["aria-label"]
    assert "Received" in labels
    assert "SMS" in labels
    assert any("webhook" in label for label in labels)
    assert any("history" in x for x in labels)
    assert "Sent by us" in page(row(direction="outbound")).attributes["aria-label"]


def test_a_sender_is_a_name_where_it_is_known() -> None:
    known = {"phone:+61491570006": "Sam <Example>"}
    found = page(row(counterpart_identity="phone:+61491570006"), names=known)
    assert "Sam <Example>" in found.text
    # What they wrote from and whom they wrote to still stands there.
    assert "from +61491570006" in found.text
    # Somebody else in the same mail, or a name of the message's own, is not called so.
    other = page(row(counterpart_identity="email:kim@example.com"), names=known).text
    assert "Sam" not in other
    own = page(row(counterpart_identity="phone:+61491570006", from_name="Sammy"), names=known).text
    assert "Sammy" in own
    assert "Sam <" not in own
    ours = page(row(direction="outbound", from_address="+61255501000", counterpart_identity="phone:+61491570006"), names=known).text  # fmt: skip
    assert "Us" in ours
    assert "from +61255501000" in ours


def test_a_run_of_one_sender_is_a_group() -> None:
    start = datetime(2026, 11, 22, 1, 5, tzinfo=UTC)

    def classes(*rows: dict[str, Any]) -> list[bool]:
        found = page(*rows).attributes["class"]
        return ["follows" in each.split() for each in found if each.split()[0] == "message"]

    def at(minutes: float, **more: Any) -> dict[str, Any]:
        return row(message_id=f"m{minutes}{more}", sent_at=start + timedelta(minutes=minutes), **more)  # fmt: skip

    assert classes(at(0), at(1), at(5.9), at(11)) == [False, True, True, False]
    assert classes(at(0), at(1, direction="outbound")) == [False, False]
    assert classes(at(0), at(1, channel="whatsapp"), at(2)) == [False, False, False]
    assert classes(at(0, kind="email"), at(1, kind="email")) == [False, False]
    assert classes(at(0, kind="system"), at(1)) == [False, False]
    # A day begins anew, and says who it is.
    midnight = 12 * 60 - 5
    assert classes(at(midnight - 1), at(midnight + 1)) == [False, False]
    # Screen readers are told the sender of each.
    assert page(at(0), at(1)).text.count("+61491570006") == 2


def test_a_page_of_fifty_is_one_element() -> None:
    html = message_html.page([row(message_id=f"m{n}") for n in range(50)], sight())
    assert html.startswith('<div class="messages">')
    assert html.count("<article") == 50


def test_an_edited_message_says_so_and_leads_on_only_those_who_may() -> None:
    edited = row(message_id="whatsapp|a b&c", revision=1)
    assert "edited" in page(edited).text
    assert not any("versions" in href for href in page(edited).attributes["href"])
    links = page(edited, may_read_revisions=True).attributes["href"]
    assert "/message?message=whatsapp%7Ca+b%26c&versions=1" in links
    assert "edited" not in page(row()).text


def test_an_unsent_message_hides_what_it_said() -> None:
    unsent = row(
        removal="unsent", is_deleted=True, revision=1, body="a secret", subject="hidden", quoted_body="quoted",
        attachments=[{"filename": "private.png", "state": "stored"}],
    )  # fmt: skip
    text = page(unsent).text
    assert "This message was unsent" in text
    assert "edited" not in text
    for hidden in ("a secret", "hidden", "quoted", "private.png", "What it said"):
        assert hidden not in text
    assert "What it said" in page(unsent, may_read_revisions=True).text


def test_what_is_removed_at_the_provider_stays_and_is_said() -> None:
    removed = row(removal="removed at the provider", is_deleted=True, revision=2, body="kept")
    html = message_html.page([removed], sight())
    assert 'class="message deleted"' in html
    text = Elements(html).text
    assert "deleted where it came from" in text
    assert "kept" in text
    # One revision is the removal, so the other was an edit.
    assert "edited" in text


@pytest.mark.parametrize("kind", ["user_changed_number", "customer_identity_changed"])
def test_a_notice_is_one_line_and_warns_where_it_may_be_another_person(kind: str) -> None:
    notice = row(
        channel="whatsapp", kind="system", body="The security code\nchanged",
        provider_metadata={"system": kind},
    )  # fmt: skip
    html = message_html.page([notice], sight())
    assert ("warns" in html) == (kind == "customer_identity_changed")
    assert "The security code changed" in Elements(html).text
    assert "<header" not in html


def test_every_message_leads_to_all_that_is_known_about_it() -> None:
    links = page(row(message_id="m1"), row(message_id="m2")).attributes["href"]
    assert links == ["/message?message=m1", "/message?message=m2"]


def test_metadata_of_any_shape_draws_a_message() -> None:
    shapes: list[Any] = [
        None,
        [],
        "text",
        7,
        {"call": []},
        {"location": "x", "story": 1, "referral": [1]},
    ]
    for kind in (
        "text",
        "call",
        "voicemail",
        "location",
        "contacts",
        "story",
        "system",
        "unsupported",
        "odd",
    ):
        for told in shapes:
            broken = row(
                kind=kind, provider_metadata=told, attachments=[None, 3, {}], body=None,
                reactions=[None, {"emoji": ["x"]}], to_addresses=None, seen_via=None,
            )  # fmt: skip
            assert_inert(page(broken))


def test_a_page_of_fifty_draws_fast() -> None:
    rows = [
        row(
            message_id=f"m{n}",
            body="word " * 400,
            sent_at=NOW - timedelta(hours=n),
            in_reply_to="m1",
        )
        for n in range(50)
    ]
    seen = sight(on_screen={each["message_id"]: each for each in rows})
    started = datetime.now(UTC)
    message_html.page(rows, seen)
    assert (datetime.now(UTC) - started).total_seconds() < 0.5
