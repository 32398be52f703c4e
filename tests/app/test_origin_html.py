"""Versions, sources and exact bytes: shown whole enough, and inert."""

from __future__ import annotations

from typing import Any

import pytest

from app.views import origin_html, quarantine_html
from media.provenance import RawRow
from tests.app.drawn import HOSTILE, NOW, Elements, assert_inert, row, sight


def version(**more: Any) -> dict[str, Any]:
    return {
        "revision": 0,
        "kind": "original",
        "revised_at": NOW,
        "body": "Hello",
        "raw_ref": "r#0",
        **more,
    }


def raw_row(body: bytes = b'{"a": 1}', **more: Any) -> RawRow:
    told: dict[str, Any] = {
        "raw_ref": "raw.webhook_deliveries/1#0",
        "body": body,
        "content_type": "application/json",
        "headers": {"user-agent": "provider/1"},
        "received_at": NOW,
        "connection_id": "c1",
        "signature": "verified",
        **more,
    }
    return RawRow(**told)


def raw(body: bytes = b"{}", **more: Any) -> Elements:
    return Elements(origin_html.raw(raw_row(body, **more), sight()))


def test_every_version_is_shown_with_what_happened_and_when() -> None:
    rows = [
        version(),
        version(revision=1, kind="edited", body="Hullo"),
        version(kind="unsent", body=None),
    ]
    html = origin_html.versions(row(), rows, [], sight())
    text = Elements(html).text
    for words in (
        "As it was received first",
        "Hello",
        "Edited",
        "Hullo",
        "Unsent",
        "13:00:00 AEDT",
    ):
        assert words in text
    assert html.count("<li>") == 3


def test_what_came_with_an_unsent_message_stands_with_its_versions() -> None:
    files = [{"attachment_id": "a1", "filename": "private.pdf", "state": "stored"}]
    unsent = origin_html.versions(row(removal="unsent"), [version()], files, sight())
    assert "private.pdf" in Elements(unsent).text
    # Elsewhere the message itself shows it.
    assert "private.pdf" not in origin_html.versions(row(), [version()], files, sight())


def test_a_source_says_its_door_and_its_proof() -> None:
    pushed = {
        "raw_ref": "raw.webhook_deliveries/1#0",
        "via": "webhook",
        "received_at": NOW,
        "signature": "verified",
    }
    text = Elements(origin_html.source(pushed, sight())).text
    assert "Webhook" in text
    assert "Signature verified" in text
    pulled = {**pushed, "via": "history", "signature": "pulled with our credentials"}
    assert "Pulled with our credentials" in Elements(origin_html.source(pulled, sight())).text


def test_exact_bytes_are_shown_as_text() -> None:
    found = raw(b'{"text": "\\u05e9", "x": "\x00\x1b[31m\xff"}', content_type="text/html")
    assert r'{"text": "\u05e9"' in found.text
    assert r"\xff" in found.text
    assert "\u2400" in found.text
    assert "user-agent" in found.text
    assert "Proof" in found.text


def test_a_long_body_is_cut_and_the_rest_counted() -> None:
    found = raw(b"x" * 3_000_000)
    assert "2,980,000 more bytes are kept" in found.text
    assert len(found.text) < 30_000
    assert "Empty" in raw(b"").text


@pytest.mark.parametrize(
    "headers", [None, [], "x", {"a": ["b", "c"]}, {str(n): n for n in range(200)}]
)
def test_headers_of_any_shape(headers: Any) -> None:
    text = raw(headers=headers).text
    assert ("and 140 more" in text) == (isinstance(headers, dict) and len(headers) == 200)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_origins_are_inert(text: str) -> None:
    assert_inert(
        Elements(origin_html.versions(row(), [version(kind=text, body=text)], [], sight()))
    )
    source = {"raw_ref": text, "via": text, "received_at": None, "signature": text}
    assert_inert(Elements(origin_html.source(source, sight())))
    assert_inert(
        raw(
            text.encode("utf-8", "surrogatepass"), raw_ref=text, content_type=text, headers={text: [text]},
            connection_id=text, signature=text,
        )
    )  # fmt: skip
    quarantined = {
        "raw_ref": text, "channel": text, "connection_id": text, "connection_name": text, "reason": text,
        "received_at": NOW,
    }  # fmt: skip
    assert_inert(Elements(quarantine_html.event(quarantined, sight())))


def test_a_line_of_the_quarantine_says_where_why_and_when() -> None:
    held = {
        "raw_ref": "raw.webhook_deliveries/1#0", "channel": "whatsapp", "connection_id": "c1",
        "connection_name": None, "reason": "messages[0].type is not understood", "received_at": NOW,
    }  # fmt: skip
    text = Elements(quarantine_html.event(held, sight())).text
    assert "messages[0].type is not understood" in text
    assert "c1" in text
    assert "13:00" in text
    assert "./crm replay --quarantined" in Elements(quarantine_html.tally(3, is_cut=False)).text
