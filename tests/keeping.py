"""What the tests keep between runs, and where: templates of databases, and compiled modules where none may lie beside sources."""

from __future__ import annotations

import os
from pathlib import Path

#: Names another folder. A run that keeps nothing (CI=true) names one of its own, which its workers share.
TEMPLATES_VARIABLE = "CRM_TEST_TEMPLATES"


def kept_in() -> Path:
    named = os.environ.get(TEMPLATES_VARIABLE)
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crm-tests"
