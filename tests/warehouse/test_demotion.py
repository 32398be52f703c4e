"""An embedded cluster of a former version, whose owner was its superuser: a start makes them two."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from operations.runtime.ports import free_port
from tests.template import MASTER_KEY, _wait_for
from warehouse import postgres
from warehouse.migrate import migrate
from warehouse.postgres import Embedded
from warehouse.settings import Role, Settings


@pytest.fixture
def former(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Embedded]:
    """A cluster as version 0.2 made it, running: one role, which is everything."""
    server = Embedded(data_dir=tmp_path / "data", port=free_port())
    with monkeypatch.context() as as_before:
        as_before.setattr(postgres, "SUPERUSER", postgres.OWNER)
        server.prepare()
    password = server.superuser_file.read_text().strip()
    server.superuser_file.unlink()
    url = f"postgresql://{postgres.OWNER}:{password}@127.0.0.1:{server.port}/{postgres.DATABASE}"
    server.url_file.write_text(url + "\n")
    process = subprocess.Popen(
        server.command(), user=server.user, cwd=server.cluster, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_for(server.superuser_url)
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def test_the_owner_becomes_a_plain_role_and_keeps_everything(former: Embedded) -> None:
    settings = Settings(
        database_url=former.url_file.read_text().strip(),
        data_dir=former.data_dir,
        master_key=MASTER_KEY,
        _env_file=None,
    )  # type: ignore[call-arg]
    with psycopg.connect(former.superuser_url, autocommit=True) as superuser:
        superuser.execute("create database crm")
    migrate(settings)
    with psycopg.connect(settings.admin_url, autocommit=True) as owner:
        owner.execute(
            "insert into crm.customers (customer_id, name, created_by) values ('c', 'Sam', 't')"
        )
        who = "select rolsuper from pg_roles where rolname = current_user"
        assert owner.execute(who).fetchone() == (True,)
    # Interrupted between the note of the new password and the renaming: taken up again.
    former.superuser_file.with_name("postgres.superuser.next").write_text("never-set\n")
    former.make_database()
    for _ in range(2):
        migrate(settings)
        former.make_database()
    with psycopg.connect(settings.admin_url, autocommit=True) as owner:
        assert owner.execute(who).fetchone() == (False,)
        assert owner.execute("select name from crm.customers").fetchall() == [("Sam",)]
        assert owner.execute(
            "select count(*) from pg_class where relowner = 10 and relnamespace::regnamespace::text !~ '^(pg_|information)'"
        ).fetchone() == (0,)
        assert owner.execute("select rolname from pg_roles where rolsuper").fetchall() == [
            ("crm_superuser",)
        ]
        # It may still do its work: make a role, and hand over a table.
        owner.execute("alter table jobs.media owner to crm_loader")
        owner.execute("create role crm_another")
        owner.execute("drop role crm_another")
    with psycopg.connect(former.superuser_url) as superuser:
        assert superuser.execute(who).fetchone() == (True,)
    assert former.superuser_file.stat().st_mode & 0o777 == 0o600
    psycopg.connect(settings.url_for(Role.APP)).close()
