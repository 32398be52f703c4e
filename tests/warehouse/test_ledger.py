"""The ledger: whatever was decided is taken back exactly, and made again; what stands in the way is named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from warehouse import customer_import, decisions
from warehouse.customer_file import Line
from warehouse.decisions import ledger, lists
from warehouse.events import Actor
from warehouse.migrate import MIGRATIONS
from warehouse.refusals import Refused
from warehouse.settings import Role, Settings

MIA = Actor(name="mia", role="agent", session_id="s1", ip="127.0.0.1")
NOAH = Actor(name="noah", role="agent", session_id="s2")
IDENTITY = "phone:+61491570006"

#: What a list changes for those who look: who is there, and by which identities.
OPEN = (
    "select customer_id, identity from crm.customers"
    " left join crm.identity_links as links using (customer_id)"
    " where archived_at is null and ended_at is null order by 1, 2"
)

Database = psycopg.Connection[Any]


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """As pages and commands are signed in."""
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as connection:
        yield connection


def owner(database: Database) -> str | None:
    known = decisions.owners(database, [IDENTITY]).get(IDENTITY)
    return known.customer_id if known else None


def in_force(database: Database) -> list[str]:
    rows = database.execute(
        "select action from crm.decisions where undone_at is null order by at"
    ).fetchall()
    return [action for (action,) in rows]


def test_a_link_is_undone_and_made_again_as_often_as_one_likes(database: Database) -> None:
    customer = decisions.create_customer(database, MIA, "Sam")
    decision_id = decisions.link(database, MIA, IDENTITY, customer, reason="told us").decision_id
    assert decision_id
    undone = decisions.undo(database, NOAH, decision_id, "wrong person")
    assert (undone.action, undone.customer_ids, owner(database)) == (
        "identity.link", [customer], None,
    )  # fmt: skip
    assert in_force(database) == ["customer.create", "decision.undo"]
    with pytest.raises(Refused, match="undone already: noah did"):
        decisions.undo(database, MIA, decision_id, "again")

    again = decisions.undo(database, MIA, undone.decision_id, "it was right")
    assert owner(database) == customer
    assert in_force(database) == ["customer.create", "identity.link", "decision.undo"]
    last = decisions.undo(database, NOAH, again.decision_id, "no, really")
    assert owner(database) is None
    assert in_force(database) == ["customer.create", "decision.undo", "decision.undo"]
    # Undone by the first undo again, which stands.
    assert database.execute(
        "select undo_decision_id, undone_by from crm.decisions where decision_id = %s",
        [decision_id],
    ).fetchone() == (undone.decision_id, "noah")
    decisions.undo(database, NOAH, last.decision_id, "yes")
    assert owner(database) == customer
    # And the first decision can be undone as if nothing had been.
    decisions.undo(database, NOAH, decision_id, "no")
    assert owner(database) is None

    told = database.execute(
        "select actor, object_id, customer_ids, detail ->> 'reason' from crm.events"
        " where action = 'decision.undo' order by at limit 2"
    ).fetchall()
    assert told == [
        ("noah", decision_id, [customer], "wrong person"),
        ("mia", undone.decision_id, [customer], "it was right"),
    ]


def test_what_was_decided_later_is_named_and_stands_in_the_way(database: Database) -> None:
    sam, kim = (decisions.create_customer(database, MIA, name) for name in ("Sam", "Kim"))
    first = decisions.link(database, MIA, IDENTITY, sam, reason="r").decision_id
    second = decisions.unlink(database, NOAH, IDENTITY, reason="r").decision_id
    third = decisions.link(database, NOAH, IDENTITY, kim, reason="r").decision_id
    assert first and second and third
    for asked in (first, second):
        with pytest.raises(decisions.InTheWay, match="noah decided on the same") as refused:
            decisions.undo(database, MIA, asked, "r")
        assert refused.value.decision_id == third
    undo_of_third = decisions.undo(database, MIA, third, "r")
    undo_of_second = decisions.undo(database, MIA, second, "r")
    assert owner(database) == sam
    # Only what it undid is out of the way; the undo of something older is not.
    with pytest.raises(decisions.InTheWay, match="undo decision"):
        decisions.undo(database, MIA, undo_of_third.decision_id, "r")
    undo_of_first = decisions.undo(database, MIA, first, "r")
    assert owner(database) is None
    for undone in (undo_of_first, undo_of_second, undo_of_third):
        decisions.undo(database, NOAH, undone.decision_id, "r")
    assert owner(database) == kim


def test_a_reason_is_asked_for_where_an_undo_puts_two_people_together(database: Database) -> None:
    sam, kim = (decisions.create_customer(database, MIA, name) for name in ("Sam", "Kim"))
    linked = decisions.link(database, MIA, IDENTITY, sam, reason="r").decision_id
    assert linked
    # Whose it is is said no more, and again: nobody else has it.
    unlinked = decisions.undo(database, MIA, linked)
    decisions.undo(database, MIA, unlinked.decision_id)
    assert owner(database) == sam

    moved = decisions.move(database, MIA, IDENTITY, kim, reason="r").decision_id
    assert moved
    with pytest.raises(Refused, match="two customers together: say why"):
        decisions.undo(database, MIA, moved)
    assert owner(database) == kim
    decisions.undo(database, MIA, moved, "was Sam's")
    assert owner(database) == sam

    merged = decisions.merge(database, MIA, sam, kim, reason="r").decision_id
    apart = decisions.undo(database, MIA, merged).decision_id
    assert owner(database) == sam
    with pytest.raises(Refused, match="two customers together: say why"):
        decisions.undo(database, MIA, apart, "  ")
    assert owner(database) == sam

    decisions.link(database, MIA, "email:sam@example.com", sam, reason="r")
    split = decisions.split(database, MIA, sam, [IDENTITY], "Jo", reason="r")
    with pytest.raises(Refused, match="two customers together: say why"):
        decisions.undo(database, MIA, split.decision_id)
    assert owner(database) == split.customer_id
    # Why is kept where it is said, and nothing is said where it is not.
    reasons = (
        "select detail ->> 'reason' from crm.events where action = 'decision.undo' order by at"
    )
    assert [row[0] for row in database.execute(reasons)] == [None, None, "was Sam's", None]


def test_a_customer_made_by_mistake_leaves_the_lists_and_comes_back(database: Database) -> None:
    decision_id = decisions.new_decision_id()
    customer = decisions.create_customer(database, MIA, "Sam", decision_id=decision_id)
    linked = decisions.link(database, MIA, IDENTITY, customer, reason="r")
    assert linked.decision_id
    with pytest.raises(Refused, match="has identities by now"):
        decisions.undo(database, MIA, decision_id, "r")
    decisions.undo(database, MIA, linked.decision_id, "r")
    undone = decisions.undo(database, MIA, decision_id, "r")
    with pytest.raises(Refused, match="no customer"):
        decisions.link(database, MIA, IDENTITY, customer, reason="r")
    decisions.undo(database, MIA, undone.decision_id, "r")
    assert decisions.link(database, MIA, IDENTITY, customer, reason="r").changed


def test_a_whole_list_is_undone_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "CHANGES_OF_ONE_DECISION", 5)
    people = {"Sam": "0491570006", "Mai": "0491570156", "Jo": "0491570157"}
    lines = [
        Line(number=number, cells={"name": name, "phone": phone})
        for number, (name, phone) in enumerate(people.items(), 2)
    ]
    imported = customer_import.carry_out(database, MIA, lines, source="list.csv")
    decision_id, second = imported.decision_ids
    undone = decisions.undo(database, MIA, decision_id, "the wrong file")
    assert len(undone.customer_ids) == 2
    left = "select count(*) filter (where ended_at is null), count(*) from crm.identity_links"
    assert database.execute(left).fetchone() == (1, 3)
    assert database.execute("select name from crm.customers where archived_at is null").fetchall() == [("Jo",)]  # fmt: skip
    decisions.undo(database, MIA, undone.decision_id, "the right one after all")
    assert database.execute(left).fetchone() == (3, 5)
    assert decisions.undo(database, MIA, second, "r").action == "customer.create"


def test_to_undo_a_list_reads_its_changes_a_few_times_and_not_each_with_each_other(
    database: Database, settings: Settings
) -> None:
    """Of a list that came a moment ago the planner knows nothing: an undo of 20,000 changes took more than five minutes."""
    people = 1_500
    lines = [
        Line(number=number, cells={"name": f"Person {number}", "email": f"p{number}@example.com"})
        for number in range(2, people + 2)
    ]
    (decision_id,) = customer_import.carry_out(database, MIA, lines, source="l.csv").decision_ids
    with psycopg.connect(settings.admin_url, autocommit=True) as owner:
        before = _read(database, owner)
        undone = decisions.undo(database, MIA, decision_id, "the wrong file")
        decisions.undo(database, MIA, undone.decision_id, "the right one after all")
        read = _read(database, owner) - before
    assert read < 2 * people * 100


def _read(database: Database, owner: Database) -> int:
    """How many changes were read so far."""
    for each in (database, owner):
        each.execute("select pg_stat_force_next_flush()")
    ((rows,),) = owner.execute(
        "select seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_user_tables"
        " where relid = 'crm.decision_changes'::regclass"
    ).fetchall()
    return int(rows)


def test_a_list_that_links_much_to_those_who_are_there_is_several_decisions_too(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an import changes is cut by changes, whoever they are of: none is too long to be undone."""
    monkeypatch.setattr(lists, "CHANGES_OF_ONE_DECISION", 4)
    monkeypatch.setattr(ledger, "MOST_CHANGES", 4)
    sam, kim = (decisions.create_customer(database, MIA, name) for name in ("Sam", "Kim"))
    for identity, customer in (("email:sam@example.com", sam), ("email:kim@example.com", kim)):
        decisions.link(database, MIA, identity, customer, reason="r")
    before = database.execute(OPEN).fetchall()
    others = [";".join(f"{name}{number}@example.com" for number in range(6)) for name in "skj"]
    lines = [
        Line(number=2, cells={"name": "Sam", "email": f"sam@example.com;{others[0]}"}),
        Line(number=3, cells={"name": "Kim", "email": f"kim@example.com;{others[1]}"}),
        Line(number=4, cells={"name": "Jo", "email": others[2]}),
    ]
    imported = customer_import.carry_out(database, MIA, lines, source="list.csv")
    # Jo with the first three and the others, then Sam's and Kim's.
    assert database.execute(
        "select decided.action, count(*) from crm.decisions as decided"
        " inner join crm.decision_changes as changes using (decision_id)"
        " where decision_id = any(%s) group by decision_id, decided.action order by min(change_no)",
        [imported.decision_ids],
    ).fetchall() == [("customer.create", 4), ("identity.link", 3), ("identity.link", 4), ("identity.link", 2),
        ("identity.link", 4), ("identity.link", 2)]  # fmt: skip
    for decision_id in reversed(imported.decision_ids):
        decisions.undo(database, MIA, decision_id)
    assert database.execute(OPEN).fetchall() == before


