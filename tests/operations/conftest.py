"""Fixtures of the command line's tests: a warehouse that commands find, and a way to run them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from simulator import server
    from tests.webhooks.conftest import RunningReceiver
    from warehouse.settings import Settings

Crm = Callable[..., tuple[int, str, str]]


@pytest.fixture
def crm(capfd: pytest.CaptureFixture[str]) -> Crm:
    """Run a command in this process: exit status, standard output, standard error."""

    from operations.__main__ import main

    def run(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        status = main(list(arguments))
        said = capfd.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture
def warehouse(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The environment points commands to the test's own warehouse."""
    monkeypatch.setenv("CRM_DATABASE_URL", settings.admin_url)
    monkeypatch.setenv("CRM_MASTER_KEY", settings.master_keys[0])
    monkeypatch.setenv("CRM_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("CRM_PUBLIC_URL", "https://crm.example.com")
    return settings


@pytest.fixture
def no_warehouse(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of somebody who has started nothing yet."""
    for name in ("CRM_DATABASE_URL", "CRM_MASTER_KEY", "CRM_PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CRM_DATA_DIR", str(tmp_path))


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.Simulator]:
    from simulator import server

    folder = tmp_path_factory.mktemp("simulator")
    with server.start(seed=7, messages=120, state_dir=folder / "state") as running:
        yield running


@pytest.fixture
def receiver(warehouse: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningReceiver]:
    from tests.webhooks.conftest import serve

    with serve(warehouse) as running:
        monkeypatch.setenv("CRM_PUBLIC_URL", running.base_url)
        yield running
