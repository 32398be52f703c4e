"""A warehouse with stored and built messages, kept for the next benchmark where CRM_BENCH_STORES names a folder.

A million messages take a quarter of an hour to store and to build, and most benchmarks begin with the same ones. The
files of the stopped server are kept, in a folder whose name says what they were made of; a benchmark works on a copy.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.storing import Store
from benchmarks.throwaway import ROOT, Throwaway, throwaway
from transform.build import build

STORES_VARIABLE = "CRM_BENCH_STORES"
#: What the rows of a stored and built warehouse depend on.
MADE_OF = (
    "benchmarks/storing.*",
    "dbt_project/**/*.*",
    "pipelines/**/*.py",
    "requirements.lock",
    "transform/**/*.*",
    "warehouse/**/*.*",
)


@contextmanager
def stored(messages: int, busy_messages: int) -> Iterator[tuple[Throwaway, Store]]:
    """A warehouse of its own for the time of the block, with so many messages, built, with statistics.

    The words of the texts are as common as in a natural language.

    Args:
        busy_messages: how many of them are the busy customer's.
    """
    kept = _place(f"{messages}-{busy_messages}")
    is_kept = kept is not None and kept.is_dir()
    with throwaway(kept if is_kept else None) as on:
        store = Store(on.settings, messages, busy_messages)
        if not is_kept:
            store.prepare()
            store.write_words()
            store.fill()
            build(on.settings, compare=False)
            store.analyze()
            if kept is not None:
                _keep(on, kept)
        yield on, Store(on.settings, messages, busy_messages, last=messages)


def _place(shape: str) -> Path | None:
    named = os.environ.get(STORES_VARIABLE)
    if not named:
        return None
    digest = hashlib.sha256()
    for pattern in MADE_OF:
        for file in sorted(each for each in ROOT.glob(pattern) if each.is_file()):
            if "__pycache__" not in file.parts:
                digest.update(f"\0{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return Path(named) / f"{shape}-{digest.hexdigest()[:20]}"


def _keep(on: Throwaway, kept: Path) -> None:
    """Copy the files while the server is down."""
    on.stop(on.warehouse)
    # Renamed when whole: what an interrupted copy left is no store.
    unfinished = kept.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    subprocess.run(["cp", "-a", *map(str, on.files()), str(unfinished)], check=True)
    unfinished.rename(kept)
    on.start_warehouse()
