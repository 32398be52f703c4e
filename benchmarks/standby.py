"""A streaming replica of a server: real, on a port of its own; frozen, held back, killed and started again at will."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg

from operations.runtime.ports import free_port
from warehouse.postgres import POSTGRES_BIN_PATH as BINARIES  # type: ignore[attr-defined]
from warehouse.postgres import Embedded

START_SECONDS = 60.0
#: Where the primary keeps of its log what a replica of this name has not had.
SLOT = "crm_replica"


@dataclass
class Standby:
    """A server that replays what the primary writes."""

    server: Embedded
    superuser_url: str
    #: Beside those of the product.
    settings: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.process: subprocess.Popen[bytes]

    @property
    def port(self) -> int:
        return self.server.port

    def url(self, database: str) -> str:
        """As CRM_READ_DATABASE_URL has it: who signs in is none of its business."""
        return f"postgresql://127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Return once it answers."""
        options = [
            part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")
        ]
        with (self.server.data_dir / "replica.log").open("a") as log:
            self.process = subprocess.Popen(
                [*self.server.command(), *options],
                user=self.server.user,
                cwd=self.server.cluster,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            assert self.process.poll() is None, "the replica ended"
            assert time.monotonic() < deadline, "the replica does not answer"
            time.sleep(0.02)

    def answers(self) -> bool:
        try:
            psycopg.connect(self.superuser_url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def hold(self) -> None:
        """From here on it replays nothing, and answers."""
        self.run("select pg_wal_replay_pause()")

    def go_on(self) -> None:
        self.run("select pg_wal_replay_resume()")

    def wait_for_readers(self, seconds: int | None) -> None:
        """So long it lets those who stand in the way of the log finish; None for as long as the server's default."""
        change = (
            "reset max_standby_streaming_delay"
            if seconds is None
            else f"set max_standby_streaming_delay = '{seconds}s'"
        )
        self.run(f"alter system {change}")
        self.run("select pg_reload_conf()")

    def freeze(self) -> None:
        """It answers nothing, and ends no connection."""
        for process in self._family():
            with suppress(psutil.NoSuchProcess):
                process.suspend()

    def thaw(self) -> None:
        for process in self._family():
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def kill(self) -> None:
        """As the power does: all of it at once."""
        for process in self._family():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is not None:
            return
        self.thaw()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def has_all(self, primary_url: str) -> None:
        """Return once it has what the primary has."""
        with psycopg.connect(primary_url, autocommit=True) as primary:
            row = primary.execute("select pg_current_wal_lsn()").fetchone()
        assert row is not None
        deadline = time.monotonic() + 20
        while self.run("select pg_last_wal_replay_lsn() >= %s", row[0]) != [(True,)]:
            assert time.monotonic() < deadline, "the replica does not follow"
            time.sleep(0.02)

    def run(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a statement, as its superuser."""
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def _family(self) -> list[psutil.Process]:
        leader = psutil.Process(self.process.pid)
        return [leader, *leader.children(recursive=True)]


@contextmanager
def replica_of(
    primary_url: str, folder: Path, settings: Mapping[str, str], *, lasts: bool = False
) -> Iterator[Standby]:
    """A copy of the server's files, and a server on them that goes on with its log.

    Args:
        primary_url: as its superuser.
        folder: empty; that user may pass through.
        settings: beside those of the product.
        lasts: the primary keeps its log for it, however long it is away.
    """
    with psycopg.connect(primary_url) as primary:
        row = primary.execute("show max_connections").fetchone()
    assert row is not None
    # A standby starts with no fewer than its primary.
    server = Embedded(data_dir=folder, port=free_port(), connections=int(row[0]))
    kept = ["--create-slot", f"--slot={SLOT}"] if lasts else []
    copied = subprocess.run(
        [str(BINARIES / "pg_basebackup"), "--dbname", primary_url, "--pgdata", str(server.cluster),
         "--wal-method=stream", "--checkpoint=fast", "--no-sync", "--write-recovery-conf", *kept],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert copied.returncode == 0, copied.stderr
    if server.user:
        shutil.chown(folder, server.user)
        subprocess.run(["chown", "-R", server.user, str(server.cluster)], check=True)
    parts = urlsplit(primary_url)
    own = parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{server.port}")
    standby = Standby(server, own.geturl(), settings)
    standby.start()
    try:
        yield standby
    finally:
        standby.stop()
