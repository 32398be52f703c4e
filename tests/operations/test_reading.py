"""Commands that show people, with a replica (`CRM_READ_DATABASE_URL`): a real one, held back and frozen."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app import replica
from tests.operations.conftest import Crm
from tests.replicas import Standby
from warehouse.settings import Settings

#: So often the tables that these commands read were looked into.
LOOKS = "select coalesce(sum(seq_scan + coalesce(idx_scan, 0)), 0)::int from pg_stat_user_tables where schemaname = 'crm' and relname = 'customers'"


class Beside:
    """The replica of the test's warehouse, and how often it was read."""

    def __init__(self, standby: Standby, database: str) -> None:
        self.standby = standby
        self._url = f"{standby.superuser_url.rpartition('/')[0]}/{database}"
        self._read = self._looks()

    def was_read(self) -> bool:
        """Since the last question."""
        before, self._read = self._read, self._looks()
        return self._read > before

    def _looks(self) -> int:
        with psycopg.connect(self._url) as connection:
            row = connection.execute(LOOKS).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def beside(
    warehouse: Settings, standby: Standby, admin: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Beside]:  # fmt: skip
    add(admin, "sam")
    standby.has_all(warehouse.admin_url)
    database = warehouse.admin_url.rpartition("/")[2]
    monkeypatch.setenv("CRM_READ_DATABASE_URL", standby.url(database))
    yield Beside(standby, database)
    standby.thaw()
    standby.go_on()


def add(admin: psycopg.Connection[Any], name: str) -> None:
    admin.execute(
        "insert into crm.customers (customer_id, name, created_by) values (%s, %s, 'test')",
        [name, name],
    )


def names(crm: Crm) -> tuple[set[str], str]:
    status, out, err = crm("customer", "list", "--json")
    assert status == 0, err
    return {row["name"] for row in json.loads(out)["customers"]}, err


def test_each_reads_the_replica_and_leaves_its_event_on_the_primary(
    crm: Crm, beside: Beside, admin: psycopg.Connection[Any], tmp_path: Path
) -> None:
    file = tmp_path / "out.csv"
    commands = {
        ("customer", "list"): "customer.search",
        ("customer", "show", "sam"): "customer.view",
        ("customer", "export", str(file)): "customer.export",
        ("search", "cafe", "--customer", "sam"): "message.search",
    }
    for command, action in commands.items():
        status, _, err = crm(*command)
        assert (status, err) == (0, "")
        assert beside.was_read(), command
        assert admin.execute("select count(*) from crm.events where action = %s", [action]).fetchone() == (1,)  # fmt: skip
    written = file.read_text(encoding="utf-8-sig")
    assert "sam" in written
    # What cannot be told of is not shown.
    admin.execute("alter table crm.events rename to events_away")
    for command in commands:
        status, out, _ = crm(*command)
        assert status != 0
        assert "sam" not in out
    assert file.read_text(encoding="utf-8-sig") == written


def test_what_was_decided_before_the_command_is_in_what_it_shows(
    crm: Crm, beside: Beside, admin: psycopg.Connection[Any]
) -> None:
    beside.standby.hold()
    add(admin, "kim")
    later = threading.Timer(1.5, beside.standby.go_on)
    later.start()
    assert names(crm) == ({"sam", "kim"}, "")
    later.join()
    assert beside.was_read()


def test_one_that_lags_or_is_silent_is_not_asked(
    crm: Crm, beside: Beside, admin: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica, "LATE_SECONDS", 2.0)
    beside.standby.hold()
    add(admin, "kim")
    shown, said = names(crm)
    assert shown == {"sam", "kim"}
    assert said.rstrip().endswith("read from the primary")
    assert not beside.was_read()
    beside.standby.go_on()
    beside.standby.freeze()
    shown, said = names(crm)
    assert shown == {"sam", "kim"}
    assert "the replica does not answer: read from the primary" in said
