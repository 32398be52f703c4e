"""A backup restored into a new cluster: everything is there, equal, and what is sent afterwards is shown."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from media.store import MediaStore
from operations import backup_file
from operations.commands import backup
from operations.runtime import warehouse_server
from tests.dbt_project.raw_rows import add_connections, inbound, mail
from tests.operations.conftest import Crm
from transform.fold import SQL as FOLD
from transform.resident import take_in
from warehouse import audit, connections
from warehouse.events import Event, record
from warehouse.settings import Role, Settings


@pytest.fixture
def filled(
    warehouse: Settings, admin: psycopg.Connection[Any], fold_now: Callable[[], int]
) -> Settings:
    """Messages by both doors, what people decided about them, a file, and one connection with secrets."""
    add_connections(admin)
    for number in range(5):
        inbound(number).insert(admin)
    mail(1).insert(admin)
    connections.add(
        admin,
        warehouse,
        channel="twilio_sms",
        name="SMS",
        actor="test",
        values={"account_sid": "AC" + "1" * 32, "auth_token": "t" * 32},
    )
    admin.execute(
        "insert into crm.users (user_name, display_name, email, role, password_hash)"
        " values ('kim', 'Kim', 'kim@example.com', 'admin', 'x')"
    )
    admin.execute(
        "insert into crm.sessions (session_id, token_hash, user_name, expires_at)"
        " values ('s', 'x', 'kim', now() + interval '1 hour')"
    )
    admin.execute(
        "insert into crm.customers (customer_id, name, created_by) values ('c1', E'Sam \\\\ \\t Example', 'kim')"
    )
    admin.execute(
        "insert into crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason)"
        " values ('l1', 'd1', 'phone:+61491570006', 'c1', 'kim', 'said so')"
    )
    fold_now()
    return warehouse


Hashes = dict[str, tuple[int, str]]


def hashes(url: str) -> Hashes:
    """Every table that a backup keeps, with its rows and their hash."""
    with psycopg.connect(url) as database:
        database.execute(backup_file.ONE_SPELLING)
        return {
            f"{table.schema}.{table.name}": backup_file.measured(database, table)
            for table in backup_file.tables(database)
        }


def told_before(database: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    """All events but that of the restore; in which transaction each was written says nothing in another server."""
    return database.execute(
        "select to_jsonb(events) - 'transaction_id' from crm.events as events"
        " where action <> 'warehouse.restore' order by event_id"
    ).fetchall()


def with_migration(file: Path, name: str) -> Path:
    """The backup as a version that has this migration, too, would have written it."""
    newer = file.with_name("newer.zip")
    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(newer, "w") as written:
        for member in archive.namelist():
            content = archive.read(member)
            if member == "manifest.json":
                manifest = json.loads(content)
                manifest["migrations"].append(name)
                content = json.dumps(manifest).encode()
            written.writestr(member, content)
    return newer


def hash_of_messages(database: psycopg.Connection[Any]) -> tuple[Any, ...]:
    row = database.execute(FOLD["hash_of_messages"]).fetchone()
    assert row is not None
    return tuple(row)


def test_what_was_there_is_there_and_what_is_sent_afterwards_is_shown(
    crm: Crm, filled: Settings, admin: psycopg.Connection[Any], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, programs: None,
) -> None:  # fmt: skip
    stored = MediaStore(filled.media_root).store(b"the bytes of a picture" * 1000)
    for number in range(9):
        record(admin, Event(actor="kim", role="admin", action="timeline.view", object_type="customer", object_id=f"c{number}"))  # fmt: skip
        if number % 3 == 0:
            audit.seal(admin, filled)
    assert audit.verify(admin, audit.heads_file(filled)).seals == 3
    before = hash_of_messages(admin)
    file = tmp_path / "backup.zip"
    status, out, err = crm("backup", "--out", str(file), "--json")
    assert status == 0, err
    assert json.loads(out)["media"] == 1
    assert file.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(file) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert filled.master_keys[0].encode() not in everything
    kept = hashes(filled.admin_url)
    # Refused where somebody is at work, by whatever name; and it stays as it was.
    with psycopg.connect(filled.url_for(Role.ANALYST), application_name="a tool of theirs"):
        status, _, err = crm("restore", str(file))
    assert (status, "a tool of theirs as crm_analyst" in err) == (2, True), err
    assert (hashes(filled.admin_url), hash_of_messages(admin)) == (kept, before)

    monkeypatch.delenv("CRM_DATABASE_URL")
    folder = tmp_path / "elsewhere"
    monkeypatch.setenv("CRM_DATA_DIR", str(folder))
    monkeypatch.setenv("CRM_MASTER_KEY", "another-invented-master-key-0123456789")
    status, _, err = crm("restore", str(file), "--data-dir", str(folder))
    assert (status, "CRM_MASTER_KEY" in err) == (2, True), err
    monkeypatch.setenv("CRM_MASTER_KEY", filled.master_keys[0])
    # Nothing is made of what a newer version wrote.
    status, _, err = crm(
        "restore", str(with_migration(file, "9999-later")), "--data-dir", str(folder)
    )
    assert (status, "newer version" in err, "9999-later" in err) == (2, True, True), err
    assert not (folder / "postgres").exists()
    # What fails at its end leaves a warehouse that is as empty as before.
    finish = backup._finish
    monkeypatch.setattr(backup, "_finish", failing)
    with pytest.raises(RuntimeError, match="at its end"):
        crm("restore", str(file), "--data-dir", str(folder))
    monkeypatch.setattr(backup, "_finish", finish)
    status, out, err = crm("restore", str(file), "--data-dir", str(folder))
    assert status == 0, err
    assert "every hash is that of the backup" in out

    restored = Settings(data_dir=folder, _env_file=None)  # type: ignore[call-arg]
    assert MediaStore(restored.media_root).read(stored).startswith(b"the bytes of")
    with (
        warehouse_server.serving(restored) as served,
        psycopg.connect(served.admin_url, autocommit=True) as there,
    ):
        # All is equal but that everybody is signed out, and that this is written down.
        found = hashes(served.admin_url)
        assert {name for name in kept if found[name] != kept[name]} == {
            "crm.events",
            "crm.sessions",
        }
        assert found.keys() == kept.keys()
        assert told_before(there) == told_before(admin)
        ((known,),) = there.execute(
            "select connection_id from crm.connections where name = 'SMS' and created_by = 'test' and signing is not null"
        ).fetchall()
        opened = connections.find(there, served, known)
        assert opened is not None
        assert opened.secrets["auth_token"] == "t" * 32
        assert there.execute("select name from crm.customers").fetchall() == [
            ("Sam \\ \t Example",)
        ]
        # Whoever was signed out after the backup must not come back with it.
        assert there.execute(
            "select count(*) from crm.sessions where revoked_at is null"
        ).fetchall() == [(0,)]
        assert there.execute(
            "select count(*) from crm.events where action = 'warehouse.restore'"
        ).fetchone() == (1,)
        _the_log_is_whole(there, served, audit.heads_file(filled))
        take_in(served)
        assert hash_of_messages(there)[0] == before[0]
        content = "select message_id, body, sent_at from canonical.messages order by message_id"
        assert there.execute(content).fetchall() == admin.execute(content).fetchall()
        inbound(99).insert(there)
        take_in(served)
        assert hash_of_messages(there)[0] == before[0] + 1
    # A warehouse that holds something is refused before anything is copied into its folder.
    ours = MediaStore(restored.media_root)
    ours.files.rm(ours.path(stored))
    status, _, err = crm("restore", str(file), "--data-dir", str(folder))
    assert (status, "this warehouse is not empty (crm." in err) == (2, True), err
    assert not ours.has(stored)


def _the_log_is_whole(there: psycopg.Connection[Any], served: Settings, former_heads: Path) -> None:
    """Seals and events prove each other in the other server, too, with the heads that were written outside of the first
    one; what no seal held is sealed there, and what is done to it there is found."""
    found = audit.verify(there, former_heads)
    assert (found.fault, found.seals, found.heads) == (None, 3, 3)
    assert found.unsealed >= 3
    sealed = audit.seal(there, served)
    assert sealed == found.unsealed
    again = audit.verify(there, audit.heads_file(served))
    assert (again.fault, again.events, again.unsealed) == (None, found.events + sealed, 0)
    with there.transaction(force_rollback=True):
        there.execute("alter table crm.events disable trigger events_append_only")
        ((event_id,),) = there.execute(
            "update crm.events set actor = 'nobody' where object_id = 'c5' returning event_id"
        ).fetchall()
        fault = audit.verify(there, audit.heads_file(served)).fault
        assert fault is not None
        assert fault.event_id == event_id


def failing(*_: Any) -> None:
    raise RuntimeError("at its end")


def test_what_is_no_whole_backup_is_refused(crm: Crm, warehouse: Settings, tmp_path: Path) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 and no more")
    for file in (broken, tmp_path / "none.zip"):
        status, _, err = crm("restore", str(file))
        assert (status, "is no whole backup" in err) == (2, True), err
    status, _, err = crm("backup", "--out", str(tmp_path / "nowhere" / "b.zip"))
    assert (status, "there is no folder" in err) == (2, True), err
