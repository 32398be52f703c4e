"""Every benchmark at a tiny scale: the shape of what it prints, and counts that are true. No time is asserted."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
import psycopg
import pytest

import benchmarks
from benchmarks.throwaway import Throwaway, throwaway
from operations.commands.bench import benchmarks as runnable
from tests.long_form import LONG
from transform.resident import take_in
from warehouse.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
TINY = {
    "access": 400,
    "attacks": 1,
    "audit": 300,
    "backfill": 2500,
    "destroy": 400,
    "faults": 6,
    "fold": 300,
    "hosts": 2,
    "hours": 300,
    "idle": 300,
    "importing": 300,
    "kills": 3,
    "landing": 200,
    "linking": 300,
    "live": 300,
    "pages": 300,
    "rebuild": 300,
    "search": 300,
    "staff": 300,
    "suggestions": 300,
    "timeline": 400,
    "upgrade": 2,
}
#: As its user runs it, with a warehouse of its own, which takes half a minute: in the short form one.
AS_A_COMMAND = sorted(TINY) if LONG else ["landing"]
#: What the others do, folds and rebuilds, is done by many tests: each run takes what no other test does.
IN_EACH_RUN = {"audit", "search", "staff", "suggestions"}
#: These begin with a build of the whole warehouse, in that module.
BUILT_FIRST = {
    "search": "benchmarks.kept",
    "hours": "benchmarks.kept",
    "staff": "benchmarks.kept",
    "suggestions": "benchmarks.suggestions",
}
#: So many people have figures of each kind.
CROWDS = {"staff": {"people": 8}, "hours": {"people": 8}}
#: These bring an installation of their own; their short forms are tests/test_end_to_end.py and tests/operations/test_hosts.py.
AS_A_COMMAND_ALONE = {"faults", "hosts", "kills", "upgrade"}
NUMBER = (int, float)


def rows_of(document: dict[str, Any], words: str) -> list[dict[str, Any]]:
    return [row for row in document["results"] if words in row["what"]]


def test_each_benchmark_has_a_tiny_scale_and_is_listed() -> None:
    assert sorted(TINY) == runnable()
    assert benchmarks.__doc__ is not None
    for name in TINY:
        assert f"\n    {name} " in benchmarks.__doc__


@pytest.mark.parametrize("name", AS_A_COMMAND)
def test_it_runs_as_a_command(name: str) -> None:
    """`./crm bench NAME --scale N --json`, in a process of its own; nothing of it is left."""
    # A folder of its own for what it makes: another one may run beside it.
    with tempfile.TemporaryDirectory(prefix="crm-benches-") as folder:
        done = subprocess.run(
            [
                sys.executable, "-P", "-m", "operations", "bench", name,
                "--scale", str(TINY[name]), "--json",
            ],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": folder},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert not list(Path(folder).glob("crm-bench-*"))
    says_what_is_so(json.loads(done.stdout))


@pytest.mark.parametrize("name", sorted(TINY.keys() - AS_A_COMMAND_ALONE if LONG else IN_EACH_RUN))
def test_each_runs_in_a_small_form(
    name: str, settings: Settings, programs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but the making of the warehouse, which is that of all tests here."""

    class OnTheWarehouseOfTests(Throwaway):
        def start_warehouse(self) -> None:
            self.settings = settings.model_copy(update={"data_dir": self.folder})
            with psycopg.connect(settings.admin_url) as owner:
                server = psutil.Process(owner.info.backend_pid).ppid()
            self.warehouse = cast("subprocess.Popen[Any]", SimpleNamespace(pid=server))

    def fold_alone(on: Settings, **_: object) -> None:
        """Its tables stand already: another build would only show what many tests show."""
        take_in(on)

    monkeypatch.setattr("benchmarks.throwaway.Throwaway", OnTheWarehouseOfTests)
    benchmark = importlib.import_module(f"benchmarks.{name}")
    if name in BUILT_FIRST and not LONG:
        monkeypatch.setattr(f"{BUILT_FIRST[name]}.build", fold_alone)
    says_what_is_so(benchmark.run(None, TINY[name], **(CROWDS if not LONG else {}).get(name, {})))


def says_what_is_so(document: dict[str, Any]) -> None:
    """It has the shape of the interface, and its counts are true."""
    assert set(document) == {"name", "scale", "machine", "results"}
    assert document["scale"] == TINY[document["name"]]
    machine = document["machine"]
    assert machine["cores"] >= 1
    assert machine["memory_gib"] > 0
    assert machine["postgres"].split(".")[0].isdigit()
    assert machine["fdatasync_ms"] > 0
    assert machine["cpu"]
    for row in document["results"]:
        assert {"what", "value", "unit", "limit", "ratio"} <= set(row)
        assert isinstance(row["value"], NUMBER)
        assert row["value"] >= 0
        if row["limit"] is None:
            assert row["ratio"] is None
        else:
            assert row["ratio"] > 0
    counts_are_true(document)


