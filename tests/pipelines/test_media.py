"""The media store keeps bytes under their hash, whole or not at all."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from pipelines.media import DamagedMedia, MediaStore, MissingMedia


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(f"file://{tmp_path / 'media'}")


def files(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "media").rglob("*") if path.is_file()]


@pytest.mark.parametrize("content", [b"", b"hello", os.urandom(300_000), b"a" * 5_000_000])
def test_round_trip(store: MediaStore, content: bytes) -> None:
    sha256 = store.store(content)
    assert sha256 == hashlib.sha256(content).hexdigest()
    assert store.read(sha256) == content


def test_the_same_bytes_are_stored_once_and_compressed(store: MediaStore, tmp_path: Path) -> None:
    content = b"the same words " * 10_000
    assert store.store(content) == store.store(content)
    (only,) = files(tmp_path)
    assert only.stat().st_size < len(content) / 50


def test_missing_and_damaged_bytes_are_told_apart(store: MediaStore, tmp_path: Path) -> None:
    absent = hashlib.sha256(b"absent").hexdigest()
    with pytest.raises(MissingMedia):
        store.read(absent)
    assert not store.has(absent)
    sha256, other = store.store(b"right"), store.store(b"other")
    Path(store.path(sha256)).write_bytes(Path(store.path(other)).read_bytes())
    with pytest.raises(DamagedMedia):
        store.read(sha256)
    Path(store.path(sha256)).write_bytes(b"not compressed")
    with pytest.raises(DamagedMedia):
        store.read(sha256)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_a_name_that_is_no_hash_reaches_no_file(store: MediaStore, name: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        store.read(name)


def _store_many(root: str) -> None:
    store = MediaStore(root)
    number = 0
    while True:
        store.store(b"%d" % number + b"x" * 200_000)
        number += 1


def test_kill_9_leaves_no_half_file_under_a_hash(store: MediaStore, tmp_path: Path) -> None:
    root = f"file://{tmp_path / 'media'}"
    process = multiprocessing.get_context("fork").Process(target=_store_many, args=(root,))
    process.start()
    time.sleep(0.4)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    kept = [path for path in files(tmp_path) if not path.name.startswith(".")]
    assert kept
    for path in kept:
        store.read(path.name.removesuffix(".zst"))
