"""Whether Streamlit runs with the options of .streamlit/config.toml.

Served as ASGI it reads that file from the folder it runs in, and no `STREAMLIT_…` variable. A program that
runs elsewhere would serve with Streamlit's own defaults and look well: so it is asked, and refuses to start.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from streamlit import config
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session

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


def read_without_waiting() -> None:
    """Let every thread read options at once. Call when they are settled: nothing sets one while pages are served.

    Streamlit asks for an option with each element that a page sends, under one lock. With a dozen pages at work each
    of some hundred questions hands the interpreter to another thread that waits for the same lock: with fifty people
    three fifths of the app's time went there.
    """
    assert hasattr(config, "_config_lock")
    config._config_lock = nullcontext()  # type: ignore[assignment]


def remember_themes() -> None:
    """Say the same theme to every page without making it up again. Call when the options are settled.

    Streamlit tells each run of each page the whole theme, in six parts, each read from all of its options: a twelfth of
    the app's time with fifty people.
    """
    made_up = app_session._populate_theme_msg
    remembered: dict[str, CustomThemeConfig] = {}

    def populate(msg: CustomThemeConfig, section: str = "theme") -> None:
        if section not in remembered:
            theme = CustomThemeConfig()
            made_up(theme, section)
            remembered[section] = theme
        # A part that says nothing is to stay unsaid.
        if remembered[section].ByteSize():
            msg.MergeFrom(remembered[section])

    app_session._populate_theme_msg = populate


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
