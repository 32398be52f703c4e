"""What the tests stand on: one PostgreSQL a worker, one template database, a fresh clone of it for each test.

The server is the embedded one (tests/template.py), or that of CRM_DATABASE_URL, which must be allowed to make databases.
Libraries that take long to import are imported by the fixtures that need them: one test must not wait for all the others.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.keeping import TEMPLATES_VARIABLE, kept_in, take_over_compiled
from tests.kinds import KINDS, Remembered, mark_kinds, stays_pure

if TYPE_CHECKING:
    import psycopg
    from playwright.sync_api import Browser, BrowserContext

    from tests.replicas import Standby
    from tests.template import Template
    from transform.models import Models
    from warehouse.settings import Settings

#: Chromium as a test wants it: no sandbox for root, no calls of its own; one process for all tabs of a profile, since each
#: costs a start and a copy of the app's code.
CHROMIUM_ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-quic", "--process-per-site",
]  # fmt: skip
OF_THIS_RUN = pytest.StashKey[str]()
REMEMBERED = pytest.StashKey[Remembered]()


def pytest_configure(config: pytest.Config) -> None:
    for kind, meaning in KINDS.items():
        config.addinivalue_line(
            "markers", f"{kind}: {meaning}; seen from its fixtures (tests/kinds.py)"
        )
    # Workers inherit the environment, and the folder with it.
    if os.environ.get("CI", "").lower() in ("true", "1") and TEMPLATES_VARIABLE not in os.environ:
        folder = tempfile.mkdtemp(prefix="crm-templates-")
        os.environ[TEMPLATES_VARIABLE] = config.stash[OF_THIS_RUN] = folder
    if sys.dont_write_bytecode:
        _keep_bytecode()
    config.stash[REMEMBERED] = Remembered(config)


def _keep_bytecode() -> None:
    """Where nothing may lie beside the sources: elsewhere then, or each of the programs that tests start compiles
    thousands of files anew, which takes it seconds."""
    sys.dont_write_bytecode = False
    sys.pycache_prefix = str(kept_in() / "bytecode")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
    take_over_compiled(Path(sys.pycache_prefix))


def pytest_unconfigure(config: pytest.Config) -> None:
    if OF_THIS_RUN in config.stash:
        del os.environ[TEMPLATES_VARIABLE]
        shutil.rmtree(config.stash[OF_THIS_RUN], ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    mark_kinds(items, in_parallel=hasattr(config, "workerinput"))
    config.stash[REMEMBERED].note(items)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return config.stash[REMEMBERED].passes_over(collection_path) or None


def pytest_sessionfinish(session: pytest.Session) -> None:
    session.config.stash[REMEMBERED].write()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with stays_pure(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    main = sys.modules["__main__"]
    try:
        with stays_pure(item):
            return (yield)
    finally:
        # Streamlit runs a page's script as `__main__` and leaves it there: each child process that a later test starts
        # would run that script while it starts, and end of it.
        sys.modules["__main__"] = main


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> None:
    """A developer's own settings must not reach the tests, but for the server they run on."""
    kept = ("CRM_DATABASE_URL", "CRM_TEST_CHROMIUM", TEMPLATES_VARIABLE)
    for name in list(os.environ):
        if name.startswith("CRM_") and name not in kept:
            del os.environ[name]


@pytest.fixture(scope="session")
def template(
    _clean_environment: None,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Template]:
    from tests.template import Template, running

    given = os.environ.pop("CRM_DATABASE_URL", "")
    if not given:
        with running() as made:
            yield made
        return
    worker = getattr(request.config, "workerinput", {}).get("workerid", "alone")
    made = Template(given, f"_{worker}_{os.getpid()}")
    made.make(tmp_path_factory.mktemp("template"))
    yield made
    made.remove()


@pytest.fixture
def settings(template: Template, tmp_path: Path) -> Settings:
    """Settings on a fresh, migrated warehouse with its models built and empty."""
    template.clone()
    return template.settings(tmp_path / "data")


@pytest.fixture(scope="module")
def standby(template: Template) -> Iterator[Standby]:
    """A replica of the server of the tests, which follows it (tests/replicas.py)."""
    from tests.replicas import replica_of

    with replica_of(template.server_url) as made:
        yield made


class Parsed:
    """dbt's models, parsed when something is first asked of them: that takes seconds, and some tests build whole in the long
    form alone."""

    def __init__(self, parse: Callable[[], Models]) -> None:
        self._parse = cache(parse)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parse(), name)


@pytest.fixture(scope="session")
def _parsed(template: Template, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Parsed]:
    """By build. The database of every test has the same name."""

    def parsed(build: str) -> Parsed:
        from transform.models import Models

        folder = tmp_path_factory.mktemp("models")
        return Parsed(lambda: Models(template.settings(folder), build))

    return {build: parsed(build) for build in ("", "next")}


@pytest.fixture
def models(settings: Settings, _parsed: dict[str, Parsed]) -> Models:
    """dbt, parsed once a worker, for a build beside the serving tables of `settings`."""
    return cast("Models", _parsed["next"])


@pytest.fixture
def serving_models(settings: Settings, _parsed: dict[str, Parsed]) -> Models:
    """dbt, parsed once a worker for the tables that serve, as `./crm dbt` runs it."""
    return cast("Models", _parsed[""])


@pytest.fixture
def fold_now(template: Template, settings: Settings) -> Callable[[], int]:
    """Folds everything that landed, in a session of its own, as the resident process does."""
    return template.folding(settings)


@pytest.fixture
def admin(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the owner, each statement its own transaction."""
    import psycopg

    from warehouse.settings import Role

    with psycopg.connect(settings.url_for(Role.ADMIN), autocommit=True) as connection:
        yield connection


@pytest.fixture
def programs() -> None:
    """Asked for by a test that starts programs, or listens, by itself and not by a fixture (tests/kinds.py)."""


@pytest.fixture(scope="session")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """The profile of one Chromium for the whole run: Playwright's event loop may stand only once in a process.

    It keeps on disk what it has fetched and compiled of the app, as the browser of a member of staff does. A context of
    its own does so for nobody: there each first page costs two seconds of a core.
    """
    from playwright.sync_api import sync_playwright

    from operations.commands.testing import chromium

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=chromium(),
            args=CHROMIUM_ARGUMENTS,
            viewport={"width": 1200, "height": 800},
            timezone_id="Australia/Sydney",
        )
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def browser(profile: BrowserContext) -> Browser:
    """The same Chromium, for whoever wants a context of their own."""
    assert profile.browser is not None
    return profile.browser
