"""The fold as a process: what it cannot digest, who holds a transaction open, who else folds, where the dump was restored."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.dbt_project.raw_rows import Form, add_connections, inbound, mail, sid
from transform import fold
from transform.build import build
from transform.models import Models, ModelsFailed
from transform.resident import Builder, adopt_cluster, take_in
from warehouse.queries import queries
from warehouse.settings import Role, Settings
from webhooks.replay import replay
from worker import watchdog

FoldNow = Callable[[], int]


@pytest.fixture
def correspondence(admin: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    add_connections(admin)
    return admin


def shown(admin: psycopg.Connection[Any]) -> list[str]:
    rows = admin.execute(
        "select provider_message_id from marts.messages order by sort_key"
    ).fetchall()
    return [row[0] for row in rows]


def set_aside(admin: psycopg.Connection[Any]) -> list[str]:
    rows = admin.execute("select reason from marts.quarantine order by raw_ref").fetchall()
    return [row[0] for row in rows]


def poison(admin: psycopg.Connection[Any], kind: str) -> None:
    """Make one kind of delivery that the database cannot take in: body 'poison'. By a trigger, as a fault of that class in a
    model would; the models themselves know no way to fail."""
    fault = {
        "a value out of range": "perform (new.body || '1')::integer / 0",
        "too deep": "perform repeat('[', 100000)::jsonb",
        "too long for an index": (
            "create table if not exists canonical.keys (k text primary key);"
            " insert into canonical.keys select string_agg(md5(random()::text), '') from generate_series(1, 200)"
        ),
        "a statement that never ends": "perform pg_sleep(30)",
    }[kind]
    if kind == "a value out of range":
        fault = "perform 1 / (length(new.body) - 6)"
    admin.execute(
        "create function canonical.fail() returns trigger language plpgsql as"
        f" $$ begin if new.body = 'poison' then {fault}; end if; return new; end $$"  # type: ignore[arg-type]
    )
    admin.execute(
        "create trigger fail before insert on canonical.messages for each row execute function canonical.fail()"
    )


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("a value out of range", "division by zero"),
        ("too deep", "stack depth limit exceeded"),
        ("too long for an index", "index row size"),
        ("a statement that never ends", "canceling statement due to statement timeout"),
    ],
)
def test_what_the_database_cannot_take_in_is_set_aside_and_its_neighbours_are_shown(
    correspondence: psycopg.Connection[Any],
    fold_now: FoldNow,
    kind: str,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fold, "STATEMENT_SECONDS", 2)
    poison(correspondence, kind)
    for number in range(1, 20):
        inbound(number, body="poison" if number in (3, 11) else "hello").insert(correspondence)
    mail(1).insert(correspondence)
    fold_now()
    assert len(shown(correspondence)) == 18
    assert [reason.split(": ")[0] for reason in set_aside(correspondence)] == [
        "the database could not take it in"
    ] * 2
    assert all(sentence in reason for reason in set_aside(correspondence))
    outcomes = correspondence.execute(
        "select outcome, count(*) from marts.outcomes group by 1 order by 1"
    ).fetchall()
    assert outcomes == [("message", 18), ("quarantined", 2)]

    # The bytes are there, others go on arriving, and after a mend a replay brings them in.
    inbound(30).insert(correspondence)
    fold_now()
    assert len(shown(correspondence)) == 19
    correspondence.execute("drop function canonical.fail() cascade")
    # A replay reads the exact bytes anew.
    correspondence.execute(
        "update raw.webhook_deliveries set body = convert_to(payload::text, 'UTF8'), content_type = 'application/json'"
    )
    with correspondence.transaction():
        assert replay(correspondence, quarantined=True).deliveries == 2
    fold_now()
    assert len(shown(correspondence)) == 21
    assert set_aside(correspondence) == []


def test_a_fault_of_the_models_sets_nothing_aside(
    correspondence: psycopg.Connection[Any], settings: Settings
) -> None:
    inbound(1).insert(correspondence)
    with fold.connect(settings) as database:
        found = fold.standing(database)
        assert found is not None
        session = fold.Fold(database, found[1])
        correspondence.execute("alter table canonical.messages rename column body to text")
        with pytest.raises(psycopg.errors.UndefinedColumn):
            session.once()
        correspondence.execute("alter table canonical.messages rename column text to body")
    assert correspondence.execute("select count(*) from canonical.set_aside").fetchone() == (0,)


def test_so_many_culprits_that_it_must_be_the_models_are_not_set_aside_without_end(
    correspondence: psycopg.Connection[Any], fold_now: FoldNow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "MOST_CULPRITS", 3)
    poison(correspondence, "a value out of range")
    for number in range(8):
        inbound(number, body="poison").insert(correspondence)
    with pytest.raises(ModelsFailed, match="more than 3 rows"):
        fold_now()
    row = correspondence.execute("select count(*) from canonical.set_aside").fetchone()
    assert row is not None
    assert row[0] <= 3


def test_an_open_transaction_delays_nobody_and_is_not_forgotten(
    correspondence: psycopg.Connection[Any], settings: Settings, fold_now: FoldNow
) -> None:
    """Two writers stay open while others come and go; what they wrote is shown once they commit, in whatever order."""
    with (
        psycopg.connect(settings.url_for(Role.ADMIN)) as early,
        psycopg.connect(settings.url_for(Role.ADMIN)) as late,
    ):
        inbound(1).insert(early)
        inbound(2).insert(correspondence)
        fold_now()
        assert shown(correspondence) == [sid(2)]
        inbound(3).insert(late)
        inbound(4).insert(correspondence)
        fold_now()
        assert set(shown(correspondence)) == {sid(2), sid(4)}
        late.commit()
        fold_now()
        assert set(shown(correspondence)) == {sid(2), sid(3), sid(4)}
        for number in range(5, 15):
            inbound(number).insert(correspondence)
            fold_now()
        early.commit()
        fold_now()
        assert set(shown(correspondence)) == {sid(number) for number in range(1, 15)}
    # Each row was read once, but for what came in the transactions that stayed open.
    row = correspondence.execute("select sum(raw_rows) from canonical.folds").fetchone()
    assert row == (14,)


def test_a_long_backlog_is_folded_in_parts_that_become_visible(
    correspondence: psycopg.Connection[Any], fold_now: FoldNow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "LARGEST_BATCH", 10)
    for number in range(35):
        inbound(number).insert(correspondence)
    fold_now()
    assert len(shown(correspondence)) == 35
    sizes = correspondence.execute("select raw_rows from canonical.folds order by fold").fetchall()
    assert sum(size for (size,) in sizes) == 35
    assert max(size for (size,) in sizes) <= 10


def test_what_a_fold_touched_is_told_by_name(
    correspondence: psycopg.Connection[Any], settings: Settings, fold_now: FoldNow
) -> None:
    correspondence.execute(
        "insert into crm.customers (customer_id, name, created_by) values ('c1', 'Sam', 't')"
    )
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as listener:
        listener.execute("listen crm_changed")
        correspondence.execute(
            "insert into crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason)"
            " values ('l', 'd', 'phone:+61491570006', 'c1', 't', 't')"
        )
        inbound(1, body="a secret").insert(correspondence)
        fold_now()
        notices = list(listener.notifies(timeout=30, stop_after=2))
    link, folded = (json.loads(notice.payload) for notice in notices)
    assert link == {"identities": ["phone:+61491570006"], "customers": ["c1"]}
    assert folded["identities"] == ["phone:+61491570006"]
    assert folded["customers"] == ["c1"]
    assert folded["conversations"] == ["twilio_sms|+61491570156|+61491570006"]
    assert "secret" not in notices[1].payload


def test_a_dump_restored_into_another_cluster_is_taken_up_where_it_stood(
    correspondence: psycopg.Connection[Any], settings: Settings, fold_now: FoldNow
) -> None:
    """The ids of the former cluster's transactions lie in the future of this one."""
    inbound(1).insert(correspondence)
    fold_now()
    inbound(2).insert(correspondence)
    # As a restore leaves it: ids far ahead, the progress that of the other cluster, message 2 not yet folded there.
    correspondence.execute(
        "update raw.webhook_deliveries set transaction_id = case when payload ->> 'MessageSid' = %s"
        " then '5000000000'::xid8 else '5000000007'::xid8 end",
        [sid(1)],
    )
    correspondence.execute(
        "update canonical.fold_state set folded = '5000000005:5000000005:', target = '5000000005:5000000005:',"
        " system_identifier = 'another'"
    )
    inbound(3).insert(correspondence)
    fold_now()
    assert shown(correspondence) == [sid(1)]
    with fold.connect(settings) as database:
        adopt_cluster(database)
    fold_now()
    assert set(shown(correspondence)) == {sid(1), sid(2), sid(3)}
    inbound(4).insert(correspondence)
    fold_now()
    assert set(shown(correspondence)) == {sid(1), sid(2), sid(3), sid(4)}


