"""WhatsApp's ids that lead to a linked phone number: in lists, heads and the queue as on the timeline."""

from __future__ import annotations

import pytest

from app import examine, read
from app.access.sessions import Viewer
from tests.app.conftest import Correspondence
from tests.app.meta_events import BUSINESS, CONNECTIONS, THEIR_NUMBER, USER_ID, whatsapp
from tests.long_form import LONG
from transform.build import build
from transform.models import Models

PHONE, BSUID = f"phone:+{THEIR_NUMBER}", f"bsuid:{BUSINESS}:{USER_ID}"


@pytest.fixture
def connection_id(correspondence: Correspondence) -> str:
    return correspondence.connect("whatsapp", **CONNECTIONS["whatsapp"])


def test_who_writes_without_a_number_is_the_one_whose_number_was_seen(
    correspondence: Correspondence, agent: Viewer, models: Models, connection_id: str
) -> None:
    correspondence.land("whatsapp", connection_id, whatsapp("text", {"body": "with my number"}))
    later = whatsapp("text", {"body": "without it"}, message_id="wamid.later", with_number=False)
    correspondence.land("whatsapp", connection_id, later)
    customer = correspondence.customer("Sam", PHONE)
    for is_built_whole in (False, *([True] if LONG else [])):
        if is_built_whole:
            build(correspondence.settings, models)
        opened = read.timeline(agent, customer)
        assert opened is not None
        assert [row["body"] for row in opened.messages] == ["with my number", "without it"]
        assert opened.customer["identities"] == [BSUID, PHONE]
        assert (opened.customer["message_count"], opened.customer["channels"]) == (2, ["whatsapp"])
        (found,) = read.customers(agent, USER_ID).rows
        assert (found["name"], found["message_count"]) == ("Sam", 2)
        assert [row["name"] for row in read.customers(agent, "").rows] == ["Sam"]
        waiting = read.unassigned(agent)
        assert (waiting.rows, waiting.matched) == ([], 0)
        examined = examine.message(agent, "whatsapp|wamid.later")
        assert examined is not None
        assert [each["name"] for each in examined.customers] == ["Sam"]


def test_an_own_link_counts_more_than_what_was_told(
    correspondence: Correspondence, agent: Viewer, connection_id: str
) -> None:
    correspondence.land("whatsapp", connection_id, whatsapp("text", {"body": "one"}))
    correspondence.land(
        "whatsapp", connection_id, whatsapp("text", {"body": "two"}, with_number=False)
    )
    by_number, by_id = correspondence.customer("Sam", PHONE), correspondence.customer("Kim", BSUID)
    bodies = {}
    for customer in (by_number, by_id):
        opened = read.timeline(agent, customer)
        assert opened is not None
        bodies[customer] = [row["body"] for row in opened.messages]
        assert len(opened.customer["identities"]) == 1
    assert bodies == {by_number: ["one"], by_id: ["two"]}


def test_a_stranger_by_id_waits(
    correspondence: Correspondence, agent: Viewer, models: Models, connection_id: str
) -> None:
    payload = whatsapp("text", {"body": "who am I"}, with_number=False)
    correspondence.land("whatsapp", connection_id, payload)
    for is_built_whole in (False, *([True] if LONG else [])):
        if is_built_whole:
            build(correspondence.settings, models)
        (row,) = read.unassigned(agent).rows
        assert (row["identity"], row["display_name"], row["kind"]) == (BSUID, "Sam Example", "text")


def test_what_was_unsent_is_not_read_in_the_queue(
    correspondence: Correspondence, agent: Viewer, models: Models, connection_id: str
) -> None:
    payload = whatsapp("text", {"body": "a secret"}, message_id="wamid.1")
    correspondence.land("whatsapp", connection_id, payload)
    edit = {
        "original_message_id": "wamid.1",
        "message": {"type": "text", "text": {"body": "edited"}},
    }
    for kind, content, words in (
        ("edit", edit, "edited"),
        ("revoke", {"original_message_id": "wamid.1"}, None),
    ):
        correspondence.land("whatsapp", connection_id, whatsapp(kind, content))
        (row,) = read.unassigned(agent).rows
        assert row["body"] == words
        if LONG:
            build(correspondence.settings, models)
            (row,) = read.unassigned(agent).rows
            assert row["body"] == words


def test_a_chain_of_ids_ends_in_one_whichever_was_told_first(
    correspondence: Correspondence, models: Models, connection_id: str
) -> None:
    first, second, third = "AU.1", "AU.2", "AU.3"
    payloads = [whatsapp("text", {"body": "x"}, user_id=first)]
    for old, new in ((first, second), (second, third)):
        change = {
            "type": "user_changed_user_id", "body": "changed", "user_id": new, "previous_user_id": old,
        }  # fmt: skip
        payloads.append(whatsapp("system", change, user_id=old, with_number=False))
    # The last first: an end that was told already moves on with what leads to it.
    for payload in reversed(payloads):
        correspondence.land("whatsapp", connection_id, payload)
    told = "select identity, same_as from canonical.aliases order by 1"
    ids = [f"bsuid:{BUSINESS}:{each}" for each in (first, second, third)]
    assert correspondence.execute(told) == [(each, PHONE) for each in ids]
    customer = correspondence.customer("Sam", PHONE)
    found = correspondence.execute(
        "select identity, customer_id from canonical.customer_identities order by 1"
    )
    assert found == [(each, customer) for each in (*ids, PHONE)]
    if LONG:
        build(correspondence.settings, models)
    assert correspondence.execute(told) == [(each, PHONE) for each in ids]
