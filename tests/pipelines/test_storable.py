"""What goes into a table can be stored there."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from warehouse.sanitise import sanitised, version_of

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text("aZ\u00e4\uffee\U0001f6b2\x00\n"), inner)
    ),
)


def test_nul_and_lone_surrogates_are_replaced_in_keys_and_values() -> None:
    assert sanitised({"a\x00": ["\ud83d", "🚲", 1, None, {"b": "\x00"}]}) == {
        "a\ufffd": ["\ufffd", "🚲", 1, None, {"b": "\ufffd"}]
    }


def test_too_deep_json_ends_instead_of_failing() -> None:
    value: object = "bottom"
    for _ in range(5000):
        value = [value]
    assert sanitised(value) is not None


def test_a_version_does_not_depend_on_the_order_of_keys() -> None:
    assert version_of({"a": 1, "b": [2]}) == version_of({"b": [2], "a": 1})
    assert version_of({"a": 1}) != version_of({"a": "1"})


@given(JSON)
def test_a_version_is_that_of_former_releases(value: Any) -> None:
    """It is part of a key: of another one everything would be loaded again."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert version_of(value) == hashlib.sha256(text.encode()).hexdigest()
