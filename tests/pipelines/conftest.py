"""Pulls in tests meet the simulated providers over real HTTP, and a warehouse of their own."""

from __future__ import annotations

import json
import multiprocessing
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from providers.failures import BACK_OFF
from providers.meta import pace as graph_pace

if TYPE_CHECKING:
    from simulator.server import Simulator
    from tests.pipelines.small_graph import SmallGraph
    from warehouse.settings import Settings


@pytest.fixture(autouse=True)
def _short_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BACK_OFF, "first_seconds", 0.001)
    monkeypatch.setattr(BACK_OFF, "longest_seconds", 0.05)
    monkeypatch.setattr(graph_pace, "SECONDS_BETWEEN_CALLS", 0.0)


@pytest.fixture(scope="session", autouse=True)
def _warm_children() -> None:
    """What a test forks has imported what a pull needs, as in the worker: without it each child takes two seconds."""
    from worker import children

    multiprocessing.get_context("forkserver").set_forkserver_preload(children.WARM)


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Simulator]:
    """The simulated providers with a small history."""
    from simulator import server

    with server.start(seed=11, messages=120, state_dir=tmp_path / "provider") as running:
        yield running


@pytest.fixture
def connect(settings: Settings, admin: psycopg.Connection[Any]) -> Callable[..., str]:
    """Makes a connection of a channel with these keys; returns its id."""

    from warehouse import connections

    def made(channel: str, values: dict[str, str], **more: str) -> str:
        return connections.add(
            admin, settings, channel=channel, name="test", values={**values, **more}, actor="test"
        ).connection_id

    return made


class Twilio:
    """A Twilio that a test scripts answer by answer, for what the simulator does not do.

    `answers` maps the ending of a path, or of a path with its query, to a list of (status, headers, body); the last one repeats.
    """

    def __init__(self) -> None:
        self.answers: dict[str, list[tuple[int, dict[str, str], Any]]] = {}
        self.requests: list[tuple[str, dict[str, list[str]]]] = []
        twilio = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                split = urlsplit(self.path)
                twilio.requests.append((split.path, parse_qs(split.query)))
                # A page is told by its query, so those that name one come first.
                for ending, answers in sorted(
                    twilio.answers.items(), key=lambda one: "?" not in one[0]
                ):
                    if (self.path if "?" in ending else split.path).endswith(ending):
                        status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
                        break
                else:
                    status, headers, body = 404, {}, {"code": 20404, "status": 404}
                content = json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.keys = {
            "account_sid": "AC" + "0" * 32,
            "auth_token": "invented",
            "api_base": f"http://127.0.0.1:{self.server.server_port}",
        }


@pytest.fixture
def twilio() -> Iterator[Twilio]:
    made = Twilio()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


@pytest.fixture
def graph() -> Iterator[SmallGraph]:
    from tests.pipelines import small_graph

    with small_graph.running() as made:
        yield made


@pytest.fixture
def nowhere(settings: Settings, admin: psycopg.Connection[Any]) -> Callable[[str], None]:
    """Asserts that a secret stands in no table and in no file of the data folder."""

    def check(secret: str) -> None:
        tables = admin.execute(
            "select schemaname, tablename from pg_tables "
            "where schemaname not in ('pg_catalog', 'information_schema', 'test_pristine') and schemaname not like 'pg_temp%'"
        ).fetchall()
        assert tables
        for schema, table in tables:
            found = admin.execute(
                f'select count(*) from "{schema}"."{table}" as held where held::text like %s',
                [f"%{secret}%"],
            ).fetchone()
            assert found == (0,), f"{schema}.{table}"
        files = [file for file in settings.data_dir.rglob("*") if file.is_file()]
        assert files
        assert not [file for file in files if secret.encode() in file.read_bytes()]

    return check
