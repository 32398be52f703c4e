"""Rows and sights for the tests of what is drawn, and a browser's eyes to look at the HTML with."""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

from app.views import message_html
from app.views.sight import Sight

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
        "removal": None,
        "in_reply_to": None,
        "connection_id": "c1",
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


def sight(**more: Any) -> Sight:
    return Sight(zone=SYDNEY, now=NOW, **more)


def page(*rows: dict[str, Any], **more: Any) -> Elements:
    """A page of these messages as a browser sees it; `more` is for the sight."""
    return Elements(message_html.page(rows, sight(**more)))


def assert_inert(found: Elements) -> None:
    """Nothing that others wrote became an element, an attribute, or an address that leads elsewhere."""
    assert set(found.tags) <= TAGS
    assert set(found.attributes) <= ATTRIBUTES
    for address in (*found.attributes.get("href", []), *found.attributes.get("src", [])):
        own = (
            "/message?",
            "/attachment?",
            "/mail?",
            "/audit?",
            "#m",
            "https://www.openstreetmap.org/?mlat=",
        )
        assert address.startswith(own), address
    assert "\x1b" not in found.text
    assert "\x00" not in found.text
    for values in found.attributes.values():
        assert not any("\x1b" in value or "\u202e" in value for value in values)


#: What our own HTML is made of.
TAGS = {
    "div", "section", "article", "header", "h3", "h4", "p", "span", "bdi", "time", "b", "a", "ul", "ol", "li",
    "details", "summary", "blockquote", "i", "img", "audio", "video", "dl", "dt", "dd", "pre", "code", "progress",
    "button",
}  # fmt: skip
ATTRIBUTES = {
    "class", "id", "data-message", "data-connection", "datetime", "title", "role", "aria-label", "aria-hidden", "dir",
    "href", "target", "src", "alt", "loading", "controls", "preload", "max", "value",
    "width", "height", "data-conversation", "type", "tabindex", "rel",
}  # fmt: skip
