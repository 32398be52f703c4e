"""Links, moves, merges and splits by several people at once: every undo restores exactly, and the ledger tells the state.

In the long form (`CRM_TEST_LONG=1`) with more people, more decisions and more sequences of them.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.dbt_project.raw_rows import add_connections, inbound, mail
from tests.long_form import LONG
from warehouse import decisions, search
from warehouse.events import Actor
from warehouse.queries import queries
from warehouse.refusals import Refused
from warehouse.search_query import parse
from warehouse.settings import Role, Settings

#: Sequences; how many decide at once, and how often each; how many decide one after the other before.
SEQUENCES, PEOPLE, TURNS, ALONE = (12, 6, 40, 20) if LONG else (2, 4, 15, 12)
#: Of several who take back the latest one is quicker; nobody is so often in vain unless it cannot be taken back.
MOST_REFUSED = 200
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
    for number in range(6, 9):
        inbound(number, at=number, From="+61491570156").insert(admin)
    fold_now()


def read_of(database: Database, customer_id: str) -> bytes:
    """All that pages show of a customer's correspondence, read as they read it."""
    timeline, work = queries("timeline")["timeline_page"], queries("work")
    with database.cursor(row_factory=dict_row) as cursor, database.transaction():
        shown: list[Any] = []
        before = "~"
        while True:
            asked = {"customer_id": customer_id, "from_key": "", "before_key": before, "most": 4}
            page = cursor.execute(timeline, asked).fetchall()
            shown += page
            if len(page) < 4:
                break
            before = page[-1]["sort_key"]
        asked = {"customer_id": customer_id, "page_size": 50}
        shown += cursor.execute(work["conversations_of_customer"], asked).fetchall()
        shown += cursor.execute(
            work["notes"], {**asked, "places": [], "customer_ids": [customer_id]}
        ).fetchall()
    shown.append(decisions.sizes(database, [customer_id]))
    for typed in ("hello", "ready", "from:sam", "-hello channel:gmail"):
        with database.transaction():
            found = search.find(database, parse(typed, ZoneInfo("UTC")), customer_id=customer_id)
        shown += [typed, found.count, found.rows]
    return json.dumps(shown, default=str).encode()


def everything(database: Database, customers: Sequence[str] = ()) -> dict[str, Any]:
    """What people see, and whose everything is: the same again after every undo."""
    asked = {
        "links": "select identity, customer_id from crm.identity_links where ended_at is null order by 1",
        "customers": "select customer_id, name, archived_at is null, merged_into from crm.customers where archived_at is null order by 1",
        "marks": "select identity from crm.not_customers where ended_at is null order by 1",
        "dismissed": "select identity, customer_id from crm.dismissed_suggestions where ended_at is null order by 1, 2",
        "timeline": "select md5(string_agg(row_to_json(t)::text, '' order by customer_id, identity, message_id)), count(*) from marts.timeline as t",
        "conversations": "select md5(string_agg(row_to_json(t)::text, '' order by conversation_id)), count(*) from marts.conversations as t",
        "counts": "select customer_id, identities, message_count from marts.customers order by 1",
    }
    seen = {customer_id: read_of(database, customer_id) for customer_id in customers}
    return {
        **{what: database.execute(query).fetchall() for what, query in asked.items()},  # type: ignore[arg-type]
        "seen": seen,
    }


def versions(admin: Database) -> dict[str, list[Any]]:
    """Which version of each row of correspondence stands, and where."""
    tables = (
        "messages",
        "message_participants",
        "conversations",
        "threads",
        "identities",
        "search_documents",
    )
    query = "select count(*), md5(string_agg(xmin::text || ctid::text, ' ' order by ctid)) from canonical.{}"
    return {each: admin.execute(query.format(each).encode()).fetchall() for each in tables}


#: Where the ledger was read from the beginning: whose each identity is, and what else is decided of who somebody is.
State = dict[str, Any]


