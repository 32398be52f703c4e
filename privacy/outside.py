"""What must be done again after a restore, written outside the database: a backup may be older than a destruction.

    <data folder>/privacy/destroyed.jsonl    one line a destruction: the certificate and its tombstones, no identifier
    <data folder>/privacy/tombstone.key      the key of the tombstones, encrypted under the master key

Both are kept with the master key, apart from backups of the database. `./crm privacy reapply` reads them
(privacy/reapply.py).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from cryptography.fernet import InvalidToken

from privacy.erasure import as_json
from warehouse.connections import cipher
from warehouse.queries import queries
from warehouse.refusals import Refused
from warehouse.settings import Settings

if TYPE_CHECKING:
    from privacy.destruction import Certificate

SQL = queries("privacy")
PURPOSE = "tombstone key"


def destroyed_file(settings: Settings) -> Path:
    return settings.data_dir / "privacy" / "destroyed.jsonl"


def key_file(settings: Settings) -> Path:
    return settings.data_dir / "privacy" / "tombstone.key"


def key(database: psycopg.Connection[Any]) -> bytes:
    """The key of this warehouse's tombstones."""
    row = database.execute(SQL["secret"]).fetchone()
    assert row is not None
    return bytes(row[0])


def print_of(secret: bytes) -> str:
    """Tells whether it is the same key, and nothing else of it."""
    return hashlib.sha256(b"print of the tombstone key" + secret).hexdigest()[:16]


def note(settings: Settings, database: psycopg.Connection[Any], certificate: Certificate) -> None:
    """Append a destruction before its transaction commits: a line without one does no harm, one without a line does."""
    rows = database.execute(
        SQL["tombstones_of"], {"certificate_id": certificate.certificate_id}
    ).fetchall()
    secret = key(database)
    line = {
        "certificate": asdict(certificate),
        "key": print_of(secret),
        "tombstones": [[mark.hex(), kind, until] for mark, kind, until in rows],
    }
    destroyed_file(settings).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if kept_key(settings) != secret:
        _write(key_file(settings), cipher(settings, PURPOSE).encrypt(secret), os.O_TRUNC)
    _write(destroyed_file(settings), as_json(line).encode() + b"\n", os.O_APPEND)


def kept_key(settings: Settings) -> bytes | None:
    """The key as it is kept outside; None where none is.

    Raises:
        Refused: it cannot be read under this master key.
    """
    file = key_file(settings)
    if not file.exists():
        return None
    try:
        return cipher(settings, PURPOSE).decrypt(file.read_bytes())
    except InvalidToken as error:
        raise Refused(f"{file} was written under another CRM_MASTER_KEY") from error


def noted(settings: Settings) -> Iterator[dict[str, Any]]:
    """Every destruction that was noted. A line that a crash cut off is passed over: its transaction did not commit."""
    file = destroyed_file(settings)
    if not file.exists():
        return
    with file.open("rb") as lines:
        for line in lines:
            try:
                yield json.loads(line)
            except ValueError:
                continue


def _write(file: Path, content: bytes, how: int) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | how, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