def counts_are_true(document: dict[str, Any]) -> None:
    """What each run has counted by itself stands in its table, and is all of it."""
    name = document["name"]
    if name == "landing":
        (stored,) = rows_of(document, "rows in raw")
        # The warm-up, five rounds and the steady posts.
        assert stored["value"] == stored["limit"] == 7 * TINY[name]
    elif name == "fold":
        (stored,) = rows_of(document, "messages in the table")
        assert stored["value"] == stored["limit"] >= TINY[name]
    elif name in ("backfill", "rebuild"):
        (stored,) = rows_of(document, "messages in the table")
        assert stored["value"] == stored["limit"] == TINY[name]
        if name == "rebuild":
            (failed,) = rows_of(document, "that failed")
            assert failed["value"] == 0
            assert " of 0 " not in failed["what"]
    elif name == "timeline":
        assert len(rows_of(document, "p95, nothing arriving")) == 2
        assert len(rows_of(document, "p95, 50 a second arriving (")) == 2
        assert len(rows_of(document, "arriving against none")) == 2
    elif name == "audit":
        (checked,) = rows_of(document, "events that were checked")
        assert checked["value"] == checked["limit"] >= TINY[name]
    elif name == "idle":
        idle, busy, *programs = document["results"]
        assert 0 < idle["value"] < 200
        assert busy["value"] > 0
        assert sum(each["value"] for each in programs) == pytest.approx(busy["value"])
    elif name == "staff":
        assert rows_of(document, "any action, p95 of ")
        assert rows_of(document, "POST to the open tabs concerned, p95 of ")
        (lost,) = rows_of(document, "lost sessions")
        assert lost["value"] == 0
    elif name == "hours":
        assert [row["unit"] for row in document["results"]] == [
            "MB",
            "MB",
            "MB",
            "actions",
            "s",
            "sessions",
        ]
        assert rows_of(document, "done")[0]["value"] == (50 if LONG else 8) * 18
        assert rows_of(document, "lost sessions")[0]["value"] == 0
    elif name == "attacks":
        assert len(rows_of(document, "genuine deliveries, p99 of 100 ")) == 3
        for words in ("refused or unanswered", "session lost"):
            assert [row["value"] for row in rows_of(document, words)] == [0, 0, 0]
        assert [row["value"] > 0 for row in rows_of(document, "tries")] == [False, True, True]
    elif name in ("faults", "kills"):
        for words in ("not shown", "shown twice", "landed twice", "disagreed", "not come back"):
            assert [row["value"] for row in rows_of(document, words)] == [0]
    elif name in ("hosts", "upgrade"):
        none = [row for row in document["results"] if row["goal"] == "0"]
        assert [row["value"] for row in none] == [0] * (8 if name == "hosts" else 10)
        assert rows_of(document, "decisions that were made")[0]["value"] > 0
    elif name == "search":
        searches = rows_of(document, "(matches: ")
        assert len(searches) == 11
        assert not rows_of(document, "the commonest (matches: 0)")
        assert rows_of(document, "share of the fold's statements")[0]["value"] <= 100
    elif name == "importing":
        assert rows_of(document, "refused")[0]["value"] == 3
        assert rows_of(document, "steps")[0]["value"] > 0
        assert all(row["value"] > 1 for row in rows_of(document, "resident memory"))
    elif name == "linking":
        assert rows_of(document, "rows of correspondence")[0]["value"] == 0
        assert rows_of(document, "messages on the open timeline")[0]["value"] >= TINY[name]
        assert len(rows_of(document, "decision to painted")) == 4
    elif name == "pages":
        # Each of them was painted, or there would be no table.
        assert len(rows_of(document, "p95 of 3 (goal")) == 6
        assert all(row["value"] > 0 for row in rows_of(document, " of 3"))
        assert rows_of(document, "memory a session")
    elif name == "suggestions":
        (accepted,) = rows_of(document, "accepted together")[:1]
        (right,) = rows_of(document, "of these right")
        assert accepted["unit"] == "suggestions"
        assert right["value"] <= 100
        assert rows_of(document, "signs")[0]["value"] > 0
    else:
        assert name == "live"
        assert rows_of(document, "timeline, 10/s, p95 of 30 ")
        assert rows_of(document, "timeline, 50/s, p95 of 150 ")
        assert rows_of(document, "p95 of 3 ")


def test_a_warehouse_ends_with_its_block_also_when_that_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # How it ends does not hang on what is in it.
    for step in ("migrate", "prepare_all"):
        monkeypatch.setattr(f"benchmarks.throwaway.{step}", lambda _: None)
    taken: list[Throwaway] = []

    def fail() -> None:
        with throwaway() as on:
            taken.append(on)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not taken[0].folder.exists()
    assert taken[0].warehouse.poll() is not None


def test_a_terminated_benchmark_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    """SIGTERM in the middle, as a time limit sends it."""
    program = (
        "import time\n"
        "from benchmarks import throwaway as made\n"
        # How it ends does not hang on what is in it.
        "made.migrate = made.prepare_all = lambda _: None\n"
        "with made.throwaway() as on:\n"
        "    print(on.warehouse.pid, on.folder, flush=True)\n"
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    pid, _, folder = process.stdout.readline().strip().partition(" ")
    process.terminate()
    process.wait(30)
    process.stdout.close()
    assert not Path(folder).exists()
    assert not Path(f"/proc/{pid}").exists()
