"""Our programs as children of a test, forked from a process that has imported what they need.

To import it takes two to three seconds of a core, and some two hundred times a test starts a program. How each program
starts by itself is tried by tests/app/test_options.py, tests/app/test_processes.py, tests/operations/test_up.py and
tests/test_end_to_end.py.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class Forked:
    """`python ARGUMENTS…`, with what a test wants of a `subprocess.Popen`."""

    def __init__(
        self,
        warm: str,
        arguments: list[str],
        *,
        folder: Path,
        environment: dict[str, str],
        log: Path,
    ) -> None:
        """
        Args:
            warm: what was imported before: a key of WARM.
            arguments: `-m MODULE …`, or `-c CODE …`.
            log: where both outputs go, behind what it holds.
        """
        asked = {
            "arguments": arguments, "folder": str(folder), "environment": environment, "log": str(log),
        }  # fmt: skip
        process, self._ended = _warm(warm)
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        self.pid = int(process.stdout.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """None while it runs. A program that wrote no status down before its end was killed."""
        if self.returncode is None and not _is_there(self.pid):
            written = self._ended / str(self.pid)
            self.returncode = int(written.read_text()) if written.exists() else -signal.SIGKILL
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """
        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        until = time.monotonic() + timeout if timeout is not None else None
        while (status := self.poll()) is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired("a forked program", timeout or 0.0)
            time.sleep(0.01)
        return status


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@cache
def _warm(name: str) -> tuple[subprocess.Popen[str], Path]:
    """One of each kind for a test process. It ends, with what it forked, when its input is closed."""
    # Not among pytest's folders, which a run keeps for the next ones.
    ended = Path(tempfile.mkdtemp(prefix="crm-forked-"))
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.forked", name, str(ended)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    return process, ended


def _import_app() -> None:
    """What serves pages, and what the first page that is drawn would import."""
    import app

    for name in (
        "uvicorn.lifespan.on",
        "uvicorn.loops.auto",
        "uvicorn.protocols.http.auto",
        "uvicorn.protocols.websockets.auto",
        "app.serving.process",
        "app.serving.server",
    ):
        importlib.import_module(name)
    # Pages, and the script round them, are run anew each time and are no modules.
    for found in pkgutil.walk_packages(app.__path__, "app."):
        if not found.name.startswith("app.pages") and found.name not in (
            "app.main",
            "app.__main__",
        ):
            importlib.import_module(found.name)


def _import_pulls() -> None:
    """What the worker and a pull import, and the programs that stand beside them."""
    for name in (
        "worker.lean",
        "worker.main",
        "worker.warm",
        "webhooks.__main__",
        "transform.resident",
    ):
        importlib.import_module(name)


WARM: dict[str, Callable[[], None]] = {"app": _import_app, "pulls": _import_pulls}


def _fork_as_asked(name: str, ended: Path) -> None:
    before = dict(os.environ)
    WARM[name]()
    # dlt is told by variables, which our modules set when they are imported.
    told = {name: value for name, value in os.environ.items() if before.get(name) != value}
    # What is here stays: a collection in a child would only copy its pages.
    gc.collect()
    gc.freeze()
    # Nobody waits for the children.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    started = []
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            asked["environment"] |= told
            status = _run(**asked)
            (ended / str(os.getpid())).write_text(str(status))
            os._exit(status)
        started.append(pid)
        print(pid, flush=True)
    for pid in started:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    for file in ended.iterdir():
        file.unlink()
    ended.rmdir()


def _run(arguments: list[str], folder: str, environment: dict[str, str], log: str) -> int:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for descriptor, path, mode in (
        (0, os.devnull, os.O_RDONLY),
        (1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND),
        (2, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND),
    ):
        os.dup2(os.open(path, mode, 0o600), descriptor)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    how, what, *rest = arguments
    sys.argv = [what, *rest]
    if (how, what) == ("-m", "worker"):
        _fork_fork_server()
    try:
        if how == "-m":
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
            return 1
        return int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _fork_fork_server() -> None:
    """Now, while there is one thread: the process that pulls are forked from (worker/children.py). It has imported what they
    need, as we have, which takes a new one three seconds of a core."""
    from multiprocessing import forkserver, resource_tracker, util

    started_by_python = util.spawnv_passfds

    def forked(program: bytes, arguments: list[str], kept: list[int]) -> int:
        pid = os.fork()
        if pid == 0:
            open_now = {int(each.name) for each in Path("/proc/self/fd").iterdir()}
            for descriptor in open_now - {0, 1, 2, *kept}:
                with suppress(OSError):
                    os.close(descriptor)
            # Held by the thread that forks.
            forkserver._forkserver._lock = threading.Lock()
            try:
                exec(arguments[-1], {})
            finally:
                # It ends by an exception, which must not find its way to whoever forked us.
                os._exit(0)
        return pid

    resource_tracker.ensure_running()
    forkserver.set_forkserver_preload([])
    util.spawnv_passfds = forked
    try:
        forkserver.ensure_running()
    finally:
        util.spawnv_passfds = started_by_python


if __name__ == "__main__":
    _fork_as_asked(sys.argv[1], Path(sys.argv[2]))
