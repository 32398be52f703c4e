"""What is replaced in a payload so that the database can hold it, and that nothing else is."""

from __future__ import annotations

import json

import pytest

from webhooks.payloads import DEEPEST, read_payload


@pytest.mark.parametrize("depth", [1, 2, 253, 254, 255, 256, 400])
def test_what_is_repaired_keeps_everything_else_at_any_depth(depth: int) -> None:
    body = b"[" * depth + rb'7, "a\u0000\ud83d", {"b\u0000": null}' + b"]" * depth
    read = read_payload(content_type="application/json", body=body)
    assert (read.error, read.repaired) == (None, True)
    assert read.text is not None
    value = json.loads(read.text)
    for _ in range(depth - 1):
        (value,) = value
    assert value == [7, "a\ufffd\ufffd", {"b\ufffd": None}]


def test_what_is_nested_deeper_is_not_cut_but_kept_as_bytes() -> None:
    for leaf in (b"7", rb'"\u0000"'):
        body = b"[" * (DEEPEST + 1) + leaf + b"]" * (DEEPEST + 1)
        read = read_payload(content_type="application/json", body=body)
        assert (read.text, read.error) == (None, f"the JSON is nested deeper than {DEEPEST} levels")


def test_a_form_is_repaired_by_the_same_rule() -> None:
    read = read_payload(
        content_type="application/x-www-form-urlencoded", body=b"a%00=b%ff&c=%ed%a0%80"
    )
    assert json.loads(read.text or "") == {"a\ufffd": "b\ufffd", "c": "\ufffd\ufffd\ufffd"}
    assert read.repaired
