"""The supervisor with small real programs as children."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from operations.runtime import running
from operations.runtime.supervisor import LOG_LIMIT_BYTES, cut, ending, pause_after, rotate
from warehouse import run_record

ROOT = Path(__file__).resolve().parents[2]
SLEEP = "import time; time.sleep(600)"
#: A program that ignores SIGTERM and has a child of its own.
STUBBORN = (
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); time.sleep(600)"
)
#: Runs a supervisor over {name: source}, with options per program.
HOST = """
import json, sys
from pathlib import Path
from operations.runtime import running, supervisor
from operations.runtime.supervisor import Program, Supervisor

data_dir, listed, owner = Path(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3])
supervisor.SILENT_SECONDS, supervisor.ASK_EVERY_SECONDS = 0.6, 0.1
alive = {"never": lambda: False, "always": lambda: True, "unknown": lambda: 1 / 0, None: None}
programs = [
    Program(name=name, is_alive=alive[each.pop("alive", None)], command=[sys.executable, "-c", each.pop("source")], cwd=data_dir,
            after=tuple(each.pop("after", ())), **each)
    for name, each in listed.items()
]
with running.lock(data_dir):
    sys.exit(Supervisor(data_dir, programs, owner=owner).run())
"""


class Host:
    """A supervisor in a process of its own."""

    def __init__(self, data_dir: Path, programs: dict[str, Any], owner: int | None = None) -> None:
        self.data_dir = data_dir
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOST, str(data_dir), json.dumps(programs), json.dumps(owner)],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(data_dir / "supervisor.log").open("w"),
            start_new_session=True,
        )

    def until(self, what: Callable[[dict[str, Any]], bool], seconds: float = 60) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            state = run_record.recorded(self.data_dir)
            if state and what(state):
                return state
            time.sleep(0.02)
        said = (self.data_dir / "supervisor.log").read_text()
        raise AssertionError(f"not within {seconds} s: {state}\n{said}")

    def pid(self, name: str) -> int:
        state = self.until(lambda s: s["programs"][name]["pid"] is not None)
        return int(state["programs"][name]["pid"])


def serves(state: dict[str, Any]) -> bool:
    return bool(state["phase"] == "serving")


def marked(data_dir: Path) -> list[int]:
    """Every process of this data folder, found without the supervisor's record."""
    found = []
    for process in psutil.process_iter():
        try:
            is_marked = process.environ().get(running.MARK) == str(data_dir)
            if is_marked and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Callable[..., Host]]:
    """Start supervisors; whatever a failed test leaves behind is ended."""
    started: list[Host] = []

    def start(programs: dict[str, Any], owner: int | None = None) -> Host:
        started.append(Host(tmp_path, programs, owner))
        return started[-1]

    yield start
    running.stop(tmp_path, patience_seconds=15)
    for each in started:
        each.process.wait(timeout=60)


def test_everything_stops_on_sigterm_and_nothing_is_left(
    host: Callable[..., Host], tmp_path: Path
) -> None:
    """Also a program that ignores SIGTERM, and that program's own child."""
    running_host = host(
        {"calm": {"source": SLEEP}, "stubborn": {"source": STUBBORN, "grace_seconds": 0.5}}
    )
    running_host.until(serves)
    deadline = time.monotonic() + 60
    while len(marked(tmp_path)) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(marked(tmp_path)) == 3
    running_host.process.terminate()
    assert running_host.process.wait(timeout=60) == 0
    assert marked(tmp_path) == []
    assert run_record.recorded(tmp_path)["phase"] == "stopped"


def test_a_crashed_program_starts_again_after_growing_pauses(host: Callable[..., Host]) -> None:
    running_host = host({"sound": {"source": SLEEP}, "weak": {"source": "raise SystemExit(3)"}})
    seen: dict[int, float] = {}

    def enough(state: dict[str, Any]) -> bool:
        weak = state["programs"]["weak"]
        if weak["state"] == "crashed":
            seen[weak["restarts"]] = weak["pause_seconds"]
        return len(seen) == 3

    state = running_host.until(enough)
    assert seen == {0: 0.5, 1: 1.0, 2: 2.0}
    assert state["programs"]["weak"]["last_exit"] == 3
    assert running.living(state).keys() == {"sound"}


