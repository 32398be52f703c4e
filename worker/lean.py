"""Imported before anything else by the process that pulls are forked from: what no pull needs is not there for it.

pandas is installed for Streamlit's sake. dlt and pyarrow import it where they find it, and use it for nothing of
ours: it would take each worker half a second to start, and 30 MB.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec

ABSENT = {"pandas"}


class _Absent:
    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name in ABSENT:
            raise ModuleNotFoundError(f"no pull needs {name} (worker/lean.py)", name=name)
        return None


sys.meta_path.insert(0, _Absent)
