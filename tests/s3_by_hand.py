"""The media store on an S3 server. Not collected with the suite, whose lock has neither s3fs nor a server:

    uv venv /tmp/s3 && VIRTUAL_ENV=/tmp/s3 uv pip install --no-deps -r requirements.lock -r requirements-s3.lock
    VIRTUAL_ENV=/tmp/s3 uv pip install 'moto[s3,server]'
    PYTHONPATH=. /tmp/s3/bin/python -m pytest tests/s3_by_hand.py

A process forked after another one spoke to the store speaks to it too, as pulls do.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from media.store import MediaStore, MissingMedia
from operations.runtime.ports import free_port
from warehouse.settings import Settings

CONTENT = os.urandom(3_000_000) + b"the end"


@pytest.fixture(scope="module")
def storage() -> Iterator[str]:
    port = free_port()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "invented",
        "AWS_SECRET_ACCESS_KEY": "invented",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }
    boto3.client("s3").create_bucket(Bucket="crm")
    yield "s3://crm/media"
    server.stop()


def test_the_settings_take_it(storage: str) -> None:
    assert Settings(media_url=storage, _env_file=None).media_root == storage


def test_bytes_come_back_and_are_stored_once(storage: str) -> None:
    store = MediaStore(storage)
    sha256 = store.store(CONTENT)
    assert sha256 == hashlib.sha256(CONTENT).hexdigest() == store.store(CONTENT)
    assert store.has(sha256)
    assert MediaStore(storage).read(sha256) == CONTENT
    assert b"".join(store.pieces(sha256, 3_000_000, 3_000_003)) == b"the"
    held = boto3.client("s3").list_objects_v2(Bucket="crm")["Contents"]
    assert [entry["Key"] for entry in held] == [f"media/{sha256[:2]}/{sha256[2:4]}/{sha256}.zst"]


def test_pieces_become_one_object(storage: str) -> None:
    store = MediaStore(storage)
    with store.receiving("c1") as incoming:
        for start in range(0, len(CONTENT), 700_001):
            incoming.write(CONTENT[start : start + 700_001] + b"+")
        sha256 = incoming.keep()
    assert store.has(sha256)
    assert hashlib.sha256(store.read(sha256)).hexdigest() == sha256


def test_what_is_not_there_is_missing(storage: str) -> None:
    with pytest.raises(MissingMedia):
        MediaStore(storage).read("0" * 64)


def test_a_forked_process_stores_too(storage: str) -> None:
    MediaStore(storage).store(b"before the fork")
    child = multiprocessing.get_context("fork").Process(
        target=lambda: MediaStore(storage).store(b"in the child")
    )
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert MediaStore(storage).read(hashlib.sha256(b"in the child").hexdigest()) == b"in the child"
