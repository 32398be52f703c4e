"""A program is started again when its files change, and waits for a change where it cannot run."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from operations.runtime.programs import Ports, programs
from operations.runtime.reload import Reload
from warehouse.settings import Settings

WAITS = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text({word!r}); time.sleep(600)"


class Watched:
    """A program of one file, looked after in a thread."""

    def __init__(self, folder: Path) -> None:
        self.file, self.said = folder / "page.py", folder / "said"
        self.write(WAITS.format(word="first"))
        self.reload = Reload([sys.executable, str(self.file), str(self.said)], [folder])
        self.thread = threading.Thread(target=self.reload.run, daemon=True)
        self.thread.start()

    def write(self, text: str) -> None:
        # Whole at once, as editors do.
        self.file.with_suffix(".new").write_text(text)
        self.file.with_suffix(".new").rename(self.file)

    def says(self, word: str) -> bool:
        return self.said.exists() and self.said.read_text() == word

    def running(self) -> list[psutil.Process]:
        found = []
        for child in psutil.Process().children():
            # One that just ended has no command line any more.
            with contextlib.suppress(psutil.Error):
                if str(self.file) in child.cmdline():
                    found.append(child)
        return found

    def stop(self) -> None:
        self.reload.stop()
        self.thread.join(60)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path)
    yield made
    made.stop()
    assert not made.running()


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_change_starts_it_again_and_leaves_one(watched: Watched) -> None:
    eventually(lambda: watched.says("first"))
    watched.write(WAITS.format(word="second"))
    eventually(lambda: watched.says("second"))
    assert len(watched.running()) == 1


def test_what_cannot_run_waits_for_the_next_change(
    watched: Watched, capfd: pytest.CaptureFixture[str]
) -> None:
    eventually(lambda: watched.says("first"))
    watched.write("half a line(")
    eventually(lambda: not watched.running())
    eventually(lambda: "waiting for a change" in capfd.readouterr().err)
    watched.write(WAITS.format(word="whole"))
    eventually(lambda: watched.says("whole"))


def test_up_runs_the_app_by_it_and_only_where_that_was_asked(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, master_key="m" * 40, _env_file=None)
    commands = {
        reload: {
            program.name: program.command
            for program in programs(
                settings, Ports(base=8500), demo=False, messages=1, reload=reload
            )
        }
        for reload in (False, True)
    }
    assert commands[False]["app"][1:3] == ["-m", "app"]
    assert commands[True]["app"][1:4] == ["-m", "operations.runtime.reload", "app"]
    others = {name: command for name, command in commands[True].items() if name != "app"}
    assert others == {name: commands[False][name] for name in others}


def test_it_ends_with_its_program(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "operations.runtime.reload",
            "http.server",
            "0",
            "--bind",
            "127.0.0.1",
        ]
    )
    eventually(lambda: bool(psutil.Process(process.pid).children()))
    (child,) = psutil.Process(process.pid).children()
    process.terminate()
    assert process.wait(60) == 0
    assert not child.is_running()
