"""The worker's sign of life, for whoever looks after it on this host: a file that it touches every few seconds.

The database knows that some worker lives, and with several hosts that says nothing of this one: a worker that hangs
here would be taken for the one there. The file is named by the host, for two containers may share a data folder.
"""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from warehouse.run_record import run_folder
from warehouse.settings import Settings

TOUCH_SECONDS = 3.0
#: Silent for so long it hangs.
SILENT_SECONDS = 60.0
#: What hosts left that are gone.
FORGOTTEN_SECONDS = 86_400.0
PREFIX = "worker-lives-"


def file_of(settings: Settings) -> Path:
    return run_folder(settings.data_dir) / f"{PREFIX}{socket.gethostname()}"


def give(settings: Settings) -> None:
    """Say that this host's worker lives."""
    file = file_of(settings)
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        for other in file.parent.glob(f"{PREFIX}*"):
            if time.time() - other.stat().st_mtime > FORGOTTEN_SECONDS:
                other.unlink(missing_ok=True)
    file.touch()


def seen_since(settings: Settings, moment: datetime) -> bool:
    """Whether it has said so at this moment or later."""
    try:
        return file_of(settings).stat().st_mtime >= moment.timestamp()
    except FileNotFoundError:
        return False


def is_fresh(settings: Settings) -> bool:
    """Whether it has said so lately."""
    return seen_since(settings, datetime.now(UTC) - timedelta(seconds=SILENT_SECONDS))
