"""Whether Streamlit runs with the options of .streamlit/config.toml.

Served as ASGI it reads that file from the folder it runs in, and no `STREAMLIT_…` variable. A program that
runs elsewhere would serve with Streamlit's own defaults and look well: so it is asked, and refuses to start.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from streamlit import config

FILE = Path(__file__).resolve().parents[2] / ".streamlit" / "config.toml"


def wanted() -> dict[str, Any]:
    """Every option of our file by its full name."""
    return dict(_flat(tomllib.loads(FILE.read_text())))


def not_in_force() -> list[str]:
    """A sentence for each option that this process runs without."""
    return [
        f"{name} is {config.get_option(name)!r} and not {value!r}"
        for name, value in wanted().items()
        if config.get_option(name) != value
    ]


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
