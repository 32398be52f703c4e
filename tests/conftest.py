"""What the tests stand on: one PostgreSQL a run, one template database, a fresh clone of it for each test.

The server is the embedded one, or that of CRM_DATABASE_URL (which must be allowed to make databases).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from playwright.sync_api import Browser, sync_playwright

from pipelines.destination import prepare_all
from tests.ports import free_port
from transform import fold
from transform.build import build
from transform.models import Models
from warehouse.migrate import migrate
from warehouse.postgres import Embedded
from warehouse.settings import Role, Settings

#: Chromium as a test wants it: no sandbox for root, no calls of its own.
CHROMIUM_ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-quic",
]  # fmt: skip
MASTER_KEY = "an-invented-master-key-0123456789-abcdefgh"


def _with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> None:
    """A developer's own settings must not reach the tests, but for the server they run on."""
    for name in list(os.environ):
        if name.startswith("CRM_") and name not in ("CRM_DATABASE_URL", "CRM_TEST_CHROMIUM"):
            del os.environ[name]


@pytest.fixture(scope="session")
def server_url(_clean_environment: None) -> Iterator[str]:
    """The URL of a server's maintenance database, as a role that may make databases."""
    given = os.environ.pop("CRM_DATABASE_URL", "")
    if given:
        yield given
        return
    # Not among pytest's folders: a second run of pytest closes those to other users, the server's included.
    folder = Path(tempfile.mkdtemp(prefix="crm-tests-"))
    server = Embedded(data_dir=folder, port=free_port())
    server.prepare()
    with (server.data_dir / "postgres.log").open("w") as log:
        process = subprocess.Popen(
            # A test database may be lost with the machine; durability has tests of its own.
            [*server.command(), "-c", "fsync=off"],
            user=server.user,
            cwd=server.cluster,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        url = _with_database(server.url_file.read_text().strip(), "postgres")
        _wait_for(url)
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class Template:
    """A migrated database with the models built, and the dbt project parsed for its clones."""

    def __init__(self, server_url: str, worker: str, folder: Path) -> None:
        self.server_url = server_url
        self.database = f"crm_test_{worker}"
        self.template = f"crm_template_{worker}"
        self.folder = folder
        self._drop(self.database)
        self._drop(self.template)
        self._run(f"create database {self.database}")
        settings = self.settings(folder)
        migrate(settings)
        prepare_all(settings)
        self.models = Models(settings, "next")
        build(settings, self.models, compare=False)
        # A plan of dbt names its database, so the clone takes the name and the template gives it up.
        self._run(f"alter database {self.database} rename to {self.template}")

    def settings(self, folder: Path) -> Settings:
        return Settings(
            database_url=_with_database(self.server_url, self.database),
            data_dir=folder,
            master_key=MASTER_KEY,
            _env_file=None,
        )

    def clone(self) -> None:
        self._drop(self.database)
        self._run(f"create database {self.database} template {self.template}")

    def remove(self) -> None:
        self._drop(self.database)
        self._drop(self.template)

    def _drop(self, name: str) -> None:
        self._run(f"drop database if exists {name} with (force)")

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.server_url, autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture(scope="session")
def template(
    server_url: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Template]:
    worker = getattr(request.config, "workerinput", {}).get("workerid", "alone")
    made = Template(server_url, f"{worker}_{os.getpid()}", tmp_path_factory.mktemp("template"))
    yield made
    made.remove()


@pytest.fixture
def settings(template: Template, tmp_path: Path) -> Settings:
    """Settings on a fresh, migrated warehouse with its models built and empty."""
    template.clone()
    return template.settings(tmp_path / "data")


@pytest.fixture
def models(template: Template, settings: Settings) -> Models:
    """dbt, parsed once a run, for a build beside the serving tables of `settings`."""
    return template.models


@pytest.fixture
def serving_models(settings: Settings) -> Models:
    """dbt, parsed for the tables that serve, as `./crm dbt` runs it."""
    return Models(settings)


@pytest.fixture
def fold_now(settings: Settings) -> Iterator[Callable[[], int]]:
    """Folds everything that landed, in a session of its own, as the resident process does."""
    with fold.connect(settings) as database:
        session: list[fold.Fold] = []

        def until_done() -> int:
            if not session:
                found = fold.standing(database)
                assert found is not None
                session.append(fold.Fold(database, found[1]))
            return session[0].until_done()

        yield until_done


@pytest.fixture
def admin(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the owner, each statement its own transaction."""
    with psycopg.connect(settings.url_for(Role.ADMIN), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the whole run: Playwright's event loop may stand only once in a process."""
    found = os.environ.get("CRM_TEST_CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.fail(
            "no Chromium: install one (apt-get install chromium) or name it in CRM_TEST_CHROMIUM"
        )
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=CHROMIUM_ARGUMENTS)
        yield launched
        launched.close()
