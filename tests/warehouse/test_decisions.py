"""Decisions: the same act means the same, whoever decides; its change and its one event together or neither."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from warehouse import decisions
from warehouse.events import Actor
from warehouse.refusals import Refused
from warehouse.settings import Role, Settings

PERSON = Actor(name="mia", role="agent", session_id="s1", ip="127.0.0.1")
COMMAND = Actor(name="cli:root", role="admin")
JOB = Actor(name="job:import", role="system")
IDENTITY = "phone:+61491570006"


@pytest.fixture
def database(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """As pages and commands are signed in."""
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as connection:
        yield connection


def events(database: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    return database.execute(
        "select action, actor, role, session_id, object_id, customer_ids from crm.events order by at"
    ).fetchall()


@pytest.mark.parametrize("actor", [PERSON, COMMAND, JOB], ids=lambda actor: actor.name)
def test_one_act_has_one_name_and_one_kind_of_id_whoever_decides(
    database: psycopg.Connection[Any], actor: Actor
) -> None:
    customer = decisions.create_customer(database, actor, " Sam \n Example ")
    made = decisions.link(database, actor, "phone:0491 570 006", customer, reason="said so")
    ended = decisions.unlink(database, actor, IDENTITY, reason="was wrong")
    assert events(database) == [
        ("customer.create", actor.name, actor.role, actor.session_id, customer, [customer]),
        ("identity.link", actor.name, actor.role, actor.session_id, IDENTITY, [customer]),
        ("identity.unlink", actor.name, actor.role, actor.session_id, IDENTITY, [customer]),
    ]
    ids = [customer, made.link_id, made.decision_id, ended.decision_id]
    assert all(re.fullmatch("[0-9a-f]{32}", str(each)) for each in ids)
    assert (made.link_id, made.identity) == (ended.link_id, IDENTITY)


def test_the_same_link_again_is_no_decision(database: psycopg.Connection[Any]) -> None:
    customer = decisions.create_customer(database, PERSON, "Sam")
    first = decisions.link(database, PERSON, IDENTITY, customer, reason="r")
    before = events(database)
    again = decisions.link(database, COMMAND, IDENTITY, customer, reason="another")
    assert (again.changed, again.link_id, again.decision_id) == (False, first.link_id, None)
    assert events(database) == before


def test_what_is_anothers_is_refused_with_the_name_of_who_has_it(
    database: psycopg.Connection[Any],
) -> None:
    owner, other = (decisions.create_customer(database, JOB, name) for name in ("Owner", "Other"))
    decisions.link(database, JOB, IDENTITY, owner, reason="r")
    before = events(database)
    with pytest.raises(decisions.Taken, match="belongs to Owner") as taken:
        decisions.link(database, PERSON, IDENTITY, other, reason="r")
    assert taken.value.customer_id == owner
    assert events(database) == before


@pytest.mark.parametrize(
    ("identity", "said"),
    [
        ("phone:12", "phone"),
        ("phone:abc", "phone"),
        ("email:@", "mail address"),
        ("phone:=HYPERLINK(1)", "phone"),
        ("email:" + "x" * 10_000 + "@example.com", "mail address"),
        ("email:nobody", "mail address"),
        ("psid:7", "psid:page:value"),
        ("carrier:pigeon", "unknown scheme"),
        ("Sam", "scheme:value"),
        ("", "scheme:value"),
        ("\0", "scheme:value"),
    ],
)
def test_what_is_no_identity_is_refused(
    database: psycopg.Connection[Any], identity: str, said: str
) -> None:
    customer = decisions.create_customer(database, PERSON, "Sam")
    with pytest.raises(Refused, match=said):
        decisions.link(database, PERSON, identity, customer, reason="r")
    with pytest.raises(Refused, match=said):
        decisions.unlink(database, PERSON, identity, reason="r")
    assert len(events(database)) == 1


def test_the_database_saying_no_to_the_event_undoes_the_change(
    database: psycopg.Connection[Any], admin: psycopg.Connection[Any]
) -> None:
    admin.execute("revoke insert on crm.events from crm_app")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        decisions.create_customer(database, PERSON, "Sam")
    assert admin.execute("select 1 from crm.customers").fetchall() == []


def test_a_decision_within_a_transaction_is_undone_with_it(
    database: psycopg.Connection[Any],
) -> None:
    def both() -> None:
        with database.transaction():
            customer = decisions.create_customer(database, PERSON, "Sam")
            decisions.link(database, PERSON, IDENTITY, customer, reason=" ")

    with pytest.raises(Refused):
        both()
    assert events(database) == []


def test_a_decision_tells_open_pages_in_its_own_transaction(
    database: psycopg.Connection[Any], admin: psycopg.Connection[Any]
) -> None:
    admin.execute("listen crm_changed")
    with database.transaction() as undone:
        decisions.create_customer(database, PERSON, "Never")
        raise psycopg.Rollback(undone)
    customer = decisions.create_customer(database, PERSON, "Sam")
    decisions.link(database, PERSON, IDENTITY, customer, reason="r")
    told = [notice.payload for notice in admin.notifies(timeout=30, stop_after=2)]
    assert len(told) == 2
    assert all(customer in payload for payload in told)
    assert IDENTITY in told[1]
