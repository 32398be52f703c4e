"""The log is sealed without a gap and without a double, and whatever is done to it behind our back is found and named."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.long_form import LONG
from warehouse import audit
from warehouse.audit import Broken, Fault, verify
from warehouse.events import Event, record
from warehouse.queries import queries
from warehouse.settings import Role, Settings

Database = psycopg.Connection[Any]
TAMPERINGS = 10_000 if LONG else 240


def write(database: Database, number: int, **more: Any) -> str:
    return record(
        database,
        Event(
            **{
                "actor": f"person{number % 7}", "role": "agent", "action": "timeline.view", "object_type": "customer",
                "object_id": f"c{number}", "customer_ids": [f"c{number}", "ünïcode \\ \"x\""],
                "detail": {"query": f"\u202e{number}\n", "count": number, "share": 0.5}, "ip": "127.0.0.1", **more,
            }
        ),
    )  # fmt: skip


def seal(settings: Settings, role: Role = Role.LOADER) -> int:
    with psycopg.connect(settings.url_for(role)) as database:
        return audit.seal(database, settings)


def looked_at(settings: Settings, *, heads: bool = True) -> audit.Verified:
    with psycopg.connect(settings.url_for(Role.APP)) as database:
        return verify(database, audit.heads_file(settings) if heads else None)


def test_each_event_is_sealed_once_and_the_chain_is_whole(
    settings: Settings, admin: Database
) -> None:
    assert looked_at(settings) == audit.Verified()
    for number in range(7):
        write(admin, number)
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as loader:
        # In seals of three.
        assert loader.execute("select crm.seal_events(3)").fetchone() == (7,)
    assert seal(settings) == 0
    write(admin, 8)
    assert looked_at(settings) == audit.Verified(events=7, seals=3, unsealed=1, heads=3)
    assert seal(settings, Role.APP) == 1
    assert looked_at(settings) == audit.Verified(events=8, seals=4, heads=4)
    lines = audit.heads_file(settings).read_text().splitlines()
    assert [json.loads(line)["seal"] for line in lines] == [1, 2, 3, 4]
    assert [json.loads(line)["events"] for line in lines] == [3, 3, 1, 1]
    assert audit.heads_file(settings).stat().st_mode & 0o077 == 0
    # Without the file nothing outside can be compared, and the chain is whole by itself.
    assert looked_at(settings, heads=False) == audit.Verified(events=8, seals=4)


def test_what_is_committed_late_is_neither_missed_nor_sealed_twice(
    settings: Settings, admin: Database
) -> None:
    """Neither times nor ids are an order of commits: sealed is what a snapshot saw and the one before did not."""
    write(admin, 0)
    with psycopg.connect(settings.url_for(Role.APP)) as slow:
        late = write(slow, 1)
        write(admin, 2)
        assert seal(settings) == 2
        write(admin, 3)
        assert seal(settings) == 1
        assert looked_at(settings).fault is None
    assert seal(settings) == 1
    assert admin.execute(
        "select event_ids from crm.event_seals order by seal_no desc limit 1"
    ).fetchone() == ([late],)
    # Long after: an hour lies between what it says and when it was seen, and the transaction had begun then.
    with admin.transaction():
        admin.execute("alter table crm.event_seals disable trigger event_seals_append_only")
        admin.execute("update crm.event_seals set sealed_at = sealed_at + interval '1 hour'")
        moments = admin.execute(audit.SQL["seal_times"]).fetchall()
    times = audit._Times([each for each, _ in moments], [known for _, known in moments])
    ((at, transaction),) = admin.execute(
        "select extract(epoch from at)::float8, transaction_id::text::bigint from crm.events where event_id = %s", [late]
    ).fetchall()  # fmt: skip
    assert times.wrong(at, transaction, times.moments[-1]) is None
    assert "dated back" in (times.wrong(at, transaction + 100, times.moments[-1]) or "")


def test_several_seal_at_once_and_none_seals_twice(settings: Settings, admin: Database) -> None:
    stop, failures = threading.Event(), list[BaseException]()

    def again_and_again() -> None:
        try:
            while not stop.is_set():
                seal(settings)
        except BaseException as error:
            failures.append(error)

    sealing = [threading.Thread(target=again_and_again) for _ in range(3)]
    for each in sealing:
        each.start()
    with psycopg.connect(settings.url_for(Role.APP)) as app:
        for number in range(120):
            write(app, number)
            if number % 3 == 0:
                app.commit()
    stop.set()
    for each in sealing:
        each.join(60)
    assert failures == []
    seal(settings)
    found = looked_at(settings)
    assert (found.events, found.unsealed, found.fault) == (120, 0, None)
    assert found.heads == found.seals > 1


def test_a_backup_that_is_restored_elsewhere_goes_on(settings: Settings, admin: Database) -> None:
    """Snapshots and transaction ids mean nothing there, and are not in a backup: what no seal holds is sealed."""
    for number in range(3):
        write(admin, number)
    assert seal(settings) == 3
    write(admin, 3)
    with admin.transaction():
        for table in ("events", "event_seals"):
            admin.execute(f"alter table crm.{table} disable trigger {table}_append_only")  # type: ignore[arg-type]
        admin.execute("update crm.event_seals set snapshot = null")
        admin.execute("update crm.events set transaction_id = pg_current_xact_id()")
    assert looked_at(settings) == audit.Verified(events=3, seals=1, unsealed=1, heads=1)
    assert seal(settings) == 1
    write(admin, 4)
    assert seal(settings) == 1
    assert looked_at(settings) == audit.Verified(events=5, seals=3, heads=3)
    # A dump of another tool brings the snapshots of the other cluster along: they are of the future here.
    with admin.transaction():
        admin.execute("update crm.event_seals set snapshot = '999999:999999:' where seal_no = 3")
        admin.execute("update crm.events set transaction_id = '999998' where true")
    write(admin, 5)
    assert seal(settings) == 1
    assert looked_at(settings).fault is None


# -- tampering --------------------------------------------------------------------------------------

#: What can be said otherwise of an event.
COLUMNS = {
    "at": "at + interval '1 microsecond'",
    "actor": "actor || ' '",
    "role": "'admin'",
    "action": "'raw.view'",
    "object_type": "upper(object_type)",
    "object_id": "object_id || 'x'",
    "customer_ids": "customer_ids || '{}'::text[] || array['y']",
    "detail": """detail || '{"count": null}'""",
    "session_id": "coalesce(session_id, '')",
    "ip": "null",
}


class Tampered:
    """A sealed log, and whoever may do anything to it: each tampering is taken back after the look."""

    def __init__(self, database: Database, chance: random.Random) -> None:
        self.database, self.chance = database, chance
        rows = database.execute(
            "select seal_no, event_ids from crm.event_seals order by seal_no"
        ).fetchall()
        self.seals: dict[int, list[str]] = dict(rows)
        self.ids = [event_id for _, ids in rows for event_id in ids]
        self.last = rows[-1][0]

    def run(self, statement: str, *parameters: Any) -> None:
        self.database.execute(statement, parameters or None)  # type: ignore[arg-type]

    def one(self) -> str:
        return self.chance.choice(self.ids)

    def first_of(self, *event_ids: str) -> str:
        return min(event_ids, key=self.ids.index)

    # Each returns what must be named: an event, or the number of a seal.

    def edits(self) -> str:
        event_id, column = self.one(), self.chance.choice(sorted(COLUMNS))
        self.run(f"update crm.events set {column} = {COLUMNS[column]} where event_id = %s", event_id)  # fmt: skip
        return event_id

    def calls_otherwise(self) -> str:
        event_id = self.one()
        self.run("update crm.events set event_id = 'x' || event_id where event_id = %s", event_id)
        return event_id

    def deletes(self) -> str:
        gone = self.chance.sample(self.ids, self.chance.randint(1, 4))
        self.run("delete from crm.events where event_id = any(%s)", gone)
        return self.first_of(*gone)

    def swaps(self) -> str:
        one, other = self.chance.sample(self.ids, 2)
        # What was done stays, and who did it changes places.
        self.run(
            "update crm.events set (actor, object_id, at) = (select actor, object_id, at from crm.events as other"
            " where other.event_id = case when events.event_id = %s then %s else %s end) where event_id in (%s, %s)",
            one, other, one, one, other,
        )  # fmt: skip
        return self.first_of(one, other)

    def inserts_dated_back(self) -> str:
        self.run(
            "insert into crm.events (event_id, at, actor, role, action, object_type, object_id)"
            " values ('new', now() - make_interval(secs => %s), 'kim', 'agent', 'timeline.view', 'customer', 'c')",
            self.chance.randint(120, 10**8),
        )
        return "new"

    def inserts_as_if_sealed(self) -> str:
        self.run(
            "insert into crm.events (event_id, at, actor, role, action, object_type, object_id, transaction_id)"
            " select 'new', at, 'kim', 'agent', 'timeline.view', 'customer', 'c',"
            " case when %s then transaction_id end from crm.events where event_id = %s",
            self.chance.random() < 0.7, self.one(),
        )  # fmt: skip
        return "new"

    def inserts_for_later(self) -> str:
        self.run(
            "insert into crm.events (event_id, at, actor, role, action, object_type, object_id, transaction_id)"
            " values ('new', now(), 'kim', 'agent', 'timeline.view', 'customer', 'c', '4000000000')"
        )
        return "new"

    def cuts_the_tail(self) -> int:
        first = self.chance.randint(1, self.last)
        gone = [each for number, ids in self.seals.items() if number >= first for each in ids]
        self.run("delete from crm.event_seals where seal_no >= %s", first)
        # Or puts an older copy in its place: what was written since is gone with it.
        self.run("delete from crm.events where event_id = any(%s)", gone)
        return first

    def makes_the_chain_anew(self) -> int:
        event_id = self.one()
        first = next(number for number, ids in self.seals.items() if event_id in ids)
        self.run("update crm.events set actor = 'nobody' where event_id = %s", event_id)
        self.run("delete from crm.event_seals where seal_no >= %s", first)
        self.run("select crm.seal_events()")
        return first

    def changes_event_and_seal(self) -> int:
        event_id = self.one()
        number = next(number for number, ids in self.seals.items() if event_id in ids)
        self.run("update crm.events set actor = 'nobody' where event_id = %s", event_id)
        self.run(
            "update crm.event_seals set leaves = overlay(leaves placing sha256('x') from %s) where seal_no = %s",
            self.seals[number].index(event_id) * 32 + 1, number,
        )  # fmt: skip
        return number

    def makes_one_seal_anew(self) -> int:
        number = self.chance.randint(1, self.last)
        self.run(
            "update crm.event_seals set leaves = sha256('x') || substr(leaves, 33), head = sha256(former_head || convert_to("
            "format('%%s %%s %%s', seal_no, extract(epoch from sealed_at), to_jsonb(event_ids)), 'UTF8')"
            " || sha256('x') || substr(leaves, 33)) where seal_no = %s",
            number,
        )
        return number

    def takes_a_seal_out(self) -> int:
        number = self.chance.randint(1, self.last)
        self.run("delete from crm.event_seals where seal_no = %s", number)
        return number

    def dates_a_seal(self) -> int:
        number = self.chance.randint(1, self.last)
        self.run(
            "update crm.event_seals set sealed_at = sealed_at - interval '1 day' where seal_no = %s", number
        )  # fmt: skip
        return number

    def seals_twice(self) -> str:
        self.run(
            "insert into crm.event_seals select seal_no + 1, sealed_at, events, event_ids, leaves, head, sha256(head || convert_to("
            "format('%s %s %s', seal_no + 1, extract(epoch from sealed_at), to_jsonb(event_ids)), 'UTF8') || leaves), snapshot"
            " from crm.event_seals order by seal_no desc limit 1"
        )
        return "one of the last seal"


KINDS: list[Callable[[Tampered], str | int]] = [
    value
    for name, value in vars(Tampered).items()
    if not name.startswith("_") and name not in ("run", "one", "first_of")
]


@pytest.fixture
def tampered(settings: Settings, admin: Database) -> Iterator[Tampered]:
    with psycopg.connect(settings.url_for(Role.APP)) as app:
        number = 0
        for size in (1, 5, 9, 3, 12, 7, 2, 8):
            for _ in range(size):
                number += 1
                write(app, number)
            app.commit()
            assert seal(settings) == size
    assert looked_at(settings).fault is None
    with psycopg.connect(settings.url_for(Role.ADMIN)) as owner:
        for table in ("events", "event_seals"):
            owner.execute(f"alter table crm.{table} disable trigger {table}_append_only")  # type: ignore[arg-type]
        yield Tampered(owner, random.Random(16))
        owner.rollback()


def named(fault: Fault) -> str | int | None:
    return fault.event_id if fault.event_id else fault.seal_no


def test_every_tampering_is_located(tampered: Tampered, settings: Settings) -> None:
    heads = audit.heads_file(settings)
    for number in range(TAMPERINGS):
        kind = KINDS[number % len(KINDS)]
        with tampered.database.transaction(force_rollback=True):
            expected = kind(tampered)
            fault = verify(tampered.database, heads).fault
        assert fault is not None, f"{kind.__name__} was not found"
        if kind is Tampered.seals_twice:
            assert fault.event_id in tampered.seals[tampered.last], fault
            assert "held by two seals" in fault.sentence
        else:
            assert named(fault) == expected, (kind.__name__, fault)
        assert str(named(fault)) in fault.sentence
    assert len(KINDS) == 14
    assert verify(tampered.database, heads).fault is None


def test_what_was_taken_out_by_a_certificate_is_told_from_a_forgery(
    settings: Settings, tampered: Tampered
) -> None:
    """As a destruction does it: the hashes before and after, and one hash over all of them in the certificate's event."""
    heads, database = audit.heads_file(settings), tampered.database
    gone = tampered.ids[3:6]
    privacy = queries("privacy")
    leaf = (
        f"(select {privacy['leaf'].partition(chr(10))[2]} from crm.events where event_id = %(id)s)"
    )

    def hashed(event_id: str) -> bytes:
        ((found,),) = database.execute(f"select {leaf}", {"id": event_id}).fetchall()  # type: ignore[arg-type]
        return bytes(found)

    for event_id in gone:
        before = hashed(event_id)
        tampered.run(
            "update crm.events set customer_ids = '{}', detail = '{\"destroyed\": true}' where event_id = %s",
            event_id,
        )
        tampered.run(
            "insert into crm.event_redactions (event_id, certificate_id, former_leaf, leaf) values (%s, 'c1', %s, %s)",
            event_id, before, hashed(event_id),
        )  # fmt: skip
    fault = verify(database, heads).fault
    assert fault is not None
    assert (fault.event_id, "does not prove" in fault.sentence) == (gone[0], True)
    ((proof,),) = database.execute(privacy["redactions_of"], {"certificate_id": "c1"}).fetchall()
    write(
        database, 1, action="privacy.destroy", object_type="certificate", object_id="c1", customer_ids=[],
        detail={"redactions": proof},
    )  # fmt: skip
    found = verify(database, heads)
    assert (found.fault, found.redacted) == (None, 3)
    # One more in its name is no more proved, and neither is another change of one of them.
    with database.transaction(force_rollback=True):
        tampered.run("update crm.events set actor = 'nobody' where event_id = %s", gone[1])
        assert named(verify(database, heads).fault or Fault(sentence="")) == gone[1]
    forged = tampered.ids[1]
    before = hashed(forged)
    tampered.run("update crm.events set actor = 'nobody' where event_id = %s", forged)
    tampered.run(
        "insert into crm.event_redactions (event_id, certificate_id, former_leaf, leaf) values (%s, 'c1', %s, %s)",
        forged, before, hashed(forged),
    )  # fmt: skip
    assert named(verify(database, heads).fault or Fault(sentence="")) == forged


