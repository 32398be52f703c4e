"""A streaming replica of the tests' server: real, on its own port, and frozen or held back at will."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg

from operations.runtime.ports import free_port
from tests.template import TEST_SETTINGS, _folder, _wait_for
from warehouse.postgres import POSTGRES_BIN_PATH, Embedded


@dataclass
class Standby:
    """A server that replays what the primary writes."""

    process: subprocess.Popen[bytes]
    port: int
    superuser_url: str

    def url(self, database: str) -> str:
        """As CRM_READ_DATABASE_URL has it: who signs in is none of its business."""
        return f"postgresql://127.0.0.1:{self.port}/{database}"

    def hold(self) -> None:
        """From here on it replays nothing, and answers."""
        self._run("select pg_wal_replay_pause()")

    def go_on(self) -> None:
        self._run("select pg_wal_replay_resume()")

    def freeze(self) -> None:
        """It answers nothing, and ends no connection."""
        for process in self._family():
            process.suspend()

    def thaw(self) -> None:
        for process in self._family():
            process.resume()

    def has_all(self, primary_url: str) -> None:
        """Return once it has what the primary has."""
        with psycopg.connect(primary_url, autocommit=True) as primary:
            row = primary.execute("select pg_current_wal_lsn()").fetchone()
        assert row is not None
        deadline = time.monotonic() + 60
        while self._run("select pg_last_wal_replay_lsn() >= %s", row[0]) != [(True,)]:
            assert time.monotonic() < deadline, "the replica does not follow"
            time.sleep(0.02)

    def _run(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters)  # type: ignore[arg-type]
            return cursor.fetchall()

    def _family(self) -> list[psutil.Process]:
        leader = psutil.Process(self.process.pid)
        return [leader, *leader.children(recursive=True)]


@contextmanager
def replica_of(primary_url: str) -> Iterator[Standby]:
    """A copy of the server's files, and a server on them that goes on with its log.

    Args:
        primary_url: as its superuser.
    """
    with _folder() as folder:
        server = Embedded(data_dir=folder, port=free_port())
        copied = subprocess.run(
            [str(POSTGRES_BIN_PATH / "pg_basebackup"), "--dbname", primary_url, "--pgdata", str(server.cluster),
             "--wal-method=stream", "--checkpoint=fast", "--no-sync", "--write-recovery-conf"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert copied.returncode == 0, copied.stderr
        if server.user:
            shutil.chown(folder, server.user)
            subprocess.run(["chown", "-R", server.user, str(server.cluster)], check=True)
        options = [
            part for name, value in TEST_SETTINGS.items() for part in ("-c", f"{name}={value}")
        ]
        with (Path(folder) / "replica.log").open("w") as log:
            process = subprocess.Popen(
                [*server.command(), *options],
                user=server.user,
                cwd=server.cluster,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        parts = urlsplit(primary_url)
        own = parts._replace(
            netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{server.port}"
        ).geturl()
        standby = Standby(process, server.port, own)
        try:
            _wait_for(own)
            yield standby
        finally:
            standby.thaw()
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