@contextlib.contextmanager
def resident(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "CRM_DATABASE_URL": settings.admin_url,
        "CRM_DATA_DIR": str(settings.data_dir),
        "CRM_MASTER_KEY": ",".join(settings.master_keys),
    }
    process = subprocess.Popen([sys.executable, "-m", "transform"], env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait(60)


def wait_for(admin: psycopg.Connection[Any], expected: set[str], seconds: float = 60) -> float:
    started = time.monotonic()
    while set(shown(admin)) != expected:
        assert time.monotonic() - started < seconds, (set(shown(admin)), expected)
        time.sleep(0.02)
    return time.monotonic() - started


def post(admin: psycopg.Connection[Any], form: Form) -> None:
    """As the receiver lands it: the row and the notice in one transaction."""
    with admin.transaction():
        form.insert(admin)
        admin.execute("select pg_notify('crm_deliveries', 'twilio_sms x')")


def test_one_folds_and_the_other_takes_over(
    correspondence: psycopg.Connection[Any], settings: Settings
) -> None:
    with resident(settings) as first:
        post(correspondence, inbound(1))
        wait_for(correspondence, {sid(1)})
        with resident(settings) as second:
            time.sleep(2)
            post(correspondence, inbound(2))
            wait_for(correspondence, {sid(1), sid(2)})
            first.send_signal(signal.SIGKILL)
            first.wait(60)
            post(correspondence, inbound(3))
            assert wait_for(correspondence, {sid(1), sid(2), sid(3)}) < 15
            assert second.poll() is None
            assert take_in(settings) < 10
    # Whoever has something taken in waits for what was committed when they asked, and not for what comes meanwhile.
    with fold.connect(settings) as folding:
        found = fold.standing(folding)
        assert found
        (asked,) = folding.execute("select pg_current_snapshot()::text").fetchone() or ("",)
        post(correspondence, inbound(4))
        assert fold.has_new(folding, found[1])
        assert not fold.has_new(folding, found[1], asked)


def test_killed_in_the_middle_of_a_fold_leaves_nothing_half_done(
    correspondence: psycopg.Connection[Any], settings: Settings
) -> None:
    """The backend of the folding session is ended at random moments while deliveries come."""
    with resident(settings):
        for number in range(40):
            post(correspondence, inbound(number))
            correspondence.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'crm fold works'"
            )
            assert correspondence.execute(
                "select (select count(*) from canonical.messages where content_order is not null)"
                " = (select coalesce(sum(message_count), 0) from canonical.threads)"
                " and (select coalesce(sum(message_count), 0) from canonical.threads)"
                " = (select coalesce(sum(message_count), 0) from canonical.identities)"
            ).fetchone() == (True,)
        wait_for(correspondence, {sid(number) for number in range(40)}, 60)


