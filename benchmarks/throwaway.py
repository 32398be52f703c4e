"""A warehouse and programs for one benchmark, gone when it ends, also by Ctrl-C, SIGTERM or a failure.

The embedded PostgreSQL with the product's own durable settings (warehouse.postgres), in a temporary
folder: a benchmark never touches the data of the user. Every process is stopped by its own id.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import psycopg
from pydantic import SecretStr

from operations.runtime.ports import free_port
from pipelines.destination import prepare_all
from warehouse.migrate import migrate
from warehouse.postgres import Embedded
from warehouse.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0
STOP_SECONDS = 10.0


class NotStarted(Exception):
    """A program did not come up; the text has the end of its log."""


class Throwaway:
    """A migrated warehouse in `folder`, and the processes that were started on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(
            # Named although it is the default: the environment of the user must not lead elsewhere.
            database_url=None,
            data_dir=folder,
            master_key=SecretStr("an-invented-master-key-for-benchmarks-only"),
            _env_file=None,  # type: ignore[call-arg]
        )
        #: The server's process, once started.
        self.warehouse: subprocess.Popen[Any]
        self._running: list[tuple[subprocess.Popen[Any], signal.Signals, IO[Any] | None]] = []

    # -- the warehouse ----------------------------------------------------------------------------

    def files(self) -> list[Path]:
        """What a stopped server is, with what says its passwords."""
        server = Embedded(data_dir=self.folder, port=0)
        return [server.cluster, server.url_file, server.superuser_file]

    def start_warehouse(self) -> None:
        """Server, database, migrations, history tables; in a new one no model is built yet."""
        server = Embedded(data_dir=self.folder, port=free_port())
        server.prepare()
        log = (self.folder / "postgres.log").open("wb")
        process = subprocess.Popen(
            server.command(),
            user=server.user,
            cwd=server.cluster,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        # Fast shutdown: SIGTERM would wait for every client to leave by itself.
        self._running.append((process, signal.SIGINT, log))
        self.warehouse = process
        url = server.url_file.read_text().strip()
        _wait_until(
            lambda: _takes_queries(server.superuser_url), process, self.folder / "postgres.log"
        )
        server.make_database()
        self.settings = self.settings.model_copy(update={"database_url": SecretStr(url)})
        migrate(self.settings)
        prepare_all(self.settings)

    # -- programs ---------------------------------------------------------------------------------

    def start(
        self,
        module: str,
        *arguments: str,
        ready_url: str | None = None,
        public_url: str = "",
        **more: str,
    ) -> subprocess.Popen[Any]:
        """`python -m <module>` as the supervisor would start it, its log in the folder, its environment with `more`.

        Raises:
            NotStarted: it ended, or did not answer within START_SECONDS.
        """
        path = self.folder / f"{module}.log"
        log = path.open("wb")
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *arguments],
            cwd=self.folder,
            env=self.environment(public_url) | more,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self._running.append((process, signal.SIGTERM, log))
        if ready_url is not None:
            _wait_until(lambda: _answers(ready_url), process, path)
        return process

    def wait_for_port(self, port: int) -> None:
        """Return once something listens there.

        Raises:
            NotStarted: nothing does within START_SECONDS.
        """
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise NotStarted(f"nothing listens on port {port}") from None
                time.sleep(0.05)

    def converse(self, module: str, *arguments: str) -> subprocess.Popen[str]:
        """`python -m <module>` that is told what to do on its standard input and answers line by line."""
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *arguments],
            cwd=self.folder,
            env=self.environment(""),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._running.append((process, signal.SIGTERM, None))
        return process

    def environment(self, public_url: str) -> dict[str, str]:
        """This process's environment with our settings in place of the user's."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("CRM_")}
        assert self.settings.master_key is not None
        return own | {
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "CRM_DATABASE_URL": self.settings.admin_url,
            "CRM_DATA_DIR": str(self.folder),
            "CRM_MASTER_KEY": self.settings.master_key.get_secret_value(),
            "CRM_PUBLIC_URL": public_url,
        }

    def programs(self) -> dict[str, int]:
        """The warehouse and every program that runs on it now: module and process id."""
        named = {}
        for process, _, _ in self._running:
            said = process.args if isinstance(process.args, list) else []
            named[str(said[said.index("-m") + 1]) if "-m" in said else "PostgreSQL"] = process.pid
        return named

    def stop(self, process: subprocess.Popen[Any]) -> None:
        """End one program that `start` or `converse` gave."""
        for entry in [entry for entry in self._running if entry[0] is process]:
            self._running.remove(entry)
            _end(*entry)

    def stop_all(self) -> None:
        """The last started first, so the warehouse goes last."""
        while self._running:
            _end(*self._running.pop())


@contextmanager
def throwaway(copied_from: Path | None = None) -> Iterator[Throwaway]:
    """A running, migrated warehouse of its own for the time of the block.

    Args:
        copied_from: a folder with the `files` of a stopped one.
    """
    folder = Path(tempfile.mkdtemp(prefix="crm-bench-"))
    made = Throwaway(folder)
    with termination_as_interrupt():
        try:
            if copied_from is not None:
                # With owners and rights: the server's files are another user's where we are root.
                subprocess.run(["cp", "-a", f"{copied_from}/.", str(folder)], check=True)
            made.start_warehouse()
            yield made
        finally:
            made.stop_all()
            shutil.rmtree(folder, ignore_errors=True)
            # A thread of dbt that was interrupted may still write; it has ended when this process does.
            atexit.register(shutil.rmtree, folder, ignore_errors=True)


@contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """SIGTERM unwinds like Ctrl-C, so that `finally` runs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def _end(process: subprocess.Popen[Any], how: signal.Signals, log: IO[Any] | None) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if log is not None:
        log.close()


def _wait_until(is_ready: Any, process: subprocess.Popen[Any], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotStarted(f"{log.stem} did not start: {log.read_text()[-1500:]}")
        time.sleep(0.05)


def _takes_queries(url: str) -> bool:
    try:
        psycopg.connect(url.rpartition("/")[0] + "/postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
