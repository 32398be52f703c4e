"""Decisions: the change and its event together or neither, and only by those who may."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from app import act, read
from app.access.roles import Forbidden, UserRole
from app.access.sessions import Viewer
from tests.app.conftest import Correspondence
from warehouse.refusals import Refused

IDENTITY = "phone:+61491570006"


def links(correspondence: Correspondence) -> list[tuple[object, ...]]:
    return correspondence.execute(
        "select identity, customer_id, linked_by, reason from crm.identity_links where ended_at is null"
    )


def test_a_customer_is_made_of_an_identity(correspondence: Correspondence, agent: Viewer) -> None:
    customer = act.create_customer(agent, "  Sam \n Example ", identity=IDENTITY, reason="said so")
    assert correspondence.execute("select name, created_by from crm.customers") == [
        ("Sam Example", "agent")
    ]
    assert links(correspondence) == [(IDENTITY, customer, "agent", "said so")]
    (made,), (linked,) = (
        correspondence.events("customer.create"),
        correspondence.events("identity.link"),
    )
    assert made["customer_ids"] == linked["customer_ids"] == [customer]
    assert (linked["object_id"], linked["session_id"], linked["detail"]["reason"]) == (
        IDENTITY,
        "session-agent",
        "said so",
    )


def test_an_identity_is_linked(correspondence: Correspondence, agent: Viewer) -> None:
    customer = correspondence.customer("Sam")
    act.link_identity(agent, IDENTITY, customer, reason="same person")
    assert links(correspondence) == [(IDENTITY, customer, "agent", "same person")]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("", "r"), ("   ", "r"), ("\0", "r"), ("x" * 201, "r"), ("n", ""), ("n", "x" * 1001)],
)
def test_a_name_and_a_reason_are_needed(
    correspondence: Correspondence, agent: Viewer, name: str, reason: str
) -> None:
    with pytest.raises(Refused):
        act.create_customer(agent, name, identity=IDENTITY, reason=reason)
    assert correspondence.execute("select 1 from crm.customers") == []


def test_an_identity_that_is_someones_stays_theirs(
    correspondence: Correspondence, agent: Viewer
) -> None:
    owner = correspondence.customer("Owner", IDENTITY)
    other = correspondence.customer("Other")
    with pytest.raises(Refused, match="to Owner"):
        act.link_identity(agent, IDENTITY, other, reason="r")
    with pytest.raises(Refused):
        act.create_customer(agent, "New", identity=IDENTITY, reason="r")
    assert [link[1] for link in links(correspondence)] == [owner]
    # Neither half a decision nor its event is left behind.
    assert correspondence.execute("select 1 from crm.customers where name = 'New'") == []
    assert correspondence.events("customer.create") == correspondence.events("identity.link") == []


def test_of_two_at_once_one_wins(correspondence: Correspondence, agent: Viewer) -> None:
    customers = [correspondence.customer(f"C{number}") for number in range(6)]
    refused: list[str] = []

    def link(customer: str) -> None:
        try:
            act.link_identity(agent, IDENTITY, customer, reason="r")
        except Refused as refusal:
            refused.append(str(refusal))

    threads = [threading.Thread(target=link, args=[customer]) for customer in customers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 5
    assert len(links(correspondence)) == 1


def test_what_waits_in_the_queue_is_taken_as_it_stands(
    correspondence: Correspondence, agent: Viewer
) -> None:
    """A provider's spelling that no person could type can still be decided on."""
    correspondence.sms("13 11 14#", "hello", datetime(2026, 11, 1, tzinfo=UTC))
    (waiting,) = read.unassigned(agent).rows
    assert waiting["identity"] == "unknown:13 11 14#"
    customer = act.create_customer(agent, "Taxi", identity=waiting["identity"], reason="r")
    assert links(correspondence) == [(waiting["identity"], customer, "agent", "r")]
    with pytest.raises(Refused, match="is unusable"):
        act.link_identity(agent, "13 11 15#", customer, reason="r")


def test_a_link_that_stands_already_is_no_error_and_no_event(
    correspondence: Correspondence, agent: Viewer
) -> None:
    owner = correspondence.customer("Owner", IDENTITY)
    act.link_identity(agent, IDENTITY, owner, reason="r")
    assert correspondence.events("identity.link") == []


def test_no_such_customer(correspondence: Correspondence, agent: Viewer) -> None:
    with pytest.raises(Refused, match="no customer nobody"):
        act.link_identity(agent, IDENTITY, "nobody", reason="r")


@pytest.mark.parametrize("role", [UserRole.VIEWER, UserRole.PRIVACY_OFFICER])
def test_who_may_not_decide_is_refused(
    correspondence: Correspondence, agent: Viewer, role: UserRole
) -> None:
    person = correspondence.signed_in("agent", role.value)
    customer = correspondence.customer("Sam")
    with pytest.raises(Forbidden, match=role.value):
        act.create_customer(person, "New")
    with pytest.raises(Forbidden, match=role.value):
        act.link_identity(person, IDENTITY, customer, reason="r")
    assert links(correspondence) == []


def test_without_its_event_there_is_no_decision(
    correspondence: Correspondence, agent: Viewer
) -> None:
    correspondence.execute("revoke insert on crm.events from crm_app")
    with pytest.raises(Exception, match="permission denied"):
        act.create_customer(agent, "Sam", identity=IDENTITY, reason="r")
    assert correspondence.execute("select 1 from crm.customers") == []
