"""Pages on a replica (`CRM_READ_DATABASE_URL`): a real one, held back and frozen."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from pydantic import SecretStr

from app import act, database, health, read, replica, work
from app.access.roles import Forbidden, Permission
from app.access.sessions import Viewer
from app.live import changes, topics
from app.live.changes import House
from app.reading import reading
from tests.app.conftest import Correspondence
from tests.event_loops import apart
from tests.replicas import Standby
from warehouse.settings import Role, Settings, SettingsError

SAM = "+61491570156"


@pytest.fixture
def beside(
    correspondence: Correspondence, standby: Standby, programs: None
) -> Iterator[replica.Replica]:
    """The app's process reads from the replica, which has everything."""
    standby.has_all(correspondence.settings.admin_url)
    url = SecretStr(standby.url(correspondence.settings.admin_url.rpartition("/")[2]))
    database.use(correspondence.settings.model_copy(update={"read_database_url": url}))
    made = replica.beside()
    assert made is not None
    until(lambda: made.left_out is None)
    yield made
    standby.thaw()
    standby.go_on()
    replica.close()


def until(is_so: Callable[[], object], seconds: float = 60.0) -> float:
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds, "it did not come about"
        time.sleep(0.02)
    return time.monotonic() - began


def names(viewer: Viewer) -> set[str]:
    return {row["name"] for row in read.customers(viewer, "").rows}


def bodies(viewer: Viewer, customer_id: str) -> list[str]:
    opened = read.timeline(viewer, customer_id)
    return [row["body"] for row in opened.messages] if opened else []


def followed(correspondence: Correspondence, standby: Standby) -> None:
    standby.has_all(correspondence.settings.admin_url)


def test_without_the_setting_there_is_none(correspondence: Correspondence, agent: Viewer) -> None:
    assert replica.beside() is None
    assert names(agent) == set()
    act.create_customer(agent, "Sam")
    assert replica.beside() is None
    assert "replica" not in {each.name for each in threading.enumerate()}
    # Nothing was noted of the session.
    assert correspondence.execute("select read_after from crm.sessions") == [(None,)]


def test_rows_come_from_the_replica_and_the_event_from_the_primary(
    correspondence: Correspondence, standby: Standby, beside: replica.Replica, agent: Viewer
) -> None:
    correspondence.customer("Before")
    followed(correspondence, standby)
    standby.hold()
    correspondence.customer("Behind")
    assert names(agent) == {"Before"}
    # What was shown is known at once, where it counts.
    assert len(correspondence.events("customer.search")) == 1
    # And where it cannot be known nothing is shown.
    correspondence.execute("alter table crm.events rename to events_away")
    with pytest.raises(psycopg.Error):
        names(agent)
    correspondence.execute("alter table crm.events_away rename to events")
    standby.go_on()
    followed(correspondence, standby)
    assert names(agent) == {"Before", "Behind"}


def test_who_may_not_any_more_reads_nothing_however_old_the_replica_is(
    correspondence: Correspondence, standby: Standby, beside: replica.Replica, agent: Viewer
) -> None:
    followed(correspondence, standby)
    standby.hold()
    correspondence.execute("update crm.users set disabled_at = now() where user_name = 'agent'")
    with pytest.raises(Forbidden):
        names(agent)


def test_limits_hold_on_the_replica(
    correspondence: Correspondence, standby: Standby, beside: replica.Replica, agent: Viewer
) -> None:
    customer_id = correspondence.customer("Sam", f"phone:{SAM}")
    correspondence.sms(SAM, "By text", datetime.now(UTC))
    followed(correspondence, standby)
    assert bodies(agent, customer_id) == ["By text"]
    # Of this moment, though the replica does not have them yet.
    standby.hold()
    correspondence.execute("update crm.users set only_channels = '{gmail}' where user_name = 'agent'")  # fmt: skip
    assert bodies(agent, customer_id) == []
    # The next who reads on the same connection has none.
    assert bodies(correspondence.signed_in("kim"), customer_id) == ["By text"]


def test_a_person_sees_their_own_decision_in_every_process_and_others_when_it_is_there(
    correspondence: Correspondence, standby: Standby, beside: replica.Replica, agent: Viewer
) -> None:
    other = correspondence.signed_in("kim")
    followed(correspondence, standby)
    standby.hold()
    act.create_customer(agent, "Decided")
    assert names(agent) == {"Decided"}
    assert names(other) == set()
    # Another process of the app, or another host, knows it by the session's row.
    beside._seen.clear()
    assert names(agent) == {"Decided"}
    standby.go_on()
    followed(correspondence, standby)
    assert names(other) == {"Decided"}
    # From now on the replica serves both.
    standby.hold()
    correspondence.customer("Behind")
    assert names(agent) == names(other) == {"Decided"}


def test_nobody_goes_back_to_what_was_before(
    correspondence: Correspondence, standby: Standby, beside: replica.Replica, agent: Viewer
) -> None:
    followed(correspondence, standby)
    standby.hold()
    act.create_customer(agent, "Decided")
    # Read on the primary, for the sake of the decision.
    correspondence.customer("Seen there")
    assert names(agent) == {"Decided", "Seen there"}
    correspondence.execute("update crm.sessions set read_after = null")
    assert names(agent) == {"Decided", "Seen there"}