def test_a_program_that_served_is_back_within_ten_seconds_however_often_it_is_killed() -> None:
    served = unfit = 0.0
    for _ in range(20):
        served = pause_after(served, lived_seconds=5, served=True)
        unfit = pause_after(unfit, lived_seconds=5, served=False)
    assert (served, unfit) == (4.0, 30.0)
    assert pause_after(unfit, lived_seconds=61, served=False) == 0.5


def test_a_killed_program_is_back_under_another_pid(host: Callable[..., Host]) -> None:
    running_host = host({"one": {"source": SLEEP}, "other": {"source": SLEEP}})
    running_host.until(serves)
    before, other = running_host.pid("one"), running_host.pid("other")
    os.kill(before, signal.SIGKILL)
    state = running_host.until(lambda s: s["programs"]["one"]["pid"] not in (None, before))
    assert state["programs"]["one"]["restarts"] == 1
    assert state["programs"]["one"]["last_exit"] == -signal.SIGKILL
    assert state["programs"]["other"]["pid"] == other


def test_stopping_finds_the_children_of_a_killed_supervisor(
    host: Callable[..., Host], tmp_path: Path
) -> None:
    running_host = host({"one": {"source": SLEEP}, "other": {"source": SLEEP}})
    running_host.until(serves)
    running_host.process.kill()
    running_host.process.wait()
    assert len(marked(tmp_path)) == 2
    assert not running.is_held(tmp_path)
    assert running.stop(tmp_path).keys() == {"one", "other"}
    assert marked(tmp_path) == []
    assert running.stop(tmp_path) == {}


