"""What runs on a data folder: the record that the supervisor keeps, and how to stop what it names.

`<data dir>/run/state.json` is written whole and moved into place, so a reader never sees half of
it. A process is named by pid and birth together: a pid alone may belong to somebody else by now.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import psutil

from warehouse.run_record import recorded, run_folder, state_file

#: Every child carries the data folder it works for in this variable, so that one which was started
#: a moment before its supervisor was killed, and is not recorded yet, is found as well.
MARK = "CRM_SUPERVISED"
#: Of a record of version 0.2 or older, which told births by the clock: two looks differ by less than this.
BIRTH_TOLERANCE_SECONDS = 1.0
GRACE_SECONDS = 8.0
#: Another name at each start of the machine.
BOOT = Path("/proc/sys/kernel/random/boot_id")
#: A database that is told to stop writes out what it holds; killing it only moves the work to the
#: next start.
POSTGRES_GRACE_SECONDS = 30.0


def record(data_dir: Path, state: dict[str, Any]) -> None:
    """Replace the record in one step."""
    folder = run_folder(data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=folder, prefix="state.")
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump(state, file, indent=1)
        Path(name).replace(state_file(data_dir))
    except OSError:
        # On a full disk this is tried again and again: what is left of a try must not stay.
        Path(name).unlink(missing_ok=True)
        raise


def lock(data_dir: Path, *, patience_seconds: float = 0.25) -> IO[str] | None:
    """Take the data folder for this process; None where another supervisor holds it.

    The kernel gives the lock back when its holder ends, however it ends.
    """
    folder = run_folder(data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "lock").open("a")
    # A look (`is_held`) takes the lock for a moment too, and so does who clears up; a supervisor keeps it.
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            if time.monotonic() > deadline:
                file.close()
                return None
            time.sleep(0.05)


def is_held(data_dir: Path) -> bool:
    """Whether a supervisor works on this data folder now. Looking leaves no trace."""
    try:
        file = (run_folder(data_dir) / "lock").open("r")
    except (FileNotFoundError, NotADirectoryError):
        return False
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def birth(pid: int) -> str | None:
    """What tells this process from any other that had or gets its pid; None where there is none.

    Not its start by the clock: that one moves when the clock is set, and everything seemed to have ended. Linux counts
    from the start of the machine, which has a name of its own.
    """
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
        return f"{BOOT.read_text().strip()} {told.rpartition(') ')[2].split()[19]}"
    except ProcessLookupError:
        return None
    except FileNotFoundError:
        # There is no such process, or no /proc.
        return _birth_by_clock(pid)


def _birth_by_clock(pid: int) -> str | None:
    try:
        return str(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def alive(pid: int | None, born: str | float | None) -> bool:
    """Whether the process recorded by pid and birth still runs (a zombie does not)."""
    if pid is None or born is None:
        return False
    try:
        process = psutil.Process(pid)
        if isinstance(born, str):
            is_same = birth(pid) == born
        else:
            is_same = abs(process.create_time() - born) < BIRTH_TOLERANCE_SECONDS
        return is_same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def living(state: dict[str, Any]) -> dict[str, int]:
    """The recorded children that run, name -> pid."""
    return {
        name: program["pid"]
        for name, program in state.get("programs", {}).items()
        if alive(program.get("pid"), program.get("created"))
    }


def app_processes(door: int) -> dict[str, int]:
    """The processes behind the app's door (app/serving/door.py), `app-1` … -> pid; none where one serves alone."""
    found: dict[str, int] = {}
    try:
        for process in psutil.Process(door).children():
            command = process.cmdline()
            if "--worker" in command[:-1]:
                found[f"app-{command[command.index('--worker') + 1]}"] = process.pid
    except psutil.Error:
        pass
    return dict(sorted(found.items()))


def leftovers(data_dir: Path) -> dict[int, str]:
    """Every process that works for this data folder, pid -> name, whether recorded or only marked."""
    found = {pid: name for name, pid in living(recorded(data_dir)).items()}
    cluster = str(data_dir / "postgres")
    for process in psutil.process_iter():
        if process.pid in found or process.pid == os.getpid():
            continue
        try:
            command = process.cmdline()
            if not command or process.status() == psutil.STATUS_ZOMBIE:
                continue
            # PostgreSQL writes over its environment, so it is known by its cluster.
            if cluster in command and Path(command[0]).name == "postgres":
                found[process.pid] = "postgres"
            elif process.environ().get(MARK) == str(data_dir):
                module = command[command.index("-m") + 1] if "-m" in command[:-1] else None
                found[process.pid] = module or process.name()
        except psutil.Error:
            continue
    return found


def stop_leftovers(data_dir: Path) -> dict[str, int]:
    """End what an earlier supervisor left behind, the database last. Name -> pid of what was stopped."""
    found = leftovers(data_dir)
    database = {pid for pid, name in found.items() if name == "postgres"}
    end(set(found) - database, signal.SIGTERM, GRACE_SECONDS)
    end(database, signal.SIGINT, POSTGRES_GRACE_SECONDS)
    return {name: pid for pid, name in found.items()}


def end(pids: Iterable[int], stop_signal: signal.Signals, grace_seconds: float) -> None:
    """Ask processes and their descendants to end, and kill what is left after the grace."""
    processes = []
    for pid in pids:
        try:
            process = psutil.Process(pid)
            processes += [process, *process.children(recursive=True)]
            process.send_signal(stop_signal)
        except psutil.NoSuchProcess:
            continue
    _, left = psutil.wait_procs(processes, timeout=grace_seconds)
    for process in left:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(left, timeout=5)


def stop(data_dir: Path, *, patience_seconds: float = 60.0) -> dict[str, int]:
    """Stop everything that runs on the data folder; name -> pid of what ran. Twice is the same as once."""
    state = recorded(data_dir)
    stopped = living(state)
    supervisor = state.get("supervisor") or {}
    if alive(supervisor.get("pid"), supervisor.get("created")):
        stopped["supervisor"] = supervisor["pid"]
        os.kill(supervisor["pid"], signal.SIGTERM)
        deadline = time.monotonic() + patience_seconds
        while alive(supervisor["pid"], supervisor["created"]) and time.monotonic() < deadline:
            time.sleep(0.05)
        if alive(supervisor["pid"], supervisor["created"]):
            os.kill(supervisor["pid"], signal.SIGKILL)
    stopped |= stop_leftovers(data_dir)
    if state:
        record(data_dir, {**state, "phase": "stopped", "programs": {}, "supervisor": None})
    return stopped
