"""What a test needs is seen from its fixtures, and a pure test is held to it: tried in runs of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONFTEST = "from tests.conftest import *\nfrom tests.conftest import _clean_environment, _parsed\n"
TESTS = """
import socket

import pytest

@pytest.fixture(scope="module")
def shared(): return 1

@pytest.fixture
def sender(request): return request.getfixturevalue("settings")

def test_nothing(): pass
def test_temporary(tmp_path, monkeypatch): pass
def test_of_a_database(settings): pass
def test_asked_for_later(sender): pass
def test_of_programs(programs): pass
def test_of_a_page(browser, settings): pass
def test_with_others(shared): pass
"""
LISTENING = """
import socket

def test_that_listens():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))

def test_that_says_so(programs):
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
"""


TOGETHER = """
import os
import pytest

@pytest.fixture(scope="module")
def shared(): return 1

@pytest.fixture(scope="module", params=["a", "b@c", "d::e"])
def each(request): return request.param

@pytest.mark.parametrize("number", range(4))
def test_of_all(shared, number): print("all", os.environ["PYTEST_XDIST_WORKER"])

@pytest.mark.parametrize("number", range(4))
def test_of_each(each, number): print(each, os.environ["PYTEST_XDIST_WORKER"])

@pytest.fixture
def _parsed(): return 1

@pytest.mark.parametrize("number", range(4))
def test_of_models(_parsed, number): print("models", os.environ["PYTEST_XDIST_WORKER"])
"""


def run(folder: Path, tests: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_these.py").write_text(tests)
    return subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--strict-markers",
            "--rootdir", str(folder), "-c", os.devnull, str(folder), *arguments,
        ],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("pure", {"test_nothing", "test_temporary", "test_with_others"}),
        ("warehouse", {"test_of_a_database", "test_asked_for_later", "test_of_a_page"}),
        ("program", {"test_of_programs", "test_asked_for_later"}),
        ("browser", {"test_of_a_page"}),
    ],
)
def test_a_kind_is_seen_from_the_fixtures(kind: str, expected: set[str], tmp_path: Path) -> None:
    done = run(tmp_path, TESTS, "--collect-only", "-m", kind)
    assert set(re.findall(r"::(\w+)", done.stdout)) == expected, done.stdout + done.stderr


def test_a_pure_test_that_listens_fails_and_says_how_to_mend_it(tmp_path: Path) -> None:
    done = run(tmp_path, LISTENING)
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "a pure test does socket.bind" in done.stdout
    assert "tests/kinds.py" in done.stdout


def test_what_shares_a_module_s_fixture_stays_with_one_worker(tmp_path: Path) -> None:
    """Each worker would make it anew: half a minute where it is everything that `./crm up` starts."""
    done = run(tmp_path, TOGETHER, "-n", "2", "--dist", "loadgroup", "-rP")
    assert "20 passed" in done.stdout, done.stdout + done.stderr
    pairs = set(re.findall(r"^(all|models|a|b@c|d::e) (gw\d)$", done.stdout, re.M))
    assert {what for what, _ in pairs} == {"all", "models", "a", "b@c", "d::e"}
    assert len(pairs) == 5
    assert {worker for _, worker in pairs} == {"gw0", "gw1"}
