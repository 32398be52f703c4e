"""Two who decide at the same moment: each sees what the other did, neither is told that the database does not answer."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from operations.__main__ import _unusable
from tests.dbt_project.raw_rows import add_connections, inbound
from tests.long_form import LONG
from warehouse import customer_import, decisions
from warehouse.customer_file import Line
from warehouse.decisions import ledger
from warehouse.decisions.ledger import Change
from warehouse.events import Actor
from warehouse.refusals import Refused
from warehouse.settings import Role, Settings

Database = psycopg.Connection[Any]
Act = Callable[[Database], object]
MIA = Actor(name="mia", role="admin")
NOAH = Actor(name="noah", role="admin")
NUMBERS = tuple(f"+6149157{number:04}" for number in (6, 157, 158, 159))
IDENTITY = f"phone:{NUMBERS[0]}"


@pytest.fixture
def connect(settings: Settings) -> Callable[[], Database]:
    return lambda: psycopg.connect(settings.url_for(Role.APP), autocommit=True)


@pytest.fixture
def database(connect: Callable[[], Database]) -> Iterator[Database]:
    with connect() as connection:
        yield connection


@pytest.fixture
def conversations(admin: Database, fold_now: Callable[[], int]) -> list[str]:
    """Four people wrote once."""
    add_connections(admin)
    for number, sender in enumerate(NUMBERS):
        inbound(number, at=number, From=sender).insert(admin)
    fold_now()
    rows = admin.execute("select conversation_id from canonical.conversations order by 1")
    found = [conversation_id for (conversation_id,) in rows.fetchall()]
    assert len(found) == len(NUMBERS)
    return found


@pytest.fixture
def meanwhile(connect: Callable[[], Database]) -> Iterator[Callable[[Act], Future[object]]]:
    """Somebody else decides, and waits for the transaction that we are in; what became of it is asked behind that."""
    blocked = "select cardinality(pg_blocking_pids(%s)) > 0"
    with connect() as other, connect() as looking, ThreadPoolExecutor(1) as pool:

        def start(act: Act) -> Future[object]:
            future = pool.submit(act, other)
            deadline = time.monotonic() + 60
            while not looking.execute(blocked, [other.info.backend_pid]).fetchall()[0][0]:
                assert not future.done(), future.exception() or "they did not wait"
                assert time.monotonic() < deadline, "they did not wait"
                time.sleep(0.02)
            return future

        yield start


# -- locks ---------------------------------------------------------------------------------------


def entered(database: Database) -> int:
    rows = database.execute(
        "select coalesce(max(change_no), 0) from crm.decision_changes"
    ).fetchall()
    return int(rows[0][0])


def unguarded(database: Database, behind: int) -> list[tuple[str, str]]:
    """Changes that this transaction made and whose guards it does not hold. What was made in it nobody else knows yet."""
    held = {
        bucket
        for (bucket,) in database.execute(
            "select objid::integer from pg_locks where locktype = 'advisory' and classid = 5085 and pid = pg_backend_pid()"
        ).fetchall()
    }
    found = []
    rows = database.execute(
        "select change_no, decision_id, action, subject, object_type, object_id, customer_ids, data"
        " from crm.decision_changes where change_no > %s",
        [behind],
    ).fetchall()
    assert rows
    names = (
        "change_no", "decision_id", "action", "subject", "object_type", "object_id", "customer_ids", "data",
    )  # fmt: skip
    for row in rows:
        change = Change(**dict(zip(names, row, strict=True)))
        for guard in ledger.guards_of(change):
            bucket = database.execute(
                "select (hashtextextended(%s, 0) & 511)::integer", [guard]
            ).fetchall()[0][0]
            if bucket not in held and change.action not in (
                "customer.create",
                "note.add",
                "view.save",
            ):
                found.append((change.action, guard))
    return found


def test_whatever_is_changed_is_locked_by_who_changes_it(
    database: Database, conversations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it at once, and an undo locks the same, so neither records a state that the other is just leaving."""
    run, locked = ledger.run, Counter[str]()

    def noted(database: Database, query: str, **parameters: Any) -> list[Any]:
        locked[query] += 1
        return run(database, query, **parameters)

    monkeypatch.setattr(ledger, "run", noted)
    one, two = conversations[:2]
    sam, kim, lee = (decisions.create_customer(database, MIA, each) for each in ("S", "K", "L"))
    other = f"phone:{NUMBERS[1]}"
    ids: dict[str, str] = {}

    def tag_ids() -> dict[str, str]:
        ids.update(database.execute("select name, tag_id from crm.tags").fetchall())
        return ids

    acts: list[Callable[[], object]] = [
        lambda: decisions.link(database, MIA, IDENTITY, sam, reason="r"),
        lambda: decisions.link(database, MIA, other, sam, reason="r"),
        lambda: decisions.move(database, MIA, IDENTITY, kim, reason="r"),
        lambda: decisions.merge(database, MIA, kim, sam, reason="r"),
        lambda: decisions.split(database, MIA, sam, [other], "Other", reason="r"),
        lambda: decisions.unlink(database, MIA, IDENTITY, reason="r"),
        lambda: decisions.not_a_customer(database, MIA, IDENTITY, reason="r"),
        # Which ends the mark.
        lambda: decisions.link(database, MIA, IDENTITY, sam, reason="r"),
        lambda: decisions.rename_customer(database, MIA, sam, "Samuel"),
        lambda: decisions.archive_customer(database, MIA, lee, reason="r"),
        lambda: decisions.dismiss(database, MIA, other, sam),
        lambda: decisions.tag_all(database, MIA, conversations, "Returns"),
        lambda: decisions.retag(database, MIA, one, on={"VIP", "New", "returns"}, off=()),
        lambda: decisions.retag(database, MIA, one, on={"Newer"}, off={"New"}),
        lambda: decisions.merge_tags(database, MIA, tag_ids()["VIP"], ids["Returns"], expected=1),
        lambda: decisions.change_tag(
            database, MIA, ids["Returns"], name="R", colour="red", description="", expected=1
        ),
        lambda: decisions.untag(database, MIA, one, "R"),
        lambda: decisions.assign(database, MIA, two, assignee=None, state="waiting"),
        lambda: decisions.note(database, MIA, "n", conversation_id=two),
        lambda: decisions.remove_tag(database, MIA, ids["Returns"], expected=2),
        lambda: ids.update(view=decisions.save_view(database, MIA, "V", page="work", query="")),
        lambda: decisions.change_view(
            database, MIA, ids["view"], name="W", is_shared=True, expected=1
        ),
        lambda: decisions.remove_view(database, MIA, ids["view"], expected=2),
    ]
    decided: list[str] = []
    for act in acts:
        behind = entered(database)
        with database.transaction():
            act()
            assert unguarded(database, behind) == []
        assert locked.pop("lock_subjects", 0) <= 1, act
        decided += database.execute(
            "select decision_id from crm.decisions order by at desc limit 1"
        ).fetchall()[0]
    for decision_id in reversed(decided):
        behind = entered(database)
        with database.transaction():
            decisions.undo(database, NOAH, decision_id, "back")
            assert unguarded(database, behind) == []
        assert locked.pop("lock_subjects") == 1


