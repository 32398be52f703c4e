"""What goes into a table can be stored there."""

from __future__ import annotations

from pipelines.storable import storable, version_of


def test_nul_and_lone_surrogates_are_replaced_in_keys_and_values() -> None:
    assert storable({"a\x00": ["\ud83d", "🚲", 1, None, {"b": "\x00"}]}) == {
        "a\ufffd": ["\ufffd", "🚲", 1, None, {"b": "\ufffd"}]
    }


def test_too_deep_json_ends_instead_of_failing() -> None:
    value: object = "bottom"
    for _ in range(5000):
        value = [value]
    assert storable(value) is not None


def test_a_version_does_not_depend_on_the_order_of_keys() -> None:
    assert version_of({"a": 1, "b": [2]}) == version_of({"b": [2], "a": 1})
    assert version_of({"a": 1}) != version_of({"a": "1"})
