"""Everything dbt owns, dropped and built again from raw; the hashes before and after must be equal.

Both are taken at one horizon: what arrives during the rebuild waits in the live tail and is in neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from pipelines import refresh


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """Hashes of canonical.messages over all rows, and how many there were."""

    before: str
    after: str
    rows_before: int
    rows_after: int
    seconds: float

    @property
    def is_equal(self) -> bool:
        return (self.before, self.rows_before) == (self.after, self.rows_after)


def rebuild(models: refresh.Models, database: psycopg.Connection[Any]) -> Rebuilt:
    """Refresh, hash, rebuild from raw, hash again. No refresh runs in between.

    Raises:
        RefreshFailed: the models failed; the tables stand as the last model left them.
    """
    with refresh.only_refresher(database):
        database.execute(refresh.SQL["set_target"])
        refresh.recorded(database, models.refresh)
        rows_before, before = _hash(database)
        seconds = refresh.recorded(
            database, lambda: refresh.make(models, database, full_refresh=True)
        )
        rows_after, after = _hash(database)
    return Rebuilt(
        before=before,
        after=after,
        rows_before=rows_before,
        rows_after=rows_after,
        seconds=seconds,
    )


def _hash(database: psycopg.Connection[Any]) -> tuple[int, str]:
    row = database.execute(refresh.SQL["hash_of_messages"]).fetchone()
    assert row is not None
    return int(row[0]), str(row[1])