def replayed(database: Database) -> State:
    """What stands now, told by the ledger alone; each change is one of what stood before it."""
    owners: dict[str, str] = {}
    marked: set[str] = set()
    dismissed: set[tuple[str, str]] = set()
    #: Of each customer: in the lists or where they went, and what they were called last.
    customers: dict[str, str | None] = {}
    names: dict[str, str] = {}
    rows = database.execute(
        "select action, object_id, data from crm.decision_changes order by change_no"
    )
    for action, it, data in rows.fetchall():
        match action:
            case "identity.link":
                assert it not in owners
                assert it not in marked
                owners[it] = data["customer_id"]
            case "identity.unlink":
                assert owners.pop(it) == data["customer_id"]
            case "identity.mark":
                assert it not in owners
                assert it not in marked
                marked.add(it)
            case "identity.unmark":
                marked.remove(it)
            case "suggestion.dismiss":
                assert (it, data["customer_id"]) not in dismissed
                dismissed.add((it, data["customer_id"]))
            case "suggestion.restore":
                dismissed.remove((it, data["customer_id"]))
            case "customer.create" | "customer.restore" | "customer.unmerge":
                assert customers.get(it, "gone") is not None
                customers[it] = None
            case "customer.archive" | "customer.merge":
                assert customers[it] is None
                customers[it] = data.get("into", "archived")
            case "customer.rename":
                assert names.get(it, data["before"]) == data["before"]
                names[it] = data["after"]
            case "conversation.tag" | "conversation.assign" | "note.add" | "tag.create":
                pass
            case _:
                raise AssertionError(action)
    assert not [it for it in owners.values() if customers[it] is not None]
    return {
        "links": owners,
        "marks": marked,
        "dismissed": dismissed,
        "customers": customers,
        "names": names,
    }


def standing(database: Database) -> State:
    """The same, as the tables have it."""
    now = everything(database)
    rows = database.execute(
        "select customer_id, name, case when archived_at is not null then coalesce(merged_into, 'archived') end"
        " from crm.customers"
    ).fetchall()
    renamed = database.execute(
        "select distinct object_id from crm.decision_changes where action = 'customer.rename'"
    ).fetchall()
    names = {customer_id: name for customer_id, name, _ in rows}
    return {
        "links": dict(now["links"]),
        "marks": {identity for (identity,) in now["marks"]},
        "dismissed": set(now["dismissed"]),
        "customers": {customer_id: gone for customer_id, _, gone in rows},
        "names": {customer_id: names[customer_id] for (customer_id,) in renamed},
    }


def decide(
    database: Database, rng: random.Random, actor: Actor, customers: list[str]
) -> str | None:
    """One random decision; its id, or None where it was refused or changed nothing."""
    identity, one, two = rng.choice(IDENTITIES), rng.choice(customers), rng.choice(customers)
    kinds = "link link unlink move merge split mark rename dismiss archive undo undo"
    kind = rng.choice(kinds.split())
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
    if kind == "dismiss":
        return decisions.dismiss(database, actor, identity, one)
    if kind == "archive":
        return decisions.archive_customer(database, actor, one, reason="r")
    rows = database.execute(
        "select decision_id from crm.decisions where undone_at is null"
        " and action ~ '^(identity|suggestion|decision|customer[.](rename|archive|merge|split))'"
        " order by random() limit 1"
    ).fetchall()
    return decisions.undo(database, actor, rows[0][0], "r").decision_id if rows else None


def in_force(database: Database) -> list[str]:
    """Decisions in force, the latest first, but for what those did who take back (`u0`, `u1` …)."""
    rows = database.execute(
        "select decision_id from crm.decisions join crm.decision_changes using (decision_id)"
        " where undone_at is null and actor !~ '^u[0-9]' group by decision_id order by max(change_no) desc"
    ).fetchall()
    return [decision_id for (decision_id,) in rows]


