"""What `./crm check` makes of a whole run with few failures, on small trees of tests that are run for real."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from operations.commands import testing

ROOT = Path(__file__).resolve().parents[2]
#: It fails the first time it is run, as where a busy machine is to blame.
UNDER_PRESSURE = """
from pathlib import Path

import pytest

@pytest.mark.parametrize("address", ["sam@example.com", "[a]"])
def test_under_pressure(address):
    marker = Path(__file__).with_name(f"met {address}")
    if not marker.exists():
        marker.touch()
        assert False, "the machine was busy"
"""
#: As tests/kinds.py names tests that share a fixture: the group stands at the end of what a worker calls them.
GROUPED = """
from _pytest.nodeid import NodeId

def pytest_collection_modifyitems(config, items):
    for item in items:
        if hasattr(config, "workerinput"):
            item._id = NodeId.parse(f"{item.nodeid}@rooms/test_a.py name[x")
"""
HOLDS = "def test_holds():\n    pass\n"


#: The whole run and what follows it, as `./crm check` does it: two statuses, and what is said between them.
CHECK = """
import sys
from pathlib import Path

from operations.commands import testing

folder, cache = Path(sys.argv[1]), sys.argv[1] + "/cache of this run"
whole = ["--numprocesses", "2", "--dist", "loadgroup", *testing._keeping(cache)]
first = testing.run_tests(whole, root=folder)
print("FIRST", first, flush=True)
print("SECOND", testing.few_once_more(first, cache, root=folder))
"""


def checked(folder: Path, *, conftest: str = "", **files: str) -> tuple[int, int, str]:
    """The status of the whole run, the one that is told in the end, and what is said from the one to the other."""
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -q\n")
    (folder / "conftest.py").write_text(conftest)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    # What this run of pytest is told is no business of theirs.
    told = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    ran = subprocess.run(
        [sys.executable, "-c", CHECK, str(folder)],
        cwd=ROOT,
        env=told,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    _, _, behind = ran.stdout.partition("\nFIRST ")
    first, _, behind = behind.partition("\n")
    said, _, second = behind.rpartition("SECOND ")
    return int(first), int(second), said


@pytest.mark.parametrize("conftest", ["", GROUPED], ids=["single", "grouped"])
def test_what_passes_alone_passes_and_is_named(conftest: str, tmp_path: Path) -> None:
    first, status, said = checked(tmp_path, conftest=conftest, test_a=UNDER_PRESSURE, test_b=HOLDS)
    assert (first, status) == (1, 0)
    assert said.rstrip().splitlines()[-3:] == [
        testing.PASSED_ONLY_ALONE,
        "test_a.py::test_under_pressure[[a]]",
        "test_a.py::test_under_pressure[sam@example.com]",
    ]
    assert "2 passed" in said


def test_what_fails_alone_fails_and_the_other_is_named(tmp_path: Path) -> None:
    fails = "def test_fails():\n    assert False\n"
    first, status, said = checked(tmp_path, test_a=UNDER_PRESSURE, test_b=fails)
    assert (first, status) == (1, 1)
    _, _, named = said.partition(testing.PASSED_ONLY_ALONE)
    assert "test_under_pressure" in named
    assert "test_fails" not in named


ERROR_BEHIND = """
import pytest

@pytest.fixture
def broken():
    yield
    assert False, "behind the test"

def test_itself_passes(broken):
    pass
"""
SKIPPED_ALONE = """
import os
import pytest

def test_is_passed_over():
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("alone")
    assert False
"""
FAILS_AT_ONCE = {
    "more than a few": "import pytest\n\n@pytest.mark.parametrize('n', range(6))\ndef test_fails(n):\n    assert False\n",
    "no module": "import nothing_of_this_name\n",
}


@pytest.mark.parametrize("text", [ERROR_BEHIND, SKIPPED_ALONE], ids=["teardown", "skipped"])
def test_what_did_not_pass_alone_did_not_pass(text: str, tmp_path: Path) -> None:
    first, status, said = checked(tmp_path, test_a=text, test_b=HOLDS)
    assert (first, status) == (1, 1)
    assert "once more" in said
    assert testing.PASSED_ONLY_ALONE not in said


@pytest.mark.parametrize("why", FAILS_AT_ONCE)
def test_what_is_no_matter_of_few_tests_fails_at_once(why: str, tmp_path: Path) -> None:
    first, status, said = checked(
        tmp_path, test_a=FAILS_AT_ONCE[why], test_b=HOLDS, test_c=UNDER_PRESSURE
    )
    assert status == first != 0
    assert said == ""


def test_a_run_without_failures_is_left_as_it_is(tmp_path: Path) -> None:
    assert checked(tmp_path, test_b=HOLDS) == (0, 0, "")
