"""The media store keeps bytes under their hash, whole or not at all."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import signal
import tempfile
import time
import tracemalloc
from pathlib import Path

import pytest

from media.store import DamagedMedia, MediaStore, MissingMedia


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


@pytest.mark.usefixtures("programs")
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


def received(store: MediaStore, *pieces: bytes) -> str:
    with store.receiving("c1") as incoming:
        for piece in pieces:
            incoming.write(piece)
        return incoming.keep()


@pytest.fixture(params=["file", "memory"])
def any_store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> MediaStore:
    """A store on this machine, and one that is somewhere else."""
    if request.param == "memory":
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        return MediaStore(f"memory://{tmp_path.name}/media")
    return MediaStore(f"file://{tmp_path / 'media'}")


@pytest.mark.parametrize(
    "pieces", [[], [b""], [b"one"], [b"one", b"", b"two"], [os.urandom(300_000)] * 5]
)
def test_pieces_become_one_file(any_store: MediaStore, pieces: list[bytes]) -> None:
    content = b"".join(pieces)
    sha256 = received(any_store, *pieces)
    assert sha256 == hashlib.sha256(content).hexdigest()
    assert any_store.read(sha256) == content
    assert b"".join(any_store.pieces(sha256)) == content
    # The same bytes, whichever way they came.
    assert any_store.store(content) == sha256 == received(any_store, content)


@pytest.mark.parametrize(
    ("start", "stop"),
    [(0, 1), (0, 1_000_000), (1, None), (262_143, 262_145), (999_999, 1_000_000), (500_000, None)],
)
def test_a_part_of_a_file(any_store: MediaStore, start: int, stop: int | None) -> None:
    content = os.urandom(1_000_000)
    sha256 = received(any_store, content)
    assert b"".join(any_store.pieces(sha256, start, stop)) == content[start:stop]


def test_what_is_not_kept_is_forgotten(any_store: MediaStore, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), any_store.receiving("c1") as incoming:  # noqa: PT012
        incoming.write(b"half")
        raise ZeroDivisionError
    with any_store.receiving("c1") as incoming:
        incoming.write(b"whole, and not wanted")
    assert not any_store.has(incoming.sha256)
    assert any_store.forget_unfinished("c1") == 0
    assert files(tmp_path) == []


def test_damage_is_noticed_before_the_last_piece_is_given(store: MediaStore) -> None:
    sha256, other = received(store, os.urandom(600_000)), received(store, os.urandom(600_000))
    Path(store.path(sha256)).write_bytes(Path(store.path(other)).read_bytes())
    given = 0
    with pytest.raises(DamagedMedia):  # noqa: PT012
        for piece in store.pieces(sha256):
            given += len(piece)
    assert given < 600_000
    Path(store.path(sha256)).write_bytes(Path(store.path(other)).read_bytes()[:1000])
    for start in (0, 10):
        with pytest.raises(DamagedMedia):
            list(store.pieces(sha256, start, 600_000 if start else None))
    with pytest.raises(MissingMedia):
        store.pieces("0" * 64)


def test_a_large_file_does_not_go_through_memory(store: MediaStore) -> None:
    tracemalloc.start()
    with store.receiving("c1") as incoming:
        for number in range(200):
            incoming.write(random.Random(number).randbytes(250_000))
        sha256 = incoming.keep()
    assert sum(map(len, store.pieces(sha256))) == incoming.size_bytes == 50_000_000
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("owner", ["", "../c1", "a/b", "*", "a b"])
def test_an_owner_is_a_plain_word(store: MediaStore, owner: str) -> None:
    with pytest.raises(ValueError, match="plain word"), store.receiving(owner):
        pass


def _receive_for_ever(root: str) -> None:
    store = MediaStore(root)
    with store.receiving("c1") as incoming:
        while True:
            incoming.write(os.urandom(100_000))


@pytest.mark.usefixtures("programs")
def test_kill_9_leaves_nothing_that_the_next_does_not_remove(
    store: MediaStore, tmp_path: Path
) -> None:
    root = f"file://{tmp_path / 'media'}"
    process = multiprocessing.get_context("fork").Process(target=_receive_for_ever, args=(root,))
    process.start()
    time.sleep(0.4)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert len(files(tmp_path)) == 1
    # Another connection is receiving at this moment, and is left alone.
    with store.receiving("c10") as other:
        assert store.forget_unfinished("c1") == 1
        other.write(b"content")
        assert store.read(other.keep()) == b"content"
    assert len(files(tmp_path)) == 1
