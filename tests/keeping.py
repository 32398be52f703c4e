"""What the tests keep between runs, and where: templates of databases, and compiled modules where none may lie beside sources."""

from __future__ import annotations

import os
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path

#: Names another folder. A run that keeps nothing (CI=true) names one of its own, which its workers share.
TEMPLATES_VARIABLE = "CRM_TEST_TEMPLATES"


def kept_in() -> Path:
    named = os.environ.get(TEMPLATES_VARIABLE)
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crm-tests"


def take_over_compiled(folder: Path) -> None:
    """What was compiled when Python and the libraries were installed stands in a folder of compiled modules, too: where there
    is one, Python looks nowhere else, and would compile ten thousand files anew, which takes it a minute of a core.

    Links: what is compiled later, because a source has changed, takes the place of its link and nothing else.
    """
    done = folder / "taken-over"
    if done.exists():
        return
    ending = f".{sys.implementation.cache_tag}.pyc"
    for name in ("stdlib", "purelib", "platlib"):
        for place, _, files in os.walk(sysconfig.get_path(name)):
            if not place.endswith("__pycache__"):
                continue
            beside = folder / Path(place).parent.relative_to("/")
            beside.mkdir(parents=True, exist_ok=True)
            for file in files:
                if file.endswith(ending):
                    with suppress(FileExistsError):
                        (beside / file).symlink_to(Path(place) / file)
    done.touch()
