"""A program that is started again whenever its files change, for work on pages: so `./crm up --reload` runs the app.

    python -m operations.runtime.reload app --port 8501

A program that ends by itself, over a line that is half written say, is started at the next change and not before.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

from operations.invocation import ROOT

#: What the app reads at its start. Streamlit's own watcher stays off: it would not see a changed import of an import.
WATCHED = ("app", "warehouse", ".streamlit", "dbt_project/seeds")
SUFFIXES = {".py", ".sql", ".css", ".js", ".toml", ".csv"}
LOOK_SECONDS = 0.3
GRACE_SECONDS = 10.0


class Reload:
    """One program over some folders, until it is told to stop."""

    def __init__(self, command: list[str], folders: list[Path]) -> None:
        self.command = command
        self.folders = folders
        self.stopping = threading.Event()

    def stop(self, *_: object) -> None:
        self.stopping.set()

    def run(self) -> int:
        """Until `stop`; the program is gone then."""
        seen = self._state()
        process: subprocess.Popen[bytes] | None = self._start()
        try:
            while not self.stopping.wait(LOOK_SECONDS):
                if process is not None and process.poll() is not None:
                    self._say(f"it ended with {process.returncode}: waiting for a change")
                    process = None
                now = self._state()
                changed = {file for file, when in now.items() ^ seen.items()}
                if changed:
                    seen = now
                    self._say(f"{', '.join(sorted(file.name for file in changed))}: starting again")
                    if process is not None:
                        self._end(process)
                    process = self._start()
        finally:
            if process is not None:
                self._end(process)
        return 0

    def _state(self) -> dict[Path, int]:
        """Every file with the time of its last change. One that vanishes meanwhile counts as gone."""
        found = {}
        for folder in self.folders:
            for file in folder.rglob("*"):
                if file.suffix in SUFFIXES:
                    try:
                        found[file] = file.stat().st_mtime_ns
                    except FileNotFoundError:
                        continue
        return found

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.command, stdin=subprocess.DEVNULL)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _say(self, sentence: str) -> None:
        print(f"reload: {sentence}", file=sys.stderr, flush=True)


def main() -> int:
    """Run `python -m` with the arguments, again and again."""
    watch = Reload([sys.executable, "-m", *sys.argv[1:]], [ROOT / name for name in WATCHED])
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, watch.stop)
    return watch.run()


if __name__ == "__main__":
    sys.exit(main())