def test_what_cannot_be_undone_says_so_and_changes_nothing(database: Database) -> None:
    customer = decisions.create_customer(database, MIA, "Sam")
    made = decisions.link(database, MIA, IDENTITY, customer, reason="r")
    before = database.execute("select count(*) from crm.events").fetchone()
    for asked in ("", "\0", "nothing", "'; --", "x" * 10_000):
        with pytest.raises(Refused, match="no decision"):
            decisions.undo(database, MIA, asked, "r")
    with pytest.raises(Refused, match="reason is longer"):
        decisions.undo(database, MIA, str(made.decision_id), "x" * 1_001)
    assert database.execute("select count(*) from crm.events").fetchone() == before
    assert owner(database) == customer


def test_an_end_from_before_the_ledger_is_undone_with_its_evidence(
    database: Database, admin: Database
) -> None:
    customer = decisions.create_customer(database, MIA, "Sam")
    decisions.link(database, MIA, IDENTITY, customer, reason="r", evidence={"seen": "a signature"})
    ended = decisions.unlink(database, MIA, IDENTITY, reason="r")
    # As 0085 entered it.
    admin.execute(
        "update crm.decision_changes set data = data - 'evidence' where action = 'identity.unlink'"
    )
    mended = (MIGRATIONS / "0121-unlink-evidence.sql").read_text()
    for _ in range(2):
        admin.execute(mended.encode())
    decisions.undo(database, NOAH, str(ended.decision_id), "r")
    assert database.execute(
        "select evidence from crm.identity_links where ended_at is null"
    ).fetchall() == [({"seen": "a signature"},)]


