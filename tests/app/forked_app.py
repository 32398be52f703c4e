"""`python -m app` for browser tests, forked from a process that has imported it.

Importing it takes two to three seconds of a core, and a hundred tests have an app of their own. How the program starts
by itself is tried by tests/app/test_options.py, tests/app/test_processes.py and tests/test_end_to_end.py.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Forked:
    """One app, with what a test wants of a `subprocess.Popen`."""

    def __init__(self, port: int, folder: Path, environment: dict[str, str], log: Path) -> None:
        warm = _warm()
        assert warm.stdin
        assert warm.stdout
        asked = {"port": port, "folder": str(folder), "environment": environment, "log": str(log)}
        warm.stdin.write(json.dumps(asked) + "\n")
        warm.stdin.flush()
        self.pid = int(warm.stdout.readline())

    def poll(self) -> int | None:
        """None while it runs; what it ended with only its parent was told."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return 0
        return None

    def terminate(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)

    def wait(self, seconds: float) -> int:
        until = time.monotonic() + seconds
        while self.poll() is None:
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired("app", seconds)
            time.sleep(0.01)
        return 0


@cache
def _warm() -> subprocess.Popen[str]:
    """One for a test process. It ends, with what it forked, when its input is closed."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.app.forked_app"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def _fork_as_asked() -> None:
    import uvicorn  # noqa: F401

    import app.serving.process
    import app.serving.server  # noqa: F401

    # Nobody waits for the children.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    started = []
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os._exit(_run(**json.loads(line)))
        started.append(pid)
        print(pid, flush=True)
    for pid in started:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _run(port: int, folder: str, environment: dict[str, str], log: str) -> int:
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
    sys.argv = ["app", "--port", str(port)]
    from app.__main__ import main

    try:
        return main()
    except SystemExit as ended:
        return int(ended.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    _fork_as_asked()