def test_the_heads_outside_are_written_on_and_never_over(
    settings: Settings, admin: Database
) -> None:
    file = audit.heads_file(settings)
    write(admin, 0)
    seal(settings)
    first = file.read_bytes()
    # Half a line of a writer that was killed is ours, and was never whole.
    file.write_bytes(first + b'{"seal": 2, "se')
    assert looked_at(settings).fault is None
    write(admin, 1)
    seal(settings)
    assert file.read_bytes().startswith(first)
    assert looked_at(settings) == audit.Verified(events=2, seals=2, heads=2)
    whole = file.read_bytes()
    for damage, said in (
        (whole + whole, "line 3"),
        (b"x\n" + whole, "line 1"),
        (whole + b'{"seal": "x"}\n', "line 3"),
    ):
        file.write_bytes(damage)
        fault = looked_at(settings).fault
        assert fault is not None
        assert said in fault.sentence
    for damage, said in (
        (whole.replace(b'"head": "', b'"head": "0'), "another head of seal 2"),
        (whole + b'{"seal": 3, "head": "0"}\n', "another head of seal 3"),
        (whole + b"{}\n", "no head"),
    ):
        file.write_bytes(damage)
        write(admin, 2)
        with pytest.raises(Broken, match=said):
            seal(settings)
        assert file.read_bytes() == damage
    # What a lost file held comes back; what it could have shown is gone with it.
    file.unlink()
    seal(settings)
    found = looked_at(settings)
    assert (found.heads, found.fault) == (found.seals, None)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_no_program_changes_events_or_seals(
    settings: Settings, admin: Database, role: Role
) -> None:
    write(admin, 0)
    seal(settings)
    with psycopg.connect(settings.url_for(role), autocommit=True) as program:
        for table in ("crm.events", "crm.event_seals"):
            for statement in (
                f"update {table} set events = 1"
                if "seals" in table
                else f"update {table} set actor = 'x'",
                f"delete from {table}",
                f"truncate {table}",
                f"alter table {table} disable trigger all",
                f"drop table {table}",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    program.execute(statement)  # type: ignore[arg-type]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            program.execute(
                "insert into crm.event_seals (seal_no, sealed_at, events, event_ids, leaves, former_head, head)"
                " values (9, now(), 0, '{}', '', '', '')"
            )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            program.execute(
                "insert into crm.events (event_id, actor, role, action, object_type, object_id, transaction_id)"
                " values ('e', 'a', 'admin', 'x.y', 'o', 'i', '1')"
            )
    # The owner is held by the trigger, until it takes that away.
    for table in ("events", "event_seals"):
        for statement in (f"delete from crm.{table}", f"truncate crm.{table}"):
            with pytest.raises(psycopg.errors.RaiseException, match=f"crm.{table} is append-only"):
                admin.execute(statement)  # type: ignore[arg-type]


def test_a_file_that_is_elsewhere_is_no_fault(settings: Settings, tmp_path: Path) -> None:
    with psycopg.connect(settings.url_for(Role.APP)) as database:
        assert verify(database, tmp_path / "none" / "heads.jsonl") == audit.Verified()