def test_what_landed_and_is_not_folded_is_noticed_without_the_folds_own_word(
    correspondence: psycopg.Connection[Any], settings: Settings, fold_now: FoldNow
) -> None:
    """Nobody folds; then somebody does, whose idea of what is new is wrong."""
    lately = datetime.now(UTC) - timedelta(minutes=2)
    Form(fields=inbound(1).fields, received_at=lately).insert(correspondence)
    assert watchdog.watch(settings) == watchdog.Missing(1, lately)
    state = correspondence.execute(queries("app_read")["warehouse_state"]).fetchone()
    assert state is not None
    assert state[2] == lately
    fold_now()
    assert watchdog.watch(settings) == watchdog.Missing(0, None)
    Form(fields=inbound(2).fields, received_at=lately).insert(correspondence)
    # Progress that claims too much: what landed looks folded to the fold.
    correspondence.execute(
        "update canonical.fold_state set folded = '9000000000:9000000000:', target = '9000000000:9000000000:'"
    )
    assert fold_now() == 0
    assert watchdog.watch(settings).count == 1
    # A load of a history is missed as well.
    mail(1).insert(correspondence)
    correspondence.execute(
        "update raw_gmail.messages set _dlt_load_id = %s", [str(lately.timestamp())]
    )
    assert watchdog.watch(settings).count == 2


def test_what_a_build_took_in_is_not_missed(
    correspondence: psycopg.Connection[Any], settings: Settings, models: Models
) -> None:
    """Nobody folded it: it landed before the first build, or just before a swap."""
    lately = datetime.now(UTC) - timedelta(minutes=2)
    Form(fields=inbound(1).fields, received_at=lately).insert(correspondence)
    mail(1).insert(correspondence)
    correspondence.execute(
        "update raw_gmail.messages set _dlt_load_id = %s", [str(lately.timestamp())]
    )
    assert watchdog.watch(settings).count == 2
    build(settings, models, compare=False)
    assert watchdog.watch(settings) == watchdog.Missing(0, None)


def test_a_build_that_fails_is_tried_again_later_and_not_at_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = Builder(settings)
    builder.start_if_due()
    assert not builder.has_ended()
    # The child is told to build in a database that is not there.
    monkeypatch.setenv("CRM_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("CRM_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("CRM_MASTER_KEY", ",".join(settings.master_keys))
    builder.is_wanted = True
    builder.start_if_due()
    deadline = time.monotonic() + 60
    while not builder.has_ended():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert builder.is_wanted
    assert not builder.is_due()
