"""What the warehouse already holds of one connection, for a source that asks before it fetches."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import tuple_row

from media.store import MediaStore
from warehouse.queries import queries
from warehouse.settings import Role, Settings

SQL = queries("pipelines")


class ExistingRows:
    """Reads `raw_<channel>` as the loader; one database connection, opened when first asked.

    Close it, or use it as a context manager.
    """

    def __init__(self, settings: Settings, connection_id: str) -> None:
        self.connection_id = connection_id
        self.media = MediaStore(settings.media_root)
        self._url = settings.url_for(Role.LOADER)
        self._database: psycopg.Connection[Any] | None = None

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query of `pipelines.sql`, which gets `connection_id` by itself."""
        if self._database is None:
            self._database = psycopg.connect(self._url, autocommit=True)
        with self._database.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(SQL[query], {"connection_id": self.connection_id, **values})
            return cursor.fetchall()

    def __enter__(self) -> ExistingRows:
        return self

    def __exit__(self, *_: object) -> None:
        if self._database is not None:
            self._database.close()
