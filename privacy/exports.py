"""Exports of customers in the data folder: there for EXPORT_KEPT_DAYS, and gone with whom they are about.

Where a file and its row part, the file goes.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import psycopg

from warehouse.exports import EXPORT_KEPT_DAYS, exports_folder
from warehouse.queries import queries
from warehouse.settings import Settings

log = logging.getLogger("crm.privacy")
SQL = queries("cases")


def remove_exports(settings: Settings, database: psycopg.Connection[Any]) -> int:
    """Take away what is older than it is kept, or has no row any more; returns how many."""
    folder = exports_folder(settings)
    if not folder.is_dir():
        return 0
    # Looked at first: what is begun meanwhile has its row before its file.
    files = list(folder.iterdir())
    rows = database.execute(SQL["kept_exports"], {"days": EXPORT_KEPT_DAYS}).fetchall()
    kept = {task_id for (task_id,) in rows}
    return sum(_remove(file) for file in files if _task_of(file) not in kept)


def _task_of(file: Path) -> str:
    """An export under way has a dot before its name and a word behind it."""
    return re.sub(r"^[.]|[.]zip.*$", "", file.name)


def _remove(file: Path) -> int:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        log.error("an export cannot be removed: %s", type(error).__name__)
        return 0
    return 1