def test_a_child_that_was_never_recorded_is_found_by_its_mark(tmp_path: Path) -> None:
    """The supervisor may be killed between starting a child and writing it down."""
    child = subprocess.Popen(
        [sys.executable, "-c", SLEEP], env=os.environ | {running.MARK: str(tmp_path)}
    )
    deadline = time.monotonic() + 60
    while not marked(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert child.pid in running.stop(tmp_path).values()
    child.wait(timeout=60)
    assert marked(tmp_path) == []


def test_a_recorded_pid_that_is_somebody_else_now_is_left_alone(tmp_path: Path) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", SLEEP])
    try:
        born = running.birth(bystander.pid)
        assert born is not None
        for other in (f"{born}0", psutil.Process(bystander.pid).create_time() - 100):
            program = {"pid": bystander.pid, "created": other}
            running.record(tmp_path, {"programs": {"app": program}, "supervisor": program})
            assert running.stop(tmp_path) == {}
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_clock_that_is_set_ends_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A start by the clock is counted from the start of the machine, which the system reckons anew when its clock is set."""
    owner = subprocess.Popen([sys.executable, "-c", SLEEP])
    try:
        born, by_clock = running.birth(owner.pid), psutil.Process(owner.pid).create_time()
        assert running.alive(owner.pid, born)
        # As version 0.2 recorded it.
        assert running.alive(owner.pid, by_clock)
        booted = psutil.boot_time()
        monkeypatch.setattr("psutil._pslinux.boot_time", lambda: booted + 3600)
        assert psutil.Process(owner.pid).create_time() > by_clock + 3000
        assert running.alive(owner.pid, born)
        running.record(tmp_path, {"programs": {"app": {"pid": owner.pid, "created": born}}})
        assert running.living(run_record.recorded(tmp_path)) == {"app": owner.pid}
    finally:
        owner.kill()
        owner.wait()
    assert not running.alive(owner.pid, born)


def test_a_full_disk_ends_nothing(host: Callable[..., Host], tmp_path: Path) -> None:
    """Nothing can be written, neither the record nor a log: a program that ends is started again all the same."""
    running_host = host({"one": {"source": SLEEP}})
    running_host.until(serves)
    before, supervisor = running_host.pid("one"), running_host.process.pid
    soft, hard = resource.prlimit(supervisor, resource.RLIMIT_FSIZE)
    resource.prlimit(supervisor, resource.RLIMIT_FSIZE, (0, hard))
    os.kill(before, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while set(marked(tmp_path)) <= {before}:
        assert running_host.process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert running_host.pid("one") == before
    resource.prlimit(supervisor, resource.RLIMIT_FSIZE, (soft, hard))
    state = running_host.until(lambda s: s["programs"]["one"]["pid"] not in (None, before))
    assert state["programs"]["one"]["restarts"] == 1
    assert [file.name for file in (tmp_path / "run").glob("state.*")] == ["state.json"]


def test_programs_wait_for_what_they_need_and_a_step_runs_once(
    host: Callable[..., Host], tmp_path: Path
) -> None:
    step = "import pathlib, time; time.sleep(0.3); pathlib.Path('done').touch()"
    needs = "import pathlib, time; assert pathlib.Path('done').exists(); time.sleep(600)"
    running_host = host(
        {"needs": {"source": needs, "after": ["step"]}, "step": {"source": step, "once": True}}
    )
    state = running_host.until(serves)
    assert state["programs"]["step"]["state"] == "done"
    assert state["programs"]["needs"]["restarts"] == 0


def test_a_failed_step_stops_everything_and_is_named(
    host: Callable[..., Host], tmp_path: Path
) -> None:
    running_host = host(
        {
            "calm": {"source": SLEEP},
            "step": {"source": "print('why'); raise SystemExit(4)", "once": True},
        }
    )
    assert running_host.process.wait(timeout=60) == 1
    state = run_record.recorded(tmp_path)
    assert state["phase"] == "failed"
    assert state["failure"] == "step ended with status 4"
    assert (tmp_path / "logs" / "step.log").read_text() == "why\n"
    assert marked(tmp_path) == []


def test_it_stops_when_the_command_that_started_it_is_gone(
    host: Callable[..., Host], tmp_path: Path
) -> None:
    owner = subprocess.Popen([sys.executable, "-c", SLEEP])
    running_host = host({"calm": {"source": SLEEP}}, owner=owner.pid)
    running_host.until(serves)
    owner.kill()
    owner.wait()
    assert running_host.process.wait(timeout=60) == 0
    assert marked(tmp_path) == []


def test_one_supervisor_per_data_folder(host: Callable[..., Host], tmp_path: Path) -> None:
    running_host = host({"calm": {"source": SLEEP}})
    running_host.until(serves)
    assert running.is_held(tmp_path)
    assert running.lock(tmp_path) is None
    running_host.process.terminate()
    running_host.process.wait(timeout=60)
    held = running.lock(tmp_path)
    assert held is not None
    held.close()


def test_a_log_that_has_grown_is_moved_aside(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    for turn in range(5):
        log.write_bytes(bytes([65 + turn]) * LOG_LIMIT_BYTES)
        rotate(log)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "app.log.1",
        "app.log.2",
        "app.log.3",
    ]
    assert (tmp_path / "app.log.1").read_bytes()[:1] == b"E"
    log.write_text("short")
    rotate(log)
    assert log.read_text() == "short"


@pytest.mark.parametrize(
    ("code", "words"), [(0, "status 0"), (3, "status 3"), (-9, "SIGKILL"), (-64, "SIGRTMAX")]
)
def test_an_exit_status_in_words(code: int, words: str) -> None:
    assert ending(code) == words


def test_what_runs_and_answers_nothing_is_started_again(host: Callable[..., Host]) -> None:
    """And what answers, or cannot be asked, is left alone."""
    started = host(
        {
            "hangs": {"source": SLEEP, "alive": "never"},
            "answers": {"source": SLEEP, "alive": "always"},
            "unasked": {"source": SLEEP, "alive": "unknown"},
        }
    )
    before = started.pid("answers"), started.pid("unasked")
    state = started.until(lambda state: state["programs"]["hangs"]["restarts"] >= 1)
    assert state["programs"]["hangs"]["last_exit"] == -signal.SIGKILL
    assert (started.pid("answers"), started.pid("unasked")) == before


def test_a_log_is_cut_while_it_is_written(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    with log.open("ab") as writing:
        writing.write(b"x" * (LOG_LIMIT_BYTES + 1))
        writing.flush()
        cut(log)
        writing.write(b"more")
        writing.flush()
    assert log.read_bytes() == b"more"
    assert log.with_name("a.log.1").stat().st_size == LOG_LIMIT_BYTES + 1
