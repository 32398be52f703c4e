"""What is left of a delivery: the others' bytes in their places, whatever stands around them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.deliveries import CUT_OUT, Entry, NotJson, entries, parse, remainder


def nobody_else(_: Entry) -> bool:
    return False


def page(*items: dict[str, object], **more: object) -> str:
    body = {"object": "page", "entry": [{"id": "1", "messaging": list(items)}], **more}
    return json.dumps(body, indent=1, ensure_ascii=False)


THEIRS = {"sender": {"id": "AB12"}, "message": {"mid": "m1", "text": "hi ☂"}}
OTHERS = {
    "sender": {"id": "b"},
    "message": {"mid": "m2", "text": "I wrote to ab12, and no id is meant"},
}
ABOUT = {"sender": {"id": "b"}, "message": {"mid": "m3", "contacts": [{"wa_id": "ab12"}]}}


def test_entries_are_cut_out_and_the_others_keep_bytes_and_number() -> None:
    text = page(THEIRS, OTHERS, ABOUT)
    left = remainder(text, {"ab12"}, lambda entry: "m3" in entry.texts)
    assert left.text is not None
    # Nothing but this one entry differs.
    place = text.index("{", text.index('"messaging"'))
    end = text.index("}", text.index("☂")) + 1
    end = text.index("}", end) + 1
    assert left.text == text[:place] + CUT_OUT + text[end:]
    assert json.loads(left.text)["entry"][0]["messaging"] == [{"destroyed": True}, OTHERS, ABOUT]
    assert left.gone == {"AB12", "m1", "hi ☂"}


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (json.loads(page(THEIRS)), None),
        # Only who they are is left: of nobody.
        ({"entry": [{"changes": [{"value": {"contacts": [{"wa_id": "x"}], "messages": [{"from": "ab12"}]}}]}]}, None),
        ({"MessageSid": "SM1", "From": "ab12"}, None),
        ({"MessageSid": "SM1", "From": ["ab12", "ab12"], "MediaUrl": ["x", "y"]}, None),
        # What was cut out before is nothing that stays.
        ({"entry": [{"messaging": [{"destroyed": True}, {"from": "ab12"}]}]}, None),
        ([{"data": {"from": "ab12"}}, {"data": {"from": "b"}}], [{"destroyed": True}, {"data": {"from": "b"}}]),
        # A change that is one message, and a thread whose id is theirs beside it.
        (
            {"entry": [{"changes": [{"field": "messages", "value": {"sender": "ab12"}}, {"field": "messages", "value": {"sender": "b"}}]}]},
            {"entry": [{"changes": [{"field": "destroyed", "value": {"destroyed": True}}, {"field": "messages", "value": {"sender": "b"}}]}]},
        ),
        (
            {"history": [{"threads": [{"id": "ab12", "messages": [{"from": "ab12"}]}, {"id": "b", "messages": [{"from": "b"}]}]}]},
            {"history": [{"threads": [{"id": "destroyed", "messages": [{"destroyed": True}]}, {"id": "b", "messages": [{"from": "b"}]}]}]},
        ),
        ({"entry": [{"messaging": [{"from": "b"}]}]}, {"entry": [{"messaging": [{"from": "b"}]}]}),
    ],
)  # fmt: skip
def test_what_is_left_by_shape(body: object, left: object) -> None:
    found = remainder(json.dumps(body), {"ab12"}, nobody_else)
    assert (found.text if found.text is None else json.loads(found.text)) == left


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["entry", "messages", "id", "text", "contacts"]), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(values, st.sampled_from([None, 1]))
def test_places_are_those_of_the_values(value: object, indent: int | None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=indent is None)
    whole = parse(text)
    assert (whole.start, whole.end) == (0, len(text))
    for part in whole.scalars():
        told = json.loads(text[part.start : part.end])
        assert part.scalar == (told if isinstance(told, str) else text[part.start : part.end])
    assert entries(whole)
    # What names nobody stays as it was, to the byte.
    assert remainder(text, {"nobody at all"}, nobody_else).text == text


@pytest.mark.parametrize("text", ["", "{", "[1,", '{"a" 1}', "[1 2]", "nul", "1 2", "[" * 100_000])
def test_what_is_no_json_says_so(text: str) -> None:
    with pytest.raises(NotJson):
        parse(text)
