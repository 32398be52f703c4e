"""Start the supervisor and wait for it: what `up` and `demo` have in common."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from operations.invocation import ROOT, Found, say
from operations.runtime import running, shared
from warehouse import run_record
from warehouse.refusals import Refused

if TYPE_CHECKING:
    from warehouse.settings import Settings

READY_WITHIN_SECONDS = 600.0
#: What a supervisor ends with where another one has the data folder.
LOST = 2
#: A program that fell over so often before it ever served will not mend itself.
GIVE_UP_AFTER_RESTARTS = 4


@dataclass
class Launch:
    """One start on one data folder. `log_offset` is how far its log has been shown already."""

    settings: Settings
    log: Path
    log_offset: int
    supervisor: subprocess.Popen[bytes] | None

    @property
    def is_ours(self) -> bool:
        """Whether this command started what runs; where two begin at once, one of them learns that it did not."""
        return self.supervisor is not None

    @property
    def data_dir(self) -> Path:
        return self.settings.data_dir

    def state(self) -> dict[str, Any]:
        return run_record.recorded(self.data_dir)

    def relay(self) -> None:
        """Show what the supervisor has said since."""
        try:
            with self.log.open("rb") as file:
                file.seek(self.log_offset)
                text = file.read()
        except FileNotFoundError:
            return
        whole = text.rfind(b"\n") + 1
        if whole:
            self.log_offset += whole
            sys.stderr.write(text[:whole].decode(errors="replace"))
            sys.stderr.flush()

    def wait_for(self, what: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until the record satisfies `what`; returns it.

        Raises:
            Found: a program failed or the time is over; everything was stopped, its log was shown.
        """
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while True:
            self.relay()
            state = self.state()
            # The record of an earlier start may still lie there.
            works = state.get("supervisor") or {}
            fresh = (
                running.alive(works.get("pid"), works.get("created"))
                if self.supervisor is None
                else works.get("pid") == self.supervisor.pid
            )
            if fresh and what(state):
                return state
            if self.supervisor is not None and self.supervisor.poll() is not None:
                self.relay()
                if self.supervisor.returncode == LOST and running.is_held(self.data_dir):
                    say("another command starts it on this data folder already")
                    self.supervisor = None
                    continue
                self.fail(state.get("failure") or "the supervisor ended", state if fresh else {})
            for name, program in state.get("programs", {}).items() if fresh else ():
                if program["restarts"] >= GIVE_UP_AFTER_RESTARTS:
                    self.fail(f"{name} ended again and again", state, name)
            if time.monotonic() > deadline:
                self.fail(f"not ready within {READY_WITHIN_SECONDS:.0f} s", state)
            time.sleep(0.1)

    def fail(self, why: str, state: dict[str, Any], name: str | None = None) -> NoReturn:
        """Stop everything and show the end of the log that tells why.

        Raises:
            Found: always.
        """
        from operations.runtime.programs import log_tail

        blamed = name or next(
            (
                each
                for each, program in state.get("programs", {}).items()
                if program["state"] in ("crashed", "starting")
            ),
            "supervisor",
        )
        running.stop(self.data_dir)
        for line in log_tail(self.data_dir, blamed):
            say(f"  {blamed}: {line}")
        raise Found(f"{why}; the whole log is {self.data_dir / 'logs' / f'{blamed}.log'}")


def launch(
    settings: Settings,
    *,
    port_base: int,
    demo: bool,
    messages: int,
    stays: bool,
    reload: bool = False,
    parts: Sequence[str] | None = None,
) -> tuple[Launch, bool]:
    """Start the supervisor, unless one runs on this data folder; returns the launch and whether it is new.

    Args:
        stays: it outlives this command; otherwise it stops when this command is gone.
        parts: which programs run here, where others run on other hosts; None for all.

    Raises:
        Refused: a port is taken, or the database that was given does not answer.
        SettingsError: the master key is weak.
    """
    from operations.runtime.programs import Ports, all_parts
    from operations.runtime.supervisor import rotate

    data_dir = settings.data_dir
    log = data_dir / "logs" / "supervisor.log"

    def runs_already() -> tuple[Launch, bool]:
        return Launch(settings, log, log.stat().st_size if log.exists() else 0, None), False

    if running.is_held(data_dir):
        return runs_already()
    if running.leftovers(data_dir):
        # Under the lock: they may be the first programs of another command that began a moment before.
        held = running.lock(data_dir)
        if held is None:
            return runs_already()
        with held:
            left = running.stop_leftovers(data_dir)
        say(f"stopped what an earlier run left behind: {', '.join(sorted(left))}")
    ports = Ports(base=port_base)
    try:
        ports.check(all_parts(settings) if parts is None else parts, demo=demo)
    except Refused:
        if running.is_held(data_dir):
            return runs_already()
        raise
    settings.make_master_key()
    _ = settings.master_keys
    if settings.database_url is not None:
        _check_given_database(settings)
        if parts is not None:
            shared.check_master_key(settings)
    log.parent.mkdir(parents=True, exist_ok=True)
    rotate(log)
    offset = log.stat().st_size if log.exists() else 0
    arguments = ["--data-dir", str(data_dir), "--port-base", str(port_base)]
    if demo:
        arguments += ["--demo", "--messages", str(messages)]
    if reload:
        arguments.append("--reload")
    if parts is not None:
        arguments += ["--only", ",".join(parts)]
    if not stays:
        arguments += ["--owner", str(os.getpid())]
    with log.open("ab") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "operations.runtime.supervise", *arguments],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Launch(settings, log, offset, supervisor), True


def _check_given_database(settings: Settings) -> None:
    import psycopg

    try:
        psycopg.connect(settings.admin_url, connect_timeout=10).close()
    except psycopg.Error as error:
        raise Refused(
            f"CRM_DATABASE_URL does not answer: {str(error).strip().partition(chr(10))[0]}"
        ) from error


def serves(state: dict[str, Any]) -> bool:
    """Whether every program of the record was ready."""
    return state.get("phase") == "serving"


def interruptible() -> None:
    """Let SIGTERM and a closed terminal end this command as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)


def run_until_stopped(started: Launch) -> None:
    """Show what happens until Ctrl-C, then stop everything.

    Raises:
        Found: the supervisor ended by itself, and not because `down` asked it to.
    """
    assert started.supervisor is not None
    try:
        while started.supervisor.poll() is None:
            started.relay()
            time.sleep(0.2)
    except KeyboardInterrupt:
        say("stopping …")
        running.stop(started.data_dir)
        started.supervisor.wait()
    started.relay()
    if started.supervisor.returncode:
        state = started.state()
        raise Found(state.get("failure") or "the supervisor ended unexpectedly; see ./crm status")
