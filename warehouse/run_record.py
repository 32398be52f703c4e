"""What runs on a data folder, as its supervisor records it (operations/runtime/running.py writes it)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def run_folder(data_dir: Path) -> Path:
    return data_dir / "run"


def state_file(data_dir: Path) -> Path:
    return run_folder(data_dir) / "state.json"


def recorded(data_dir: Path) -> dict[str, Any]:
    """The newest record, `{}` where nothing ever ran here."""
    try:
        return dict(json.loads(state_file(data_dir).read_text()))
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
        return {}
