"""A rolling upgrade: two hosts go from the version before several hosts to this one, one after the other, under load.

    ./crm bench upgrade --scale 30

Both run the whole former version (out of the history of this repository) on one database, whose schema it made. While
a sender posts to both receivers as a proxy does and two people decide on both apps, the first host is stopped and
started with this version, which brings the schema up to date; for `scale` seconds the two versions work side by side on
it; then the second follows. No delivery may be refused or end without an answer, and what `hosts` asks for holds here
too.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.figures import document
from benchmarks.fleet import Fleet, Host, fleet
from benchmarks.hosts import Play, results, under_load
from benchmarks.machine import machine
from benchmarks.throwaway import ROOT, termination_as_interrupt
from warehouse.settings import Settings

#: Came with `./crm up --only`: the former version is the commit before.
FIRST_FILE = "operations/runtime/shared.py"
DEFAULT_SECONDS = 30


class NoHistory(Exception):
    """The commit of the former version is not in this copy of the repository."""


def former_version(folder: Path) -> Path:
    """The files of the former version, in a folder of their own.

    Raises:
        NoHistory: this copy was made without them.
    """
    try:
        came = _git("log", "--diff-filter=A", "--format=%H", "--", FIRST_FILE).split()[-1].decode()
        packed = _git("archive", f"{came}^")
    except (OSError, subprocess.SubprocessError, IndexError) as why:
        raise NoHistory(
            f"the history here begins after {FIRST_FILE} came: fetch it whole (git fetch --unshallow)"
        ) from why
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def _git(*arguments: str) -> bytes:
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, timeout=120, check=True
    ).stdout


def upgrade(playing: Play, seconds: float) -> None:
    """Each host that is not of this version yet comes to it, with so long between."""

    def pass_by(_: Fleet) -> float:
        time.sleep(seconds)
        return time.monotonic()

    def go_on(words: str) -> None:
        if seconds:
            playing.step(f"{words}, {seconds:.0f} s", pass_by)

    go_on("as they are")
    for host in playing.on.hosts:
        if host.code != ROOT:
            playing.step(f"{host.name} host stopped, and started with this version", follow(host))
            go_on(f"since the {host.name} one follows")


def follow(host: Host) -> Callable[[Fleet], float]:
    """It is stopped, and goes on with this version."""

    def follows(_: Fleet) -> float:
        began = time.monotonic()
        host.down()
        host.code = ROOT
        host.start()
        return began

    return follows


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """What `./crm bench --json` prints. `settings` is not used: the hosts are throw-away ones."""
    seconds = scale or DEFAULT_SECONDS
    folder = Path(tempfile.mkdtemp(prefix="crm-bench-"))
    try:
        code = former_version(folder / "former")
        with (
            termination_as_interrupt(),
            fleet(folder, codes=(code, code), with_replica=False) as on,
        ):
            with under_load(on) as playing:
                upgrade(playing, seconds)
            found = machine(on.url, on.database.data_dir)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return document("upgrade", seconds, found, results(playing.outcome, nobody_is_killed=True))
