"""The timeline's renderer: rows in, inert HTML out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app import message_html

SYDNEY = ZoneInfo("Australia/Sydney")
NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</div></article></details><style>*{display:none}</style>",
    "<svg/onload=alert(1)>",
    "[x](javascript:alert(1)) **bold** `code` $x^2$ :material/delete:",
    "\x1b[2J\x1b[31mred\x1b[0m\x07\x00",
    "invoice\u202egpj.exe",
    "&lt;script&gt; &amp; &#60;",
    "{{7*7}} ${7*7} <%= 7*7 %>",
]


def row(**more: Any) -> dict[str, Any]:
    return {
        "message_id": "twilio_sms|SM1",
        "channel": "twilio_sms",
        "direction": "inbound",
        "from_address": "+61491570006",
        "from_name": None,
        "to_addresses": ["+61255501000"],
        "sent_at": datetime(2026, 11, 22, 1, 5, tzinfo=UTC),
        "kind": "text",
        "subject": None,
        "body": "Hello",
        "quoted_body": None,
        "attachments": [],
        "status": "received",
        "reactions": [],
        "revision": 0,
        "is_deleted": False,
        "seen_via": ["webhook"],
        "provider_metadata": {},
        **more,
    }


class Elements(HTMLParser):
    """Tags, attributes and text of a piece of HTML, as a browser would see them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, list[str]] = {}
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, []).append(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def page(*rows: dict[str, Any], older_day: date | None = None) -> Elements:
    return Elements(message_html.page(rows, SYDNEY, NOW, older_day=older_day))


PLAIN_TAGS = set(page(row(subject="s", quoted_body="q", body="x" * 9000, attachments=[{}])).tags)
PLAIN_ATTRIBUTES = {
    "class",
    "data-message",
    "datetime",
    "title",
    "role",
    "aria-label",
    "aria-hidden",
    "dir",
}


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_others_wrote_becomes_an_element(text: str) -> None:
    everywhere = row(
        message_id=text, from_address=text, from_name=text, to_addresses=[text] * 5, subject=text,
        body=text * 400, quoted_body=text, status="failed", channel=text, kind=text,
        provider_metadata={"error_message": text, "error_code": text}, reactions=[{"emoji": text}],
        attachments=[{"filename": text, "content_type": text, "size_bytes": text, "state": text}],
    )  # fmt: skip
    found = page(everywhere, row(is_deleted=True, body=text))
    assert set(found.tags) <= PLAIN_TAGS | {"p"}
    assert set(found.attributes) <= PLAIN_ATTRIBUTES
    assert "\x1b" not in found.text
    assert "\x00" not in found.text


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
    html = message_html.page(rows, SYDNEY, NOW)
    found = Elements(html)
    assert html.count('class="day"') == 4
    for name in ("Monday 3 March 2025", "Friday 20 November", "Yesterday", "Today"):
        assert name in found.text
    assert message_html.page(rows, SYDNEY, NOW, older_day=date(2025, 3, 3)).count('"day"') == 3


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("queued", "Queued"), ("sent", "Sent"), ("delivered", "Delivered"), ("read", "Read"),
        ("failed", "Failed"), ("missed", "Missed"), ("completed", "Completed"),
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
    html = message_html.page([row(body=body)], SYDNEY, NOW)
    assert '<details class="rest">' in html
    text = Elements(html).text
    assert all(f"line {n} of" in text for n in range(500))
    before_fold = html.split("<details")[0]
    assert "line 0 of" in before_fold
    assert "line 60 of" not in before_fold
    assert before_fold.rstrip().endswith("words in it\n</div>")


def test_a_body_without_a_break_is_folded_too() -> None:
    html = message_html.page([row(body="x" * 5000)], SYDNEY, NOW)
    assert '<details class="rest">' in html
    assert Elements(html).text.count("x") >= 5000


def test_a_short_body_is_not_folded() -> None:
    assert "<details" not in message_html.page([row(body="word " * 300)], SYDNEY, NOW)


def test_what_is_left_out_of_an_enormous_body_is_said() -> None:
    html = message_html.page([row(body="word " * 100_000)], SYDNEY, NOW)
    assert len(html) < 300_000
    assert "300,000 more characters are kept" in html


def test_attachments_say_name_type_size_and_state() -> None:
    text = page(
        row(attachments=[
            {"filename": "receipt.pdf", "content_type": "application/pdf", "size_bytes": 48213, "state": "stored"},
            {"filename": None, "content_type": "image/jpeg", "size_bytes": None, "state": "waiting"},
        ])
    ).text  # fmt: skip
    assert "receipt.pdf" in text
    assert "application/pdf · 48 kB · stored" in text
    assert "unnamed" in text
    assert "image/jpeg · waiting" in text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (3_210_000, "3.2 MB")]
)
def test_sizes(count: int, text: str) -> None:
    assert message_html.size(count) == text


def test_doors_and_direction_are_said_to_screen_readers() -> None:
    labels = page(row(seen_via=["history", "webhook"])).attributes["aria-label"]
    assert "Received" in labels
    assert "SMS" in labels
    assert any("webhook" in label for label in labels)
    assert any("history" in x for x in labels)
    assert "Sent by us" in page(row(direction="outbound")).attributes["aria-label"]


def test_a_page_of_fifty_is_one_element() -> None:
    html = message_html.page([row(message_id=f"m{n}") for n in range(50)], SYDNEY, NOW)
    assert html.startswith('<div class="messages">')
    assert html.count("<article") == 50
