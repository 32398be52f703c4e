"""The media store: bytes under the SHA-256 of their content, compressed, on any fsspec file system.

    <root>/ab/cd/abcd….zst

The same bytes are stored once. A file appears under its name whole or not at all: it is written under
another name and renamed, so that a crash leaves at worst a stray temporary file. What is read is checked.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from pathlib import Path
from typing import Any

import fsspec
import zstandard

#: Measured on mails: level 6 is 2 to 3 times faster than 10 for 2 % more bytes.
LEVEL = 6
SHA256 = re.compile(r"[0-9a-f]{64}")


class MissingMedia(Exception):
    """The media store has no such bytes."""


class DamagedMedia(Exception):
    """The stored bytes are not those that were stored under this hash."""


class MediaStore:
    """One root, for example `file:///srv/crm/media` or `s3://bucket/media`."""

    def __init__(self, root: str) -> None:
        self.files, self.root = fsspec.core.url_to_fs(root)
        self._is_local = "file" in _protocols(self.files)

    def path(self, sha256: str) -> str:
        """Where the bytes of this hash lie.

        Raises:
            ValueError: it is no SHA-256 in hex, so it could name a file elsewhere.
        """
        if not SHA256.fullmatch(sha256):
            raise ValueError("not a SHA-256 in lower-case hex")
        return f"{self.root}/{sha256[:2]}/{sha256[2:4]}/{sha256}.zst"

    def store(self, content: bytes) -> str:
        """Store the bytes and return their SHA-256. Storing them again changes nothing."""
        sha256 = hashlib.sha256(content).hexdigest()
        path = self.path(sha256)
        if self.files.exists(path):
            return sha256
        folder = path.rpartition("/")[0]
        self.files.makedirs(folder, exist_ok=True)
        compressed = zstandard.ZstdCompressor(level=LEVEL).compress(content)
        if not self._is_local:
            # An object store shows an object only when it is whole.
            self.files.pipe_file(path, compressed)
            return sha256
        temporary = Path(folder) / f".{sha256}.{secrets.token_hex(4)}"
        try:
            with temporary.open("xb") as file:
                file.write(compressed)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return sha256

    def has(self, sha256: str) -> bool:
        """Whether the store holds these bytes."""
        return bool(self.files.exists(self.path(sha256)))

    def read(self, sha256: str) -> bytes:
        """The bytes of this hash, checked.

        Raises:
            MissingMedia: nothing is stored under it.
            DamagedMedia: what is stored there is something else.
        """
        try:
            compressed = self.files.cat_file(self.path(sha256))
        except FileNotFoundError:
            raise MissingMedia(f"no media {sha256}") from None
        try:
            content = zstandard.ZstdDecompressor().decompress(compressed)
        except zstandard.ZstdError as error:
            raise DamagedMedia(f"media {sha256} cannot be decompressed") from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise DamagedMedia(f"media {sha256} has other bytes than its name says")
        return content


def _protocols(files: Any) -> tuple[str, ...]:
    return (files.protocol,) if isinstance(files.protocol, str) else tuple(files.protocol)
