"""dlt's load packages in the data folder. Free of dlt: a start looks after them without importing it."""

from __future__ import annotations

import shutil

from warehouse.settings import Settings


def forget_loaded(settings: Settings, name: str = "*") -> None:
    """Remove the packages that are in the warehouse: they hold messages in plain, and dlt keeps them for ever.

    Args:
        name: of a pipeline; without it those of all, also of connections that are no longer pulled.
    """
    for package in (settings.data_dir / "dlt").glob(f"{name}/load/loaded/*"):
        shutil.rmtree(package, ignore_errors=True)