def test_what_is_read_and_writes_goes_to_the_primary(
    correspondence: Correspondence, standby: Standby, beside: replica.Replica, agent: Viewer
) -> None:
    correspondence.customer("Sam", f"phone:{SAM}")
    correspondence.sms(SAM, "Hello", datetime.now(UTC))
    followed(correspondence, standby)
    since = work.looked_at(agent)
    shown = work.work(agent, work.Which.NEW, 30, since)
    assert len(shown.rows) == 1
    work.looked(agent, shown, since)
    assert correspondence.execute("select count(*) from crm.last_looks") == [(1,)]


def test_one_that_lags_is_left_out_said_on_health_and_comes_back(
    correspondence: Correspondence, standby: Standby, beside: replica.Replica, agent: Viewer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(replica, "LATE_SECONDS", 5.0)
    followed(correspondence, standby)
    began = time.monotonic()
    standby.hold()
    correspondence.customer("Behind")
    assert names(agent) == set()
    until(lambda: beside.left_out is not None)
    assert time.monotonic() - began > 4.0
    assert names(agent) == {"Behind"}
    (finding,) = [each for each in health.report(at_most_old=0).findings if each.what == "replica"]
    assert finding.kind == "warn"
    assert "The replica that pages read from is " in finding.sentence
    assert "seconds behind: they read from the primary" in finding.sentence
    standby.go_on()
    until(lambda: beside.left_out is None)
    assert "replica" not in {each.what for each in health.report(at_most_old=0).findings}


def test_an_idle_primary_makes_nobody_late(
    correspondence: Correspondence, standby: Standby, beside: replica.Replica,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(replica, "LATE_SECONDS", 1.0)
    followed(correspondence, standby)
    standby.hold()
    time.sleep(2.5)
    assert beside.left_out is None


def test_pages_go_on_where_it_is_frozen_in_the_middle_of_a_statement(
    correspondence: Correspondence, standby: Standby, beside: replica.Replica, agent: Viewer
) -> None:
    correspondence.customer("Sam")
    followed(correspondence, standby)
    assert names(agent) == {"Sam"}
    standby.freeze()
    began = time.monotonic()
    # The one who waits for it is answered by the primary, and seen to have asked once.
    before = len(correspondence.events("customer.search"))
    assert names(agent) == {"Sam"}
    assert len(correspondence.events("customer.search")) == before + 1
    assert time.monotonic() - began < replica.SILENT_SECONDS + 2 * replica.LOOK_SECONDS + 20
    assert beside.left_out == "does not answer"
    began = time.monotonic()
    for _ in range(20):
        assert names(agent) == {"Sam"}
    # Each that still waited for it would take SILENT_SECONDS.
    assert time.monotonic() - began < 20
    assert act.create_customer(agent, "Kim")
    assert names(agent) == {"Sam", "Kim"}
    standby.thaw()
    until(lambda: beside.left_out is None)
    assert names(agent) == {"Sam", "Kim"}


def test_a_reading_goes_on_on_the_primary_with_what_it_had_set_and_its_limits(
    correspondence: Correspondence, standby: Standby, beside: replica.Replica, agent: Viewer
) -> None:
    customer_id = correspondence.customer("Sam", f"phone:{SAM}")
    correspondence.sms(SAM, "By text", datetime.now(UTC))
    correspondence.execute("update crm.users set only_channels = '{gmail}' where user_name = 'agent'")  # fmt: skip
    followed(correspondence, standby)
    where = "select inet_server_port() as port, current_setting('crm.tried', true) as tried"
    with reading(agent, Permission.READ, "message.search", "message", "*") as db:
        db.execute("select set_config('crm.tried', 'kept', true)")
        assert db.execute(where).fetchone() == {"port": standby.port, "tried": "kept"}
        standby.freeze()
        (found,), seen = db.together((where, {}), ("select body from canonical.messages", {}))
        assert found["port"] != standby.port
        assert (found["tried"], seen) == ("kept", [])
        db.tells(count=len(seen))
    assert [each["detail"] for each in correspondence.events("message.search")] == [{"count": 0}]
    standby.thaw()
    until(lambda: beside.left_out is None)
    # Of a file some is with whoever asked: it ends there, and is not begun anew in its middle.
    export = correspondence.signed_in("admin", "admin")
    followed(correspondence, standby)

    def take_out() -> None:
        with (
            reading(export, Permission.EXPORT, "customer.export", "customer", "*") as db,
            db.connection.cursor("export") as pieces,
        ):
            pieces.itersize = 1
            for _ in pieces.execute("select generate_series(1, 5)"):
                standby.freeze()

    with pytest.raises(psycopg.OperationalError):
        take_out()
    assert correspondence.events("customer.export") == []
    assert bodies(correspondence.signed_in("kim"), customer_id) == ["By text"]


@pytest.mark.parametrize("is_asking", [True, False], ids=["in a statement", "between two"])
def test_what_stands_in_the_way_of_the_replay_is_asked_of_the_primary(
    correspondence: Correspondence, standby: Standby, beside: replica.Replica, agent: Viewer,
    is_asking: bool,
) -> None:  # fmt: skip
    correspondence.customer("Sam")
    followed(correspondence, standby)
    settings = correspondence.settings
    conflicts = "select sum(confl_lock)::int from pg_stat_database_conflicts"
    ((before,),) = standby.run(conflicts)
    # One that has waited long enough for its readers waits no more.
    standby.wait_for_readers(0)

    def lock() -> None:
        asks = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"
        until(lambda: not is_asking or standby.run(asks) == [(1,)])
        with psycopg.connect(settings.admin_url) as owner:
            owner.execute("lock table crm.customers in access exclusive mode")
        standby.has_all(settings.admin_url)

    where = "select inet_server_port() as port, current_setting('crm.tried', true) as tried"
    slowly = f"{where}, case when pg_is_in_recovery() then pg_sleep(4) end"
    try:
        with reading(agent, Permission.READ, "message.search", "message", "*") as db:
            db.execute("select set_config('crm.tried', 'kept', true) from crm.customers")
            assert db.execute(where).fetchone() == {"port": standby.port, "tried": "kept"}
            locking = threading.Thread(target=lock)
            locking.start()
            if is_asking:
                ((found,),) = db.together((slowly, {}))
            else:
                locking.join()
                found = db.execute(where).fetchone() or {}
            locking.join()
            assert found["port"] != standby.port
            assert found["tried"] == "kept"
    finally:
        standby.wait_for_readers(None)
    assert len(correspondence.events("message.search")) == 1
    until(lambda: standby.run(conflicts) == [(before + 1,)])
    # It is there, and serves on.
    assert beside.left_out is None
    followed(correspondence, standby)
    with reading(agent, Permission.READ, "message.search", "message", "*") as db:
        row = db.execute(where).fetchone()
        assert row is not None
        assert row["port"] == standby.port


def test_a_server_that_is_no_replica_is_left_out(correspondence: Correspondence, programs: None) -> None:  # fmt: skip
    url = SecretStr(correspondence.settings.admin_url)
    database.use(correspondence.settings.model_copy(update={"read_database_url": url}))
    made = replica.beside()
    assert made is not None
    until(lambda: made.left_out == "is none: the server takes writes itself")
    replica.close()


def test_pages_are_told_when_the_replica_has_it(
    correspondence: Correspondence, standby: Standby, beside: replica.Replica,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    house = House()
    monkeypatch.setattr(changes, "house", house)
    customer_id = correspondence.customer("Sam", f"phone:{SAM}")
    topic = topics.timeline(customer_id)
    said: dict[str, float] = {}

    async def scenario() -> None:
        listening = asyncio.create_task(changes.listen(lambda _: []))
        await asyncio.to_thread(until, lambda: house.hears)
        await asyncio.to_thread(standby.has_all, correspondence.settings.admin_url)
        mark = house.mark
        await asyncio.to_thread(correspondence.sms, SAM, "At once", datetime.now(UTC))
        said["at once"] = await asyncio.to_thread(until, lambda: house.since(topic, mark))
        await asyncio.to_thread(standby.hold)
        mark = house.mark
        await asyncio.to_thread(correspondence.sms, SAM, "Held back", datetime.now(UTC))
        await asyncio.to_thread(
            correspondence.execute, "update crm.sessions set revoked_at = now()"
        )
        await asyncio.sleep(1.5)
        assert house.since(topic, mark) is None
        # Who is signed in is read on the primary, and told at once.
        assert house.people_changes == people + 1
        await asyncio.to_thread(standby.go_on)
        await asyncio.to_thread(until, lambda: house.since(topic, mark))
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)

    correspondence.signed_in("kim")
    people = house.people_changes
    apart(scenario)
    assert said["at once"] < 1.0


def test_it_is_signed_in_to_as_to_the_other_and_its_own_name_goes_nowhere() -> None:
    settings = Settings(
        database_url="postgresql://owner:o@primary:5432/crm",
        read_database_url="postgresql://somebody:secret@replica:5433/crm?sslmode=require",
        master_key="an-invented-master-key-0123456789-abcdefgh",
        _env_file=None,
    )  # type: ignore[call-arg]
    url = settings.read_url_for(Role.APP)
    assert url is not None
    assert url.startswith(
        f"postgresql://crm_app:{settings.role_password(Role.APP)}@replica:5433/crm"
    )
    assert url.endswith("?sslmode=require")
    told = settings.for_program((Role.APP,), ())
    assert told["CRM_READ_DATABASE_URL"] == "postgresql://replica:5433/crm?sslmode=require"
    assert settings.for_program((Role.LOADER,), ())["CRM_READ_DATABASE_URL"] == ""


@pytest.mark.parametrize("given", ["replica", "https://replica", "postgresql://one:1,two:2/crm"])
def test_no_address_of_one_server_is_refused(given: str) -> None:
    with pytest.raises((SettingsError, ValueError), match="no address of one server"):
        Settings(read_database_url=given, _env_file=None)  # type: ignore[call-arg]