@pytest.mark.parametrize("seed", range(1, SEQUENCES + 1))
def test_whatever_several_people_decide_at_once_is_undone_exactly(
    seed: int, settings: Settings, admin: Database, fold_now: Callable[[], int]
) -> None:
    fill(admin, fold_now)
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as database:
        customers = [decisions.create_customer(database, MIA, f"C{each}") for each in range(4)]
        for identity, customer in zip(IDENTITIES[:2], customers, strict=False):
            decisions.link(database, MIA, identity, customer, reason="r")
        # What hangs on conversations and on a customer goes with them, and back.
        places = [
            place
            for (place,) in admin.execute(
                "select conversation_id from canonical.conversations order by 1"
            ).fetchall()
        ]
        assert len(places) >= 3
        for number, place in enumerate(places[:3]):
            decisions.tag(database, MIA, place, f"T{number}")
            decisions.assign(database, MIA, place, assignee=None, state="waiting")
        decisions.note(database, MIA, "of the first", customer_id=customers[0])
        made = set(in_force(database))
        first = tuple(customers)
        before = everything(database, first)
        stands = versions(admin)

        # One after the other: each undo gives what stood before its decision.
        rng, stood = random.Random(seed), []
        while len(stood) < ALONE:
            known = tuple(customers)
            state = everything(database, known)
            try:
                decision_id = decide(database, rng, MIA, customers)
            except Refused:
                continue
            if decision_id:
                stood.append((decision_id, known, state))
        for decision_id, known, state in reversed(stood):
            decisions.undo(database, NOAH, decision_id, "back")
            assert everything(database, known) == state
        assert everything(database, first) == before

        # Several at once, each with a connection of their own, and somebody who looks at it all the while.
        ended = threading.Event()

        def work(number: int) -> None:
            mine = random.Random(seed * 100 + number)
            with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as own:
                for _ in range(TURNS):
                    try:
                        decide(own, mine, Actor(name=f"p{number}", role="agent"), customers)
                    except Refused:
                        pass

        def look() -> int:
            looks = 0
            with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as own:
                whole = shown_once(own)
                while not ended.is_set():
                    assert shown_once(own) == whole
                    looks += 1
            return looks

        def take_back(number: int) -> None:
            me, refused = Actor(name=f"u{number}", role="agent"), 0
            with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as own:
                while later := [each for each in in_force(own) if each not in made]:
                    try:
                        # The latest of all, which nothing stands in the way of. Of one before it that is taken back first
                        # the undo may stand in the way of the latest for ever: whoever takes back does not undo that.
                        decisions.undo(own, me, later[0], "back")
                        refused = 0
                    except Refused:
                        # Somebody else was quicker; but nothing that was decided is stuck.
                        refused += 1
                        if refused == MOST_REFUSED:
                            raise

        with ThreadPoolExecutor(PEOPLE + 1) as pool:
            looking = pool.submit(look)
            try:
                for act in (work, take_back):
                    for done in [pool.submit(act, number) for number in range(PEOPLE)]:
                        done.result(120)
                    assert standing(database) == replayed(database)
                    gone = database.execute(
                        "select from crm.identity_links join crm.customers using (customer_id)"
                        " where ended_at is null and archived_at is not null"
                    ).fetchall()
                    assert gone == [], "an identity of an archived customer is seen by nobody"
            finally:
                ended.set()
            assert looking.result(120) > 3
        # All of it was taken back, by several at once, and it is byte for byte what it was.
        assert everything(database, first) == before
        # No row of a message was written.
        assert versions(admin) == stands


def shown_once(database: Database) -> list[Any]:
    """Whatever is decided meanwhile, each message stands under each of its people once, and each conversation once."""
    asked = (
        "select count(*), count(distinct (message_id, identity)) from marts.timeline",
        "select count(*), count(distinct conversation_id), sum(message_count) from marts.conversations",
        # One that never wrote is there while it is linked.
        "select count(*) filter (where message_count > 0), count(*) - count(distinct identity), sum(message_count) from marts.identities",
        "select count(*) - count(distinct identity) from canonical.customer_identities",
    )
    # At one moment, as a page sees it.
    with database.transaction():
        database.execute("set transaction isolation level repeatable read")
        return [database.execute(query).fetchall() for query in asked]  # type: ignore[arg-type]


def written(database: Database, schema: str) -> int:
    """Rows that this transaction put, changed or removed, as PostgreSQL counts them."""
    ((rows,),) = database.execute(
        "select sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint from pg_stat_xact_user_tables where schemaname = %s",
        [schema],
    ).fetchall()
    return int(rows)


