"""Links, moves, merges and splits by several people at once: every undo restores exactly, and the ledger tells the state."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.dbt_project.raw_rows import add_connections, inbound, mail
from warehouse import decisions
from warehouse.events import Actor
from warehouse.refusals import Refused
from warehouse.settings import Role, Settings

Database = psycopg.Connection[Any]
MIA = Actor(name="mia", role="agent")
NOAH = Actor(name="noah", role="agent")
PHONE, MAIL, OTHER = "phone:+61491570006", "email:sam@example.org", "email:kim@example.net"
IDENTITIES = [PHONE, MAIL, OTHER, "phone:+61491570156", "psid:111:222", "psid:333:222"]


def fill(admin: Database, fold_now: Callable[[], int]) -> None:
    add_connections(admin)
    for number in range(6):
        inbound(number, at=number).insert(admin)
        mail(number, sent=number, cc=("kim@example.net",)).insert(admin)
    fold_now()


def everything(database: Database) -> dict[str, list[Any]]:
    """What people see, and whose everything is: the same again after every undo."""
    asked = {
        "links": "select identity, customer_id from crm.identity_links where ended_at is null order by 1",
        "customers": "select customer_id, name, archived_at is null, merged_into from crm.customers where archived_at is null order by 1",
        "marks": "select identity from crm.not_customers where ended_at is null order by 1",
        "timeline": "select md5(string_agg(row_to_json(t)::text, '' order by customer_id, identity, message_id)), count(*) from marts.timeline as t",
        "conversations": "select md5(string_agg(row_to_json(t)::text, '' order by conversation_id)), count(*) from marts.conversations as t",
        "counts": "select customer_id, identities, message_count from marts.customers order by 1",
    }
    return {what: database.execute(query).fetchall() for what, query in asked.items()}  # type: ignore[arg-type]


def replayed(database: Database) -> dict[str, str]:
    """Whose each identity is, told by the ledger alone."""
    owners: dict[str, str] = {}
    for action, identity, data in database.execute(
        "select action, object_id, data from crm.decision_changes where object_type = 'identity' order by change_no"
    ).fetchall():
        if action == "identity.link":
            assert identity not in owners
            owners[identity] = data["customer_id"]
        elif action == "identity.unlink":
            assert owners.pop(identity) == data["customer_id"]
    return owners


def decide(
    database: Database, rng: random.Random, actor: Actor, customers: list[str]
) -> str | None:
    """One random decision; its id, or None where it was refused or changed nothing."""
    identity, one, two = rng.choice(IDENTITIES), rng.choice(customers), rng.choice(customers)
    kind = rng.choice(
        ["link", "link", "unlink", "move", "merge", "split", "mark", "rename", "undo"]
    )
    if kind == "link":
        return decisions.link(database, actor, identity, one, reason="r").decision_id
    if kind == "unlink":
        return decisions.unlink(database, actor, identity, reason="r").decision_id
    if kind == "move":
        return decisions.move(database, actor, identity, one, reason="r").decision_id
    if kind == "merge":
        return decisions.merge(database, actor, one, two, reason="r").decision_id
    if kind == "split":
        made = decisions.split(
            database, actor, one, [identity], f"Split {rng.random()}", reason="r"
        )
        customers.append(made.customer_id)
        return made.decision_id
    if kind == "mark":
        return decisions.not_a_customer(database, actor, identity, reason="spam")
    if kind == "rename":
        return decisions.rename_customer(database, actor, one, f"Name {rng.random()}")
    rows = database.execute(
        "select decision_id from crm.decisions where undone_at is null and action <> 'customer.create' order by random() limit 1"
    ).fetchall()
    return decisions.undo(database, actor, rows[0][0], "r").decision_id if rows else None


def in_force(database: Database) -> list[str]:
    """Decisions in force, the latest first."""
    rows = database.execute(
        "select decision_id from crm.decisions join crm.decision_changes using (decision_id)"
        " where undone_at is null group by decision_id order by max(change_no) desc"
    ).fetchall()
    return [decision_id for (decision_id,) in rows]


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_several_people_decide_at_once_is_undone_exactly(
    seed: int, settings: Settings, admin: Database, fold_now: Callable[[], int]
) -> None:
    fill(admin, fold_now)
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as database:
        customers = [decisions.create_customer(database, MIA, f"C{each}") for each in range(4)]
        for identity, customer in zip(IDENTITIES[:2], customers, strict=False):
            decisions.link(database, MIA, identity, customer, reason="r")
        made = set(in_force(database))
        before = everything(database)
        # Who counts rows of messages written sees none.
        written = "select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_user_tables where schemaname = 'canonical'"
        admin.execute("select pg_stat_force_next_flush()")
        counted = admin.execute(written).fetchone()

        # One after the other: each undo gives what stood before its decision.
        rng, stood = random.Random(seed), []
        while len(stood) < 12:
            state = everything(database)
            try:
                decision_id = decide(database, rng, MIA, customers)
            except Refused:
                continue
            if decision_id:
                stood.append((decision_id, state))
        for decision_id, state in reversed(stood):
            decisions.undo(database, NOAH, decision_id, "back")
            assert everything(database) == state

        # Four at once, each with a connection of their own.
        unexpected: list[BaseException] = []

        def work(number: int) -> None:
            mine = random.Random(seed * 100 + number)
            with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as own:
                for _ in range(15):
                    try:
                        decide(own, mine, Actor(name=f"p{number}", role="agent"), customers)
                    except Refused:
                        pass
                    except psycopg.errors.DeadlockDetected as error:
                        unexpected.append(error)

        people = [threading.Thread(target=work, args=[number]) for number in range(4)]
        for person in people:
            person.start()
        for person in people:
            person.join()
        assert unexpected == []
        assert dict(everything(database)["links"]) == replayed(database)
        gone = database.execute(
            "select from crm.identity_links join crm.customers using (customer_id)"
            " where ended_at is null and archived_at is not null"
        ).fetchall()
        assert gone == [], "an identity of an archived customer is seen by nobody"
        # All of it back, the latest first. What an undo makes stand again is undone in its turn; the undoing is not.
        undoing: set[str] = set()
        while later := [each for each in in_force(database) if each not in made | undoing]:
            undoing.add(decisions.undo(database, NOAH, later[0], "back").decision_id)
        assert everything(database) == before
        admin.execute("select pg_stat_force_next_flush()")
        assert admin.execute(written).fetchone() == counted


def test_two_customers_are_one_and_two_again(
    settings: Settings, admin: Database, fold_now: Callable[[], int]
) -> None:
    fill(admin, fold_now)
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as database:
        sam, kim = (decisions.create_customer(database, MIA, name) for name in ("Sam", "Kim"))
        decisions.link(database, MIA, PHONE, sam, reason="r", evidence={"seen": "there"})
        decisions.link(database, MIA, OTHER, kim, reason="r")
        before = everything(database)
        assert {each: size.messages for each, size in decisions.sizes(database, [sam, kim]).items()} == {sam: 6, kim: 6}  # fmt: skip
        for wrong, said in (
            (sam, "into itself"),
            ("nobody", "no customer nobody"),
            ("\0", "no customer"),
        ):
            with pytest.raises(Refused, match=said):
                decisions.merge(database, MIA, sam, wrong, reason="r")
        with pytest.raises(Refused, match="reason is empty"):
            decisions.merge(database, MIA, sam, kim, reason=" ")
        made = decisions.merge(database, MIA, sam, kim, reason="the same person")
        assert made.identities == [PHONE]
        assert decisions.sizes(database, [kim])[kim].messages == 12
        for late in (
            lambda: decisions.link(database, MIA, MAIL, sam, reason="r"),
            lambda: decisions.merge(database, MIA, sam, kim, reason="r"),
            lambda: decisions.rename_customer(database, MIA, sam, "Samuel"),
        ):
            with pytest.raises(Refused, match=r"no customer|merged into"):
                late()
        # What came to the other one meanwhile stays there.
        decisions.link(database, MIA, MAIL, kim, reason="r")
        undone = decisions.undo(database, NOAH, made.decision_id, "two people after all")
        decisions.unlink(database, MIA, MAIL, reason="r")
        assert everything(database) == before
        assert database.execute(
            "select evidence ->> 'seen' from crm.identity_links where identity = %s and ended_at is null", [PHONE]
        ).fetchone() == ("there",)  # fmt: skip
        again = decisions.undo(database, NOAH, undone.decision_id, "one after all")
        assert decisions.sizes(database, [kim])[kim].messages == 12
        again = decisions.undo(database, NOAH, again.decision_id, "two")
        assert everything(database) == before

        with pytest.raises(Refused, match="all identities would go"):
            decisions.split(database, MIA, kim, [OTHER], "Other", reason="r")
        moved = decisions.move(database, MIA, PHONE, kim, reason="typed wrong")
        with pytest.raises(decisions.InTheWay):
            decisions.undo(database, MIA, again.decision_id, "r")
        decisions.undo(database, MIA, str(moved.decision_id), "r")
        assert everything(database) == before
        told = database.execute(
            "select action, customer_ids from crm.events where action = 'customer.merge'"
        ).fetchall()
        assert told == [("customer.merge", [sam, kim])]


def test_who_is_no_customer_and_who_is_not_suggested_again(settings: Settings) -> None:
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as database:
        sam = decisions.create_customer(database, MIA, "Sam")
        marked = decisions.not_a_customer(database, MIA, MAIL, reason="no-reply sender")
        assert marked
        assert decisions.not_a_customer(database, MIA, MAIL, reason="again") is None
        decisions.undo(database, MIA, marked, "is one")
        decisions.link(database, MIA, MAIL, sam, reason="r")
        with pytest.raises(decisions.Taken):
            decisions.not_a_customer(database, MIA, MAIL, reason="r")
        no = decisions.dismiss(database, MIA, PHONE, sam)
        assert no
        assert decisions.dismiss(database, MIA, PHONE, sam) is None
        open_ones = "select count(*) from crm.dismissed_suggestions where ended_at is null"
        decisions.undo(database, MIA, no, "r")
        assert database.execute(open_ones).fetchone() == (0,)
