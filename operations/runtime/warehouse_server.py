"""The warehouse for one command: what runs, or an embedded server started for as long as the command lasts."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from warehouse.refusals import Refused

if TYPE_CHECKING:
    from warehouse.postgres import Embedded
    from warehouse.settings import Settings

START_SECONDS = 60.0


@contextmanager
def serving(settings: Settings) -> Iterator[Settings]:
    """Settings whose `admin_url` answers.

    Raises:
        Refused: the embedded server does not come up.
    """
    from pydantic import SecretStr

    from operations.runtime import running

    if settings.database_url is not None:
        yield settings
        return
    if running.is_held(settings.data_dir):
        yield settings.model_copy(update={"database_url": SecretStr(settings.admin_url)})
        return
    held = running.lock(settings.data_dir)
    if held is None:
        raise Refused("another command works on this data folder: try again in a moment")
    with held, _embedded(settings) as server:
        server.make_database()
        url = SecretStr(server.url_file.read_text().strip())
        yield settings.model_copy(update={"database_url": url})


@contextmanager
def _embedded(settings: Settings) -> Iterator[Embedded]:
    from operations.runtime import prepare, running
    from operations.runtime.ports import free_port
    from warehouse.postgres import Embedded

    running.stop_leftovers(settings.data_dir)
    server = Embedded(
        data_dir=settings.data_dir, port=free_port(), connections=settings.most_connections
    )
    prepare.cluster(settings, str(server.port))
    logs = settings.data_dir / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with (logs / "postgres.log").open("ab") as log:
        process = subprocess.Popen(
            server.command(),
            user=server.user,
            cwd=server.cluster,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait_for(server, process)
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(running.POSTGRES_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(server: Embedded, process: subprocess.Popen[bytes]) -> None:
    import psycopg

    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(server.superuser_url, connect_timeout=2).close()
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise Refused(
                    f"the embedded server does not start: see {server.data_dir / 'logs' / 'postgres.log'}"
                ) from error
            time.sleep(0.1)
        else:
            return
