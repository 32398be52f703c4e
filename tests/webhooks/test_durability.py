"""What was answered 2xx is there after the worst: PostgreSQL killed in the middle of a thousand posts."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest

from operations.runtime.ports import free_port
from tests.built import built
from tests.webhooks.conftest import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    add_connection,
    serve,
    twilio_form,
    twilio_signature,
)
from transform.resident import take_in
from warehouse import connections
from warehouse.postgres import Embedded
from warehouse.settings import Role, Settings

POSTS = 1_000


class Server:
    """An embedded server with the product's own durable settings, to be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.settings = built(folder)
        self.embedded = Embedded(data_dir=folder, port=free_port())
        self.embedded.prepare()
        self.log = (folder / "postgres.log").open("a")
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.embedded.command(),
            user=self.embedded.user,
            cwd=self.embedded.cluster,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        deadline = time.monotonic() + 60
        maintenance = self.embedded.superuser_url
        while True:
            try:
                psycopg.connect(maintenance).close()
                return None
            except psycopg.OperationalError:
                if self.process.poll() is not None:
                    # Backends of the killed server still hold its memory: try again, as a supervisor does.
                    return self.start()
                assert time.monotonic() < deadline, "PostgreSQL did not come back"
                time.sleep(0.05)

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        # SIGINT is the fast shutdown: a plain end would wait for every client.
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        self.log.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "server")
    yield made
    made.end()


def test_what_was_answered_is_there_once_after_a_kill(server: Server) -> None:
    settings = server.settings
    with psycopg.connect(settings.url_for(Role.ADMIN), autocommit=True) as admin:
        connection = add_connection(
            settings, admin, "twilio_sms", {"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN}
        )
    sign = twilio_signature(AUTH_TOKEN)
    answers: dict[int, int] = {}
    reached = threading.Event()

    with serve(settings) as receiver, httpx.Client(timeout=20, verify=False) as client:
        url = receiver.base_url + connections.webhook_path(connection)

        def post(number: int) -> None:
            body = twilio_form(number)
            answer = client.post(
                url,
                content=body,
                headers={"Content-Type": "application/x-www-form-urlencoded", **sign(url, body)},
            )
            answers[number] = answer.status_code
            if answer.status_code == 503:
                assert answer.headers["Retry-After"]
                time.sleep(0.05)
            if len(answers) > POSTS // 3:
                reached.set()

        def kill_and_restart() -> None:
            reached.wait(60)
            server.kill()
            time.sleep(0.3)
            server.start()

        killer = threading.Thread(target=kill_and_restart)
        killer.start()
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(post, range(1, POSTS + 1)))
        killer.join(60)
        assert not killer.is_alive()
        # The provider sends again what was not taken; nobody restarted the receiver.
        missed = [number for number, status in answers.items() if status != 200]
        deadline = time.monotonic() + 60
        while receiver.client.get(f"{receiver.admin_url}/readyz").status_code != 200:
            assert time.monotonic() < deadline, "the receiver did not come back by itself"
            time.sleep(0.1)
        accepted = {number for number, status in answers.items() if status == 200}
        take_in(settings)
        stored = _stored(settings)
        assert set(answers.values()) <= {200, 503}
        assert accepted <= stored.keys()
        assert missed, "the kill came too late to be felt"
        for number in missed:
            post(number)
        assert {answers[number] for number in missed} == {200}

    take_in(settings)
    assert _stored(settings) == dict.fromkeys(range(1, POSTS + 1), 1)


def _stored(settings: Settings) -> dict[int, int]:
    """How often each number stands in marts.messages."""
    with psycopg.connect(settings.url_for(Role.ANALYST)) as database:
        rows = database.execute(
            "select provider_message_id, count(*) from marts.messages group by 1"
        ).fetchall()
    return {int(sid[2:], 16): count for sid, count in rows}
