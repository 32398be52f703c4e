"""Our programs as children of a test, with the settings of its warehouse."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from tests.forked import ROOT, Forked
from warehouse.settings import Settings


def start(settings: Settings, arguments: list[str], log: Path) -> Forked:
    """`python <arguments>`; both its outputs go to `log`."""
    assert settings.database_url is not None
    assert settings.master_key is not None
    environment = {
        **os.environ,
        "CRM_DATABASE_URL": settings.database_url.get_secret_value(),
        "CRM_DATA_DIR": str(settings.data_dir),
        "CRM_MASTER_KEY": settings.master_key.get_secret_value(),
    }
    # It is read from now on, also before the program has come to write there.
    log.touch(mode=0o600)
    return Forked("pulls", arguments, folder=ROOT, environment=environment, log=log)


def has_started(log: Path) -> bool:
    """Whether a worker says in its log that it works, and that its pulls wait for no imports any more."""
    said = log.read_text()
    return "worker ready" in said and "ready to pull" in said


def wait_until(condition: Callable[[], object], seconds: float = 60.0, what: str = "it") -> None:
    """Wait for a true answer.

    Raises:
        TimeoutError: it did not come in time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(0.02)