def test_of_two_names_at_once_the_second_begins_where_the_first_ended(
    database: Database, meanwhile: Callable[[Act], Future[object]]
) -> None:
    sam = decisions.create_customer(database, MIA, "Sam")
    first = decisions.rename_customer(database, MIA, sam, "Samuel")
    with database.transaction():
        decisions.rename_customer(database, MIA, sam, "Sammy")
        undone = meanwhile(lambda other: decisions.undo(other, NOAH, str(first), "was right"))
    with pytest.raises(decisions.InTheWay):
        undone.result(10)
    assert database.execute("select name from crm.customers").fetchall() == [("Sammy",)]


def test_several_that_are_decided_together_cross_nobody(
    database: Database, connect: Callable[[], Database], conversations: list[str]
) -> None:
    """Each takes all its locks at once and in one order, whatever order the things were chosen in."""
    failures: list[BaseException] = []
    start = threading.Barrier(4)

    def work(number: int) -> None:
        mine = conversations[number:] + conversations[:number]
        with connect() as own:
            for turn in range(12):
                start.wait(60)
                try:
                    with own.transaction():
                        decisions.tag_all(own, MIA, mine, f"T{turn % 3}", on=turn % 2 == 0)
                except Refused:
                    pass
                except BaseException as failure:
                    failures.append(failure)
                try:
                    with own.transaction():
                        its = [decisions.conversation(own, each) for each in mine]
                        decisions.hold(own, its)
                        for it in its:
                            decisions.assign(own, MIA, it, assignee=None, state="waiting")
                except BaseException as failure:
                    failures.append(failure)

    people = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert failures == []


