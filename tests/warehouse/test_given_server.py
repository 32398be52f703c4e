"""A server of somebody's own, PostgreSQL 15 with its defaults and some odd ones, and an owner who is nobody special."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from operations.runtime.ports import free_port
from pipelines.destination import prepare_all
from tests.dbt_project.raw_rows import add_connections, inbound
from tests.template import MASTER_KEY, _wait_for
from transform.resident import take_in
from warehouse.migrate import migrate
from warehouse.server_checks import UnusableDatabase, check
from warehouse.settings import Role, Settings

#: Debian's package; another place by PATH.
BINARIES = Path("/usr/lib/postgresql/15/bin")
ODD = {
    "datestyle": "SQL, DMY",
    "timezone": "Australia/Lord_Howe",
    "intervalstyle": "sql_standard",
    "jit": "on",
}


@pytest.fixture
def server() -> Iterator[str]:
    """The URL of its superuser."""
    if not BINARIES.is_dir():
        # Where nobody looks at what was passed over, a part of the product would go untried.
        absent = pytest.fail if os.environ.get("CI") else pytest.skip
        absent("there is no PostgreSQL 15 here: apt-get install postgresql-15")
    folder = Path(tempfile.mkdtemp(prefix="crm-given-"))
    user = None
    if os.geteuid() == 0:
        user = "postgres"
        owner = pwd.getpwnam(user)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    port = free_port()
    subprocess.run(
        [BINARIES / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"],
        user=user, cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    options = [part for name, value in ODD.items() for part in ("-c", f"{name}={value}")]
    process = subprocess.Popen(
        [BINARIES / "postgres", "-D", folder / "data", "-h", "127.0.0.1", "-p", str(port), "-k", "", "-c", "fsync=off", *options],
        user=user, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        _wait_for(url)
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def place(server: str, user: str, database: str) -> str:
    parts = urlsplit(server)
    return urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{parts.port}", path=f"/{database}"))


def test_an_ordinary_owner_on_a_server_with_odd_defaults_is_enough(
    server: str, tmp_path: Path
) -> None:
    with psycopg.connect(server, autocommit=True) as superuser:
        superuser.execute("create role shop login")
        superuser.execute("create database odd encoding 'LATIN1' template template0")
        superuser.execute("create database correspondence")
    # What is missing is said, all of it at once.
    with psycopg.connect(place(server, "shop", "odd")) as connection:
        with pytest.raises(UnusableDatabase) as told:
            check(connection)
        for words in ("LATIN1", "createrole", "does not own"):
            assert words in str(told.value)
    with psycopg.connect(server, autocommit=True) as superuser:
        superuser.execute("alter role shop createrole")
        superuser.execute("alter database correspondence owner to shop")
    settings = Settings(
        database_url=place(server, "shop", "correspondence"),
        data_dir=tmp_path / "data",
        master_key=MASTER_KEY,
        _env_file=None,
    )  # type: ignore[call-arg]
    migrate(settings)
    prepare_all(settings)
    for role in (Role.LOADER, Role.TRANSFORMER, Role.APP, Role.RECEIVER):
        with psycopg.connect(settings.url_for(role)) as session:
            assert session.execute(
                "select current_setting('jit'), current_setting('datestyle'), current_setting('timezone')"
            ).fetchone() == ("off", "ISO, YMD", "UTC")
    with psycopg.connect(settings.admin_url, autocommit=True) as owner:
        assert owner.execute("select rolsuper from pg_roles where rolname = 'shop'").fetchone() == (
            False,
        )
        add_connections(owner)
        inbound(1).insert(owner)
        # With jit this took six minutes and a crash.
        assert take_in(settings) < 120
        assert owner.execute("select count(*) from marts.messages").fetchone() == (1,)
    with psycopg.connect(settings.url_for(Role.APP)) as app:
        # What PostgreSQL 15 takes for no name at all finds nothing, as on a newer one.
        for odd in ("a b", "raw_gmail.", '"', "raw_gmail.messages.x.y"):
            assert app.execute("select crm.history_row(%s, 'x')", [odd]).fetchone() == (None,)
    # Twice is the same as once.
    migrate(settings)
