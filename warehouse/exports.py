"""Where exports of customers lie until they are fetched: written by the worker, handed out by the app."""

from __future__ import annotations

from pathlib import Path

from warehouse.settings import Settings

#: Whoever was given it has it by then.
EXPORT_KEPT_DAYS = 14


def exports_folder(settings: Settings) -> Path:
    """Of this installation; for its own user alone."""
    return settings.data_dir / "privacy" / "exports"


def export_file(settings: Settings, task_id: str) -> Path:
    """The file of one task. Its id is ours: hexadecimal digits."""
    assert task_id.isalnum(), task_id
    return exports_folder(settings) / f"{task_id}.zip"
