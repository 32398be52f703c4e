"""One rule has one home: each test names what stands outside of it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.test_conventions import ROOT, tracked

#: What people decide about customers. Whoever adds a table of decisions adds it here.
DECISION_TABLES = ("customers", "identity_links", "assignments", "conversation_tags")
#: Rows by the hundred thousand to measure with; nobody decided on them.
MADE_TO_MEASURE = {"benchmarks/storing.sql"}


def named(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def test_nothing_but_decisions_writes_what_is_decided() -> None:
    writes = re.compile(
        rf"\b(insert\s+into|update|delete\s+from|merge\s+into|truncate(\s+table)?|copy)\s+(only\s+)?"
        rf"crm\.({'|'.join(DECISION_TABLES)})\b",
        re.IGNORECASE,
    )
    home = {"warehouse/queries/decisions.sql"}
    writers = {
        named(file)
        for file in tracked("*.sql", "*.py", "*.csv", "*.yml")
        if not named(file).startswith(("tests/", "warehouse/migrations/"))
        and writes.search(file.read_text())
    }
    assert writers - MADE_TO_MEASURE == home
    # And those statements are run by one module.
    assert asking_for("decisions") == {"warehouse/decisions.py"}


def asking_for(queries: str) -> set[str]:
    """Modules that name a file of queries."""
    return {
        named(file)
        for file in tracked("*.py")
        if not named(file).startswith("tests/")
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "queries"
        and any(isinstance(each, ast.Constant) and each.value == queries for each in call.args)
    }
