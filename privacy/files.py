"""Files of the media store go when no row needs them any more.

The store keeps equal bytes once, so a file may be many people's. What was destroyed leaves its hash in
`privacy.files_due`, in the transaction that took its rows; a file goes after that, and only if nothing else names it.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from media.store import MediaStore
from privacy.erasure import histories
from warehouse.queries import queries

SQL = queries("privacy")
AT_ONCE = 500


def due(database: psycopg.Connection[Any], hashes: set[str]) -> None:
    """Note what may go, within the caller's transaction."""
    if hashes:
        database.execute(SQL["files_due"], {"hashes": sorted(hashes)})


def remove_due(database: psycopg.Connection[Any], store: MediaStore) -> int:
    """Remove what is due and needed by nobody; returns how many files. After a crash it goes on where it was."""
    removed = 0
    while True:
        rows = database.execute(SQL["take_files_due"], {"limit": AT_ONCE}).fetchall()
        hashes = [sha256 for (sha256,) in rows]
        if not hashes:
            return removed
        needed = _needed(database, hashes)
        for sha256 in hashes:
            if sha256 not in needed and store.has(sha256):
                store.remove(sha256)
                removed += 1
        database.execute(SQL["file_done"], {"hashes": hashes})
        database.commit()


def _needed(database: psycopg.Connection[Any], hashes: list[str]) -> set[str]:
    found = {row for (row,) in database.execute(SQL["files_needed"], {"hashes": hashes}).fetchall()}
    for history in histories(database):
        if "raw_sha256" in history.columns:
            statement = sql.SQL("select raw_sha256 from {} where raw_sha256 = any(%s)").format(
                history.table
            )
            found |= {row for (row,) in database.execute(statement, [hashes]).fetchall()}
    return found