def test_who_has_to_give_way_tries_again_and_then_says_so(
    connect: Callable[[], Database],
) -> None:
    """Two locks taken against all rules, one after the other and crosswise."""
    met = threading.Barrier(2)
    turns: list[str] = []

    @decisions.gives_way
    def decide(first: str, second: str) -> str:
        with connect() as own, own.transaction():
            ledger.lock(own, [first])
            turns.append(first)
            if turns.count(first) == 1:
                met.wait(60)
            ledger.lock(own, [second])
        return first

    with ThreadPoolExecutor(2) as pool:
        done = [
            pool.submit(decide, "identity a", "identity b"),
            pool.submit(decide, "identity b", "identity a"),
        ]
        assert [each.result(30) for each in done] == ["identity a", "identity b"]
    assert len(turns) == 3

    @decisions.gives_way
    def never() -> None:
        raise psycopg.errors.DeadlockDetected

    with pytest.raises(decisions.Crossed, match="others decide on the same just now"):
        never()
    # A command, which is not made again, says the same, and not that the warehouse does not answer.
    assert _unusable(psycopg.errors.DeadlockDetected()) == str(decisions.Crossed())


# -- one identity and several customers ------------------------------------------------------------


@pytest.mark.parametrize("how", ["link", "list"])
def test_of_several_who_link_one_identity_one_wins_and_the_others_are_told_who(
    connect: Callable[[], Database], database: Database, how: str
) -> None:
    people = 8
    for turn in range(10 if LONG else 3):
        identity, number = f"phone:+614915702{turn:02}", f"+614915702{turn:02}"
        customers = {
            decisions.create_customer(database, MIA, f"C{turn} {each}"): f"C{turn} {each}"
            for each in range(people)
        }
        start = threading.Barrier(people)

        def link(customer_id: str) -> str | Refused:
            with connect() as own:
                start.wait(60)  # noqa: B023
                try:
                    decisions.link(own, MIA, identity, customer_id, reason="told us")  # noqa: B023
                except Refused as refused:
                    return refused
            return customer_id

        def take_list(customer_id: str) -> str | Refused:
            """As a list would that names somebody of this name by this number."""
            lines = [Line(number=2, cells={"name": customers[customer_id], "phone": number})]  # noqa: B023
            with connect() as own:
                start.wait(60)  # noqa: B023
                try:
                    plan = customer_import.carry_out(own, MIA, lines, source="list.csv")
                except Refused as refused:
                    return refused
            return customer_id if plan.customers else Refused("matched")

        acts = [link] * people if how == "link" else [link, take_list] * (people // 2)
        with ThreadPoolExecutor(people) as pool:
            told = list(pool.map(lambda each: each[0](each[1]), zip(acts, customers, strict=True)))
        owner = decisions.owners(database, [identity])[identity]
        won = [each for each in told if not isinstance(each, Refused)]
        assert len(won) == 1, told
        assert owner.name == customers[won[0]]
        for each in told:
            # A list matches its line to the winner, and changes nothing.
            assert not isinstance(each, Refused) or f"belongs to {owner.name}" in str(each) or str(each) == "matched"  # fmt: skip
        assert database.execute(
            "select count(*) from crm.identity_links where identity = %s and ended_at is null", [identity]
        ).fetchall() == [(1,)]  # fmt: skip


# -- marks ---------------------------------------------------------------------------------------


def marks(database: Database) -> list[tuple[str]]:
    return database.execute(
        "select identity from crm.not_customers where ended_at is null order by 1"
    ).fetchall()


def test_who_becomes_a_customer_is_marked_as_none_no_more(database: Database) -> None:
    sam, kim = (decisions.create_customer(database, MIA, each) for each in ("Sam", "Kim"))
    other = f"phone:{NUMBERS[1]}"
    for each in (IDENTITY, other):
        decisions.not_a_customer(database, MIA, each, reason="spam")
    linked = decisions.link(database, MIA, IDENTITY, sam, reason="no spam after all")
    line = Line(number=2, cells={"name": "Lee", "phone": NUMBERS[1]})
    made = customer_import.carry_out(database, MIA, [line], source="list.csv")
    assert marks(database) == []
    # It is asked about again, as of anybody.
    decisions.unlink(database, MIA, IDENTITY, reason="r")
    assert marks(database) == []
    later = database.execute(
        "select decision_id from crm.decisions where action = 'identity.unlink'"
    ).fetchall()[0][0]
    decisions.undo(database, NOAH, later, "r")
    undone = decisions.undo(database, NOAH, str(linked.decision_id), "spam")
    assert marks(database) == [(IDENTITY,)]
    decisions.undo(database, NOAH, made.decision_ids[0], "r")
    assert marks(database) == [(IDENTITY,), (other,)]
    decisions.undo(database, NOAH, undone.decision_id, "r")
    assert marks(database) == [(other,)]

    # A mark that was taken back is not made again over a customer's head.
    marked = decisions.not_a_customer(database, MIA, "email:kim@example.net", reason="r")
    unmarked = decisions.undo(database, MIA, str(marked), "r")
    decisions.link(database, MIA, "email:kim@example.net", kim, reason="r")
    with pytest.raises(decisions.Taken, match="belongs to Kim"):
        decisions.undo(database, NOAH, unmarked.decision_id, "r")


def test_a_list_and_a_mark_of_one_identity_never_both_hold(
    database: Database,
    connect: Callable[[], Database],
    meanwhile: Callable[[Act], Future[object]],
) -> None:
    lines = [Line(number=2, cells={"name": "Lee", "phone": NUMBERS[0]})]

    def imported(own: Database) -> object:
        return customer_import.carry_out(own, MIA, lines, source="list.csv")

    # The mark was first: the list waits for it, and ends it.
    with database.transaction():
        decisions.not_a_customer(database, MIA, IDENTITY, reason="spam")
        late = meanwhile(imported)
    late.result(10)
    assert (marks(database), len(decisions.owners(database, [IDENTITY]))) == ([], 1)
    # The list was first: who would mark is told so, and nothing is changed; once it is done, whose it is.
    decisions.unlink(database, MIA, IDENTITY, reason="r")
    with database.transaction():
        imported(database)
        with connect() as other, pytest.raises(Refused, match="imported just now"):
            decisions.not_a_customer(other, NOAH, IDENTITY, reason="spam")
    with pytest.raises(decisions.Taken, match="belongs to Lee"):
        decisions.not_a_customer(database, NOAH, IDENTITY, reason="spam")
    assert marks(database) == []
    # An undo that would mark again is told the same.
    decisions.unlink(database, MIA, IDENTITY, reason="r")
    undone = decisions.undo(
        database, MIA, str(decisions.not_a_customer(database, MIA, IDENTITY, reason="spam")), "r"
    )
    with database.transaction():
        imported(database)
        with connect() as other, pytest.raises(Refused, match="imported just now"):
            decisions.undo(other, NOAH, undone.decision_id, "r")
    assert marks(database) == []


# -- tags ----------------------------------------------------------------------------------------


def tags(database: Database) -> list[tuple[Any, ...]]:
    """Which thing bears which tag, as it is kept and as it is shown."""
    return database.execute(
        "select taggings.object_id, tags.name, shown.name from crm.taggings as taggings"
        " join crm.tags as tags using (tag_id) join crm.shown_tags as shown using (tag_id)"
        " where taggings.removed_at is null order by 1, 2"
    ).fetchall()


def tag_ids(database: Database) -> dict[str, str]:
    return dict(
        database.execute("select name, tag_id from crm.tags where removed_at is null").fetchall()
    )


def version(database: Database, name: str) -> int:
    rows = database.execute("select version from crm.tags where name = %s", [name]).fetchall()
    return int(rows[0][0])


@pytest.mark.parametrize("is_old", [False, True])
def test_merged_tags_are_parted_exactly(
    database: Database, admin: Database, conversations: list[str], is_old: bool
) -> None:
    one, two, three = conversations[:3]
    for each, name in ((one, "A"), (one, "B"), (two, "A"), (three, "B"), (three, "C")):
        decisions.tag(database, MIA, each, name)
    ids = tag_ids(database)

    def merge(name: str, into: str) -> str:
        return decisions.merge_tags(
            database, MIA, ids[name], ids[into], expected=version(database, name)
        )

    stood = [tags(database)]
    first = merge("C", "A")
    stood.append(tags(database))
    second = merge("A", "B")
    if is_old:
        # As a merge was entered before each tag was a change of its own.
        admin.execute(
            "delete from crm.decision_changes where decision_id = %s and object_id = %s",
            [second, ids["C"]],
        )
        admin.execute(
            "update crm.decision_changes set data = jsonb_build_object('into', %s::text, 'others', array[%s::text])"
            " where decision_id = %s",
            [ids["B"], ids["C"], second],
        )
    assert {shown for _, _, shown in tags(database)} == {"B"}
    # The second moved both: what was decided first is taken back last, or it would part what the second brought together.
    with pytest.raises(Refused, match="merged otherwise by now" if is_old else second):
        decisions.undo(database, NOAH, first, "r")
    undone = decisions.undo(database, NOAH, second, "r")
    assert tags(database) == stood[1]
    again = decisions.undo(database, NOAH, undone.decision_id, "r")
    assert {shown for _, _, shown in tags(database)} == {"B"}
    decisions.undo(database, NOAH, again.decision_id, "r")
    assert tags(database) == stood[1]
    decisions.undo(database, NOAH, first, "r")
    assert tags(database) == stood[0]


def test_a_tag_that_goes_away_is_put_on_nothing(
    database: Database, meanwhile: Callable[[Act], Future[object]], conversations: list[str]
) -> None:
    one, two = conversations[:2]
    made = decisions.tag(database, MIA, one, "Once")
    # They chose it while it stood.
    with database.transaction():
        decisions.undo(database, MIA, str(made.decision_id), "r")
        late = meanwhile(lambda other: decisions.tag(other, NOAH, two, "Once"))
    with pytest.raises(Refused, match="changed the tag Once just now"):
        late.result(10)
    assert tags(database) == []

    # The other way round: it is borne, so it stays.
    made = decisions.tag(database, MIA, one, "Twice")
    with database.transaction():
        decisions.tag(database, MIA, two, "Twice")
        undone = meanwhile(lambda other: decisions.undo(other, NOAH, str(made.decision_id), "r"))
    undone.result(10)
    assert tags(database) == [(two, "Twice", "Twice")]

    # And what took it off is not undone once the tag itself is gone.
    made = decisions.tag(database, MIA, one, "Thrice")
    decisions.tag(database, MIA, two, "Thrice")
    off = decisions.untag(database, MIA, two, "Thrice")
    decisions.undo(database, MIA, str(made.decision_id), "r")
    with pytest.raises(Refused, match="no such tag any more"):
        decisions.undo(database, NOAH, str(off.decision_id), "r")


# -- notices -------------------------------------------------------------------------------------


def test_no_notice_is_too_long_for_the_decision_that_it_tells_of(
    database: Database, admin: Database
) -> None:
    """PostgreSQL takes 8,000 bytes; a decision on many, or on long ids, must not fail of it."""
    customers = [f"customer-{number:03}-{'x' * 80}" for number in range(95)]
    admin.execute("listen crm_changed")
    with database.transaction():
        # Each statement on no more than a hundred, which are told by name where that is short enough.
        database.execute(
            "insert into crm.customers (customer_id, name, created_by) select each, 'n', 't' from unnest(%s::text[]) as each",
            [customers],
        )
        database.execute(
            "insert into crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason)"
            " select each, 'd', 'email:' || repeat('é', 200) || each, each, 't', 'r' from unnest(%s::text[]) as each",
            [customers],
        )
        database.execute(
            "insert into crm.not_customers (mark_id, decision_id, identity, reason, marked_by)"
            " select each, 'd', 'email:' || repeat('é', 200) || each, 'r', 't' from unnest(%s::text[]) as each",
            [customers],
        )
        database.execute(
            "insert into crm.decisions (decision_id, actor, role, action) values ('d', 'mia', 'agent', 'conversation.tag')"
        )
        for objects in (customers, customers[:1]):
            database.execute(
                "insert into crm.decision_changes (decision_id, action, subject, object_type, object_id, customer_ids)"
                " select 'd', 'conversation.tag', each, 'conversation', each || repeat('é', 300), %s"
                " from unnest(%s::text[]) as each",
                [customers, objects],
            )
        database.execute(
            "insert into crm.decision_changes (decision_id, action, subject, object_type, object_id, customer_ids)"
            " values ('d', 'note.add', 's', 'note', 'n', '{c1,c2}')"
        )
    told = [notice.payload for notice in admin.notifies(timeout=2)]
    # Equal ones of a transaction are sent once.
    assert sorted(told[:-1]) == ['{"many": true, "beside": true}', '{"many": true}']
    assert '"customers": ["c1", "c2"]' in told[-1]