def test_a_list_of_a_former_version_that_is_too_long_becomes_several_decisions(
    database: Database, admin: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "MOST_CHANGES", 6)
    before = database.execute(OPEN).fetchall()
    decisions.not_a_customer(database, MIA, IDENTITY, reason="spam")
    lines = [
        Line(number=number, cells={"name": f"N{number}", "phone": f"0491570{number:03}"})
        for number in (6, 156, 157, 158, 159)
    ]
    (made,) = customer_import.carry_out(database, MIA, lines, source="old.csv").decision_ids
    with pytest.raises(Refused, match="too many to undo at once"):
        decisions.undo(database, MIA, made)
    mended = (MIGRATIONS / "0156-long-imports.sql").read_text()
    for large, small in (("50000", "6"), ("20000", "4")):
        assert large in mended
        mended = mended.replace(large, small)
    # Twice is the same as once.
    for _ in range(2):
        with admin.transaction():
            admin.execute(mended.encode())
    parts = database.execute(
        "select decision_id, count(*), count(distinct customer_ids), decided.reason, decided.actor"
        " from crm.decisions as decided join crm.decision_changes using (decision_id)"
        " where reason = 'imported from old.csv' group by decided.decision_id order by min(change_no)"
    ).fetchall()
    # The end of the mark stands with the first customer, and each customer's own changes together.
    assert [part[1:] for part in parts] == [
        (5, 3, "imported from old.csv", "mia"), (4, 2, "imported from old.csv", "mia"),
        (2, 1, "imported from old.csv", "mia"),
    ]  # fmt: skip
    assert parts[0][0] == made
    assert database.execute(
        "select from crm.identity_links as links where not exists (select from crm.decision_changes as changes"
        " where changes.decision_id = links.decision_id and changes.object_id = links.identity)"
    ).fetchall() == []  # fmt: skip
    for part in reversed(parts):
        decisions.undo(database, NOAH, part[0])
    assert database.execute(OPEN).fetchall() == before
    assert database.execute(
        "select identity from crm.not_customers where ended_at is null"
    ).fetchall() == [(IDENTITY,)]