def test_a_number_that_is_linked_and_unlinked_leaves_no_trace(
    settings: Settings, admin: Database, fold_now: Callable[[], int]
) -> None:
    """Sam's phone is linked to Kim, looked at, and unlinked: of both everything is byte for byte as before."""
    fill(admin, fold_now)
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as database:
        sam, kim = (decisions.create_customer(database, MIA, name) for name in ("Sam", "Kim"))
        decisions.link(database, MIA, MAIL, sam, reason="r")
        decisions.link(database, MIA, OTHER, kim, reason="r")
        both = (sam, kim)
        before = everything(database, both)
        with database.transaction():
            decisions.link(database, MIA, PHONE, kim, reason="looks like it")
            assert written(database, "canonical") == 0
            assert written(database, "crm") > 2
        meanwhile = everything(database, both)
        assert meanwhile["seen"][kim] != before["seen"][kim]
        assert b"hello" in meanwhile["seen"][kim]
        assert meanwhile["seen"][sam] == before["seen"][sam]
        with database.transaction():
            decisions.unlink(database, NOAH, PHONE, reason="it is not theirs")
            # However large a customer is, none of their messages is written for a decision.
            merged = decisions.merge(database, MIA, sam, kim, reason="r").decision_id
            decisions.undo(database, MIA, merged, "r")
            assert written(database, "canonical") == 0
        assert everything(database, both) == before


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


def test_the_undo_of_a_merge_is_taken_back_wherever_the_other_went_since(
    settings: Settings,
) -> None:
    """Nobody had an identity by then, so nothing of the later merge stands in the way; and nobody goes round in a circle."""
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as database:
        sam, kim, lee = (decisions.create_customer(database, MIA, name) for name in ("S", "K", "L"))
        first = decisions.merge(database, MIA, sam, kim, reason="r")
        decisions.merge(database, MIA, kim, lee, reason="r")
        before = everything(database)
        parted = decisions.undo(database, NOAH, first.decision_id, "two people")
        assert everything(database) != before
        again = decisions.undo(database, NOAH, parted.decision_id, "one after all")
        assert everything(database) == before
        assert database.execute(
            "select merged_into from crm.customers where customer_id = %s", [sam]
        ).fetchone() == (kim,)
        decisions.undo(database, NOAH, again.decision_id, "two")
        decisions.merge(database, MIA, lee, sam, reason="r")
        with pytest.raises(Refused, match="since: undo that first"):
            decisions.undo(
                database, NOAH, in_force_of(database, "decision.undo")[0], "one after all"
            )


def in_force_of(database: Database, action: str) -> list[str]:
    """Decisions of a kind that are in force, the latest first."""
    rows = database.execute(
        "select decision_id from crm.decisions where undone_at is null and action = %s order by at desc",
        [action],
    ).fetchall()
    return [decision_id for (decision_id,) in rows]


def test_who_links_while_a_merge_is_made_again_is_waited_for(settings: Settings) -> None:
    """Or the identity would be of somebody who is in no list."""
    url = settings.url_for(Role.APP)
    with (
        psycopg.connect(url, autocommit=True) as database,
        psycopg.connect(url, autocommit=True) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        sam, kim = (decisions.create_customer(database, MIA, name) for name in ("Sam", "Kim"))
        merged = decisions.merge(database, MIA, sam, kim, reason="r")
        parted = decisions.undo(database, NOAH, merged.decision_id, "two people")
        with database.transaction():
            decisions.link(database, MIA, PHONE, sam, reason="r")
            late = pool.submit(decisions.undo, other, NOAH, parted.decision_id, "one after all")
            blocked = "select cardinality(pg_blocking_pids(%s)) > 0"
            deadline = time.monotonic() + 60
            while not database.execute(blocked, [other.info.backend_pid]).fetchall()[0][0]:
                assert not late.done()
                assert time.monotonic() < deadline
                time.sleep(0.02)
        with pytest.raises(Refused, match="other identities by now"):
            late.result(60)
        assert decisions.owners(database, [PHONE])[PHONE].customer_id == sam


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
