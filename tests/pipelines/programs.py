"""Our programs as children of a test, with the settings of its warehouse."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from warehouse.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def start(settings: Settings, arguments: list[str], log: Path) -> subprocess.Popen[bytes]:
    """`python <arguments>`; both its outputs go to `log`."""
    assert settings.database_url is not None
    assert settings.master_key is not None
    environment = {
        **os.environ,
        "CRM_DATABASE_URL": settings.database_url.get_secret_value(),
        "CRM_DATA_DIR": str(settings.data_dir),
        "CRM_MASTER_KEY": settings.master_key.get_secret_value(),
    }
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=environment, stdout=output, stderr=output
        )


def wait_until(condition: Callable[[], object], seconds: float = 20.0, what: str = "it") -> None:
    """Wait for a true answer.

    Raises:
        TimeoutError: it did not come in time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(0.02)
