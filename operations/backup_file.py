"""The file of a backup: a zip of the tables as PostgreSQL copies them, the files of the media store, and their hashes.

    manifest.json                   versions, migrations, tables with columns, rows and hashes, a mark of the master key
    tables/<schema>.<name>.zst      COPY … TO STDOUT, compressed
    media/<sha256>.zst              as the media store keeps it

No transaction ids are in it and nothing that dbt makes, so it can be restored into any cluster of any version that the
product runs on. A table's hash is the sum of the hashes of its rows: the same whatever their order.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import psycopg
import zstandard
from psycopg import sql

from media.store import MediaStore
from warehouse.queries import queries
from warehouse.refusals import Refused
from warehouse.settings import Settings

SQL = queries("backup")
FORMAT = 1
PIECE_BYTES = 1024 * 1024
#: What is told of progress: what is being done, how far, and of how much.
Told = Callable[[str, int, int], None]
#: However a server writes values, here it is one way.
ONE_SPELLING = (
    "set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set intervalstyle = 'iso_8601'; set bytea_output = 'hex';"
    " set extra_float_digits = 1; set client_encoding = 'UTF8'; set lock_timeout = '30s'; set statement_timeout = 0"
)


@dataclass(frozen=True)
class Table:
    """One table of a backup: its columns with their types, how many rows, and their hash."""

    schema: str
    name: str
    columns: dict[str, str]
    rows: int = 0
    hash: str = "0"

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)

    @property
    def listed(self) -> sql.Composed:
        return sql.SQL(", ").join(sql.Identifier(column) for column in self.columns)

    @property
    def member(self) -> str:
        return f"tables/{self.schema}.{self.name}.zst"


def tables(database: psycopg.Connection[Any]) -> list[Table]:
    """What there is to keep, in the order in which it can be filled."""
    return [Table(*row) for row in database.execute(SQL["tables"]).fetchall()]


def measured(database: psycopg.Connection[Any], table: Table) -> tuple[int, str]:
    """Rows and hash of a table as this transaction sees it."""
    row = database.execute(
        sql.SQL(
            "select count(*),"
            " coalesce(sum(('x' || left(md5(row({columns})::text), 16))::bit(64)::bigint::numeric), 0)::text"
            " from {table}"
        ).format(columns=table.listed, table=table.identifier)
    ).fetchone()
    assert row is not None
    return int(row[0]), str(row[1])


def key_mark(settings: Settings) -> str:
    """Tells whether it is the same master key, and nothing else of it."""
    return hashlib.sha256(settings.derive("mark of a backup")).hexdigest()[:16]


def write(
    settings: Settings, database: psycopg.Connection[Any], out: Path, told: Told
) -> dict[str, Any]:
    """Everything as it is at one moment, into `out`, which is there whole or not at all. Returns the manifest."""
    unfinished = out.with_name(f".{out.name}.unfinished")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with (
            os.fdopen(descriptor, "wb") as file,
            zipfile.ZipFile(file, "w", allowZip64=True) as archive,
        ):
            kept = _write_tables(database, archive, told)
            media = _write_media(MediaStore(settings.media_root), archive, told)
            manifest = {
                "format": FORMAT,
                "server_version": database.info.server_version,
                "migrations": [name for (name,) in database.execute(SQL["migrations"]).fetchall()],
                "master_key": key_mark(settings),
                "tables": [asdict(table) for table in kept],
                "media": media,
            }
            archive.writestr("manifest.json", json.dumps(manifest, indent=1))
            archive.close()
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
    return manifest


def _write_tables(
    database: psycopg.Connection[Any], archive: zipfile.ZipFile, told: Told
) -> list[Table]:
    listed = tables(database)
    kept = []
    for place, table in enumerate(listed):
        told(f"{table.schema}.{table.name}", place, len(listed))
        rows, digest = measured(database, table)
        kept.append(Table(table.schema, table.name, table.columns, rows, digest))
        with _packing(archive, table.member) as packed, database.cursor() as cursor:
            statement = sql.SQL("copy (select {} from {}) to stdout")
            with cursor.copy(statement.format(table.listed, table.identifier)) as rows_of_it:
                for piece in rows_of_it:
                    packed.write(piece)
    return kept


@contextmanager
def _packing(archive: zipfile.ZipFile, member: str) -> Iterator[Any]:
    with (
        archive.open(member, "w", force_zip64=True) as file,
        zstandard.ZstdCompressor(level=6).stream_writer(file, closefd=False) as packed,
    ):
        yield packed


def _write_media(store: MediaStore, archive: zipfile.ZipFile, told: Told) -> list[str]:
    """Every stored file. Listed after the tables were read: what a row names was stored before the row."""
    hashes = store.every()
    for place, sha256 in enumerate(hashes):
        told("media", place, len(hashes))
        with (
            store.files.open(store.path(sha256), "rb") as file,
            archive.open(f"media/{sha256}.zst", "w", force_zip64=True) as member,
        ):
            while piece := file.read(PIECE_BYTES):
                member.write(piece)
    return hashes


@contextmanager
def opened(file: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, Any]]]:
    """A backup and its manifest.

    Raises:
        Refused: it is none, it is not whole, or a newer version made it.
    """
    try:
        archive = zipfile.ZipFile(file)
        manifest = json.loads(archive.read("manifest.json"))
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise Refused(f"{file} is no whole backup: {type(error).__name__}") from error
    with archive:
        if manifest.get("format") != FORMAT:
            raise Refused(f"{file} was made by a newer version: restore it with that one")
        yield archive, manifest


def copy_in(database: psycopg.Connection[Any], archive: zipfile.ZipFile, table: Table) -> None:
    """The rows of a table, as they were."""
    statement = sql.SQL("copy {} ({}) from stdin").format(table.identifier, table.listed)
    with (
        archive.open(table.member) as file,
        zstandard.ZstdDecompressor().stream_reader(file) as reader,
        database.cursor() as cursor,
        cursor.copy(statement) as into,
    ):
        while piece := reader.read(PIECE_BYTES):
            into.write(piece)


def media_in(store: MediaStore, archive: zipfile.ZipFile, hashes: list[str], told: Told) -> None:
    """Each file into the store, its hash checked before it is kept.

    Raises:
        Refused: one has other bytes than its name says.
    """
    store.forget_unfinished("restore")
    for place, sha256 in enumerate(hashes):
        told("media", place, len(hashes))
        if store.has(sha256):
            continue
        with archive.open(f"media/{sha256}.zst") as file, store.receiving("restore") as incoming:
            _unpack(file, incoming)
            if incoming.sha256 != sha256:
                raise Refused(f"the backup is damaged: media {sha256} has other bytes")
            incoming.keep()


def _unpack(file: IO[bytes], incoming: Any) -> None:
    with zstandard.ZstdDecompressor().stream_reader(file) as reader:
        while piece := reader.read(PIECE_BYTES):
            incoming.write(piece)
