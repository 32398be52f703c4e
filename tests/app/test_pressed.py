"""What a browser says was pressed is a button of ours, or nothing; and links of lists lead to pages of ours."""

from __future__ import annotations

import json

import pytest

from app import address, pressed
from app.pressed import Pressed
from app.views import list_html, queue_html


@pytest.mark.parametrize(
    "told",
    ["", "no json", "{}", "[]", '["make"]', '["make", 1]', '["a", "b", "c", "d"]', "[[]]", "null", "1"],
)  # fmt: skip
def test_what_no_button_says_is_nothing(told: str) -> None:
    assert pressed.read(told) is None


def test_what_is_longer_than_a_button_is_nothing() -> None:
    assert pressed.read(json.dumps(["make", "x" * pressed.LONGEST])) is None
    assert pressed.read(["make", "phone:+61491570006"]) is None


def test_a_press_says_what_for_whom() -> None:
    assert pressed.read('["mark", "email:a b\\"<c>"]') == Pressed("mark", 'email:a b"<c>')
    assert pressed.read('["accept", "phone:1", "c1"]') == Pressed("accept", "phone:1", "c1")


def test_a_key_in_a_button_is_exactly_what_comes_back() -> None:
    drawn = queue_html._button(queue_html.MARK, "Not a customer", "email:a  \"'<b>&amp;\u202e\t")
    assert 'data-of="email:a  &quot;&#x27;&lt;b&gt;&amp;amp;\u202e\t"' in drawn


def test_addresses_of_pages() -> None:
    assert address.path(address.CUSTOMERS, {}) == "/"
    assert address.path(address.CUSTOMERS, {"q": "a b&c"}) == "/?q=a+b%26c"
    of_place = address.of_place("c1", "m|1", "two words")
    assert address.path(address.TIMELINE, of_place) == "/timeline?customer=c1&at=m%7C1&q=two+words"
    assert address.path(address.FOUND, {"tag": ["x", "\ud800"]}) == "/search?tag=x&tag=%3F"


def test_a_line_that_leads_is_escaped() -> None:
    drawn = list_html.leading("<b>seen</b>", '/timeline?customer="><i>', 'Open "Sam" <i>')
    assert "<i>" not in drawn
    assert drawn.startswith('<div class="row"><b>seen</b><a class="leads" href="')
