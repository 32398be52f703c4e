"""The supervisor: runs programs as children, restarts what crashes or hangs, and leaves nothing behind.

Every child leads a session and process group of its own, writes to `<data dir>/logs/<name>.log`,
and is recorded by pid and birth before the next one is looked at (see running.py). A child
that ends by itself, or runs and answers nothing for half a minute, is started again after a pause
that doubles from half a second to thirty (to four, where it had served), and starts small again
after a minute of health. A program with `once` runs to its end before those that wait for it start;
if it fails, everything stops.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from operations.runtime import running

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
#: Of a program that served before it ended: it is wanted back within ten seconds, however often it is killed.
LONGEST_PAUSE_ONCE_READY_SECONDS = 4.0
HEALTHY_AFTER_SECONDS = 60.0
PROBE_EVERY_SECONDS = 0.25
ROUND_SECONDS = 0.05
ASK_EVERY_SECONDS = 5.0
SILENT_SECONDS = 30.0
ROTATE_EVERY_SECONDS = 30.0
RECORD_AGAIN_SECONDS = 0.5
LOG_LIMIT_BYTES = 5 * 1024 * 1024
LOGS_KEPT = 3


def pause_after(last: float, *, lived_seconds: float, served: bool) -> float:
    """Seconds to wait before a program that ended is started again. `last` is the pause before, 0 for none."""
    if not last or lived_seconds >= HEALTHY_AFTER_SECONDS:
        return FIRST_PAUSE_SECONDS
    longest = LONGEST_PAUSE_ONCE_READY_SECONDS if served else LONGEST_PAUSE_SECONDS
    return min(last * 2, longest)


@dataclass(frozen=True, kw_only=True)
class Program:
    """One child to keep running. `is_ready(started_at)` is asked until it is True, in a thread."""

    name: str
    command: list[str]
    cwd: Path
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    #: More of it, asked for at each start: what opens doors.
    given: Callable[[], dict[str, str]] | None = field(default=None, repr=False)
    #: Names of programs that must be ready (or, with `once`, done) before this one starts.
    after: tuple[str, ...] = ()
    once: bool = False
    is_ready: Callable[[datetime], bool] | None = None
    #: Asked now and then once it is ready; False for SILENT_SECONDS means that it hangs. What cannot be known is True.
    is_alive: Callable[[], bool] | None = None
    #: The system user to run as; None for ours.
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace_seconds: float = running.GRACE_SECONDS
    #: Stops only after all the others have ended.
    stops_last: bool = False


@dataclass
class Child:
    """The present life of a program."""

    program: Program
    process: subprocess.Popen[bytes] | None = None
    created: str | None = None
    #: waiting, starting, ready, crashed, done
    state: str = "waiting"
    started_at: datetime | None = None
    started: float = 0.0
    start_again: float = 0.0
    pause: float = 0.0
    restarts: int = 0
    last_exit: int | None = None
    probe: Future[bool] | None = None
    probed: float = 0.0
    #: When it last answered.
    answered: float = 0.0

    def as_record(self) -> dict[str, Any]:
        return {
            "pid": self.process.pid if self.process else None,
            "created": self.created,
            "state": self.state,
            "restarts": self.restarts,
            "last_exit": self.last_exit,
            "pause_seconds": self.pause,
        }


class Supervisor:
    """Runs programs until it is told to stop. Construct it while holding `running.lock(data_dir)`."""

    def __init__(
        self,
        data_dir: Path,
        programs: list[Program],
        *,
        facts: dict[str, Any] | None = None,
        owner: int | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.children = {program.name: Child(program) for program in programs}
        self.facts = facts or {}
        self.phase = "starting"
        self.failure: str | None = None
        self._owner = owner
        self._owner_born = running.birth(owner) if owner else None
        self._stop = threading.Event()
        self._probes = ThreadPoolExecutor(max_workers=8, thread_name_prefix="probe")
        self._written: dict[str, Any] = {}
        self._record_again = 0.0
        self._rotated = time.monotonic()
        self._created = running.birth(os.getpid())

    def stop(self, *_: object) -> None:
        """Ask `run` to end; also the handler of SIGTERM, SIGINT and SIGHUP."""
        self._stop.set()

    def run(self) -> int:
        """Until told to stop: 0; 1 when a program that has to run once failed."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self.stop)
        for child in self.children.values():
            rotate(self.log_file(child.program.name))
        try:
            while not self._stop.is_set() and self.failure is None:
                self._look_after()
                self._record()
                self._stop.wait(ROUND_SECONDS)
        finally:
            self._end_all()
        return 1 if self.failure else 0

    def log_file(self, name: str) -> Path:
        return self.data_dir / "logs" / f"{name}.log"

    # -- one round --------------------------------------------------------------------------------

    def _look_after(self) -> None:
        for child in self.children.values():
            self._reap(child)
            self._start_if_due(child)
            self._ask_if_ready(child)
            self._ask_if_alive(child)
        self._keep_logs_short()
        if self.phase == "starting" and all(
            child.state in ("ready", "done") for child in self.children.values()
        ):
            self.phase = "serving"
            tell("everything serves")
        if self._owner and not running.alive(self._owner, self._owner_born):
            tell("the command that started this is gone")
            self.stop()

    def _reap(self, child: Child) -> None:
        if child.process is None or child.process.poll() is None:
            return
        name, code = child.program.name, child.process.returncode
        # What the leader left behind in its group would hold ports and locks.
        signal_group(child.process.pid, signal.SIGKILL)
        lived = time.monotonic() - child.started
        child.process, child.created, child.probe, child.last_exit = None, None, None, code
        if child.program.once:
            if code == 0:
                child.state = "done"
                tell(f"{name}: done in {lived:.1f} s")
            else:
                child.state = "crashed"
                self.failure = f"{name} ended with {ending(code)}"
                tell(f"{self.failure}; its log is {self.log_file(name)}")
            return
        served = child.state == "ready" and child.program.is_ready is not None
        child.pause = pause_after(child.pause, lived_seconds=lived, served=served)
        child.state = "crashed"
        child.start_again = time.monotonic() + child.pause
        tell(f"{name}: ended with {ending(code)}, starts again in {child.pause:g} s")

    def _start_if_due(self, child: Child) -> None:
        if child.process is not None or child.state == "done" or self.failure:
            return
        if child.state == "crashed" and time.monotonic() < child.start_again:
            return
        if child.state == "waiting" and not all(
            self.children[name].state in ("ready", "done") for name in child.program.after
        ):
            return
        self._start(child)

    def _start(self, child: Child) -> None:
        program = child.program
        log = self.log_file(program.name)
        log.parent.mkdir(parents=True, exist_ok=True)
        environment = os.environ | program.environment | {running.MARK: str(self.data_dir)}
        if program.given is not None:
            environment |= program.given()
        child.restarts += child.state == "crashed"
        child.started = child.answered = time.monotonic()
        child.started_at = datetime.now(UTC)
        try:
            with log.open("ab") as output:
                child.process = subprocess.Popen(
                    program.command,
                    cwd=program.cwd,
                    env=environment,
                    user=program.user,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            if child.state == "crashed":
                # It ran: what is missing now, such as room on the disk, may be there later.
                child.pause = pause_after(child.pause, lived_seconds=0, served=False)
                child.start_again = time.monotonic() + child.pause
                tell(f"{program.name}: cannot be started now ({error.strerror}), tried again")
                return
            self.failure = f"{program.name} cannot be started: {error}"
            tell(self.failure)
            return
        child.created = running.birth(child.process.pid)
        child.state = "starting"
        self._record()
        tell(f"{program.name}: started (pid {child.process.pid})")

    def _ask_if_ready(self, child: Child) -> None:
        if child.started_at is None or child.state != "starting" or child.program.once:
            return
        if child.program.is_ready is None:
            child.state = "ready"
            return
        if child.probe is not None:
            if not child.probe.done():
                return
            # A probe that fails is an answer like any other: not yet.
            answered = child.probe.exception() is None and child.probe.result()
            child.probe = None
            if answered:
                child.state, child.answered = "ready", time.monotonic()
                tell(f"{child.program.name}: ready after {time.monotonic() - child.started:.1f} s")
                return
        if time.monotonic() - child.probed >= PROBE_EVERY_SECONDS:
            child.probed = time.monotonic()
            child.probe = self._probes.submit(child.program.is_ready, child.started_at)

    def _ask_if_alive(self, child: Child) -> None:
        ask, now = child.program.is_alive, time.monotonic()
        if ask is None or child.state != "ready" or child.process is None:
            child.answered = now
            return
        if child.probe is not None:
            if child.probe.done():
                # Nobody was asked where the asking itself failed.
                if child.probe.exception() is not None or child.probe.result():
                    child.answered = now
                child.probe = None
        elif now - child.probed >= ASK_EVERY_SECONDS:
            child.probed = now
            child.probe = self._probes.submit(ask)
        if now - child.answered > SILENT_SECONDS:
            tell(f"{child.program.name}: has answered nothing for {SILENT_SECONDS:.0f} s, killed")
            child.answered = now
            signal_group(child.process.pid, signal.SIGKILL)

    def _keep_logs_short(self) -> None:
        if time.monotonic() - self._rotated < ROTATE_EVERY_SECONDS:
            return
        self._rotated = time.monotonic()
        for name in self.children:
            cut(self.log_file(name))

    # -- record and end ---------------------------------------------------------------------------

    def _record(self) -> None:
        state = {
            "phase": self.phase,
            "failure": self.failure,
            "facts": self.facts,
            "supervisor": {"pid": os.getpid(), "created": self._created},
            "programs": {name: child.as_record() for name, child in self.children.items()},
        }
        if state != self._written and time.monotonic() >= self._record_again:
            try:
                running.record(self.data_dir, state)
                self._written = state
            except OSError as error:
                # A full disk must not end everything that runs.
                self._record_again = time.monotonic() + RECORD_AGAIN_SECONDS
                tell(f"cannot be recorded now: {error.strerror}")

    def _end_all(self) -> None:
        self.phase = "failed" if self.failure else "stopping"
        self._record()
        tell("stopping")
        self._end([c for c in self.children.values() if not c.program.stops_last])
        self._end([c for c in self.children.values() if c.program.stops_last])
        self._probes.shutdown(wait=False, cancel_futures=True)
        if not self.failure:
            self.phase = "stopped"
        self._record()
        tell("stopped")

    def _end(self, children: list[Child]) -> None:
        living = [child for child in children if child.process is not None]
        for child in living:
            assert child.process is not None
            # Only the leader is asked: it knows in which order its own children must go.
            child.process.send_signal(child.program.stop_signal)
        asked = time.monotonic()
        for child in living:
            assert child.process is not None
            left = asked + child.program.grace_seconds - time.monotonic()
            try:
                child.process.wait(timeout=max(left, 0.01))
            except subprocess.TimeoutExpired:
                tell(
                    f"{child.program.name}: did not stop in {child.program.grace_seconds:g} s, killed"
                )
            signal_group(child.process.pid, signal.SIGKILL)
            child.last_exit = child.process.wait()
            child.process, child.created, child.state = None, None, "waiting"


def signal_group(leader: int, number: signal.Signals) -> None:
    """Signal a process group; an empty one is no error."""
    try:
        os.killpg(leader, number)
    except ProcessLookupError:
        pass
    except PermissionError:
        # macOS answers so for a group of zombies.
        pass


def rotate(log: Path) -> None:
    """Move a log that has grown out of the way, keeping the last few."""
    if is_long(log):
        shift(log, log)


def is_long(log: Path) -> bool:
    return log.exists() and log.stat().st_size >= LOG_LIMIT_BYTES


def shift(newest: Path, log: Path) -> None:
    """`newest` becomes the first of the kept ones of this log."""
    for number in range(LOGS_KEPT - 1, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number + 1}"))
    newest.replace(log.with_name(f"{log.name}.1"))


def cut(log: Path) -> None:
    """The same for a log that a program writes to: it is copied and emptied, for its writer goes on at the end."""
    if is_long(log):
        kept = log.with_name(f"{log.name}.copy")
        try:
            shutil.copyfile(log, kept)
        except OSError:
            # The disk is full, and this log one of the reasons: half of a copy would be another.
            kept.unlink(missing_ok=True)
            return
        os.truncate(log, 0)
        shift(kept, log)


def ending(code: int) -> str:
    """An exit status in words."""
    if code >= 0:
        return f"status {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def tell(sentence: str) -> None:
    """A line of the supervisor's own log, which `up` relays."""
    # What cannot be written, on a full disk, is not worth ending for.
    with suppress(OSError):
        print(f"{datetime.now(UTC):%H:%M:%S} {sentence}", file=sys.stderr, flush=True)
