"""What a suite looks at: one query that gives a row for each key, and how much of it.

The queries stand in warehouse/queries/quality.sql. A look is bounded by transactions: every row of raw carries the
id of the one that wrote it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from warehouse.queries import queries

SQL = queries("quality")
#: Of all channels.
DELIVERIES = ("raw", "webhook_deliveries")
#: No transaction comes after it.
ALL = str(2**64 - 1)
#: Whether a message stands on a timeline is asked one by one.
FEW = 2_000


@dataclass(frozen=True, kw_only=True)
class Look:
    """How much of everything is looked at."""

    #: Transactions from the first on and before the second.
    since: str = "0"
    until: str = ALL
    #: So many rows of a dataset, the newest.
    most: int
    #: Whose days are meant (CRM_TIMEZONE).
    zone: str = "UTC"
    #: '' for what serves, '_next' for what was built beside it.
    build: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of a channel's history, and what of it is looked at."""

    name: str
    #: The provider's own id, and how it is written.
    id: str
    pattern: str
    #: What tells two rows apart, with the connection.
    key: tuple[str, ...]
    #: When the provider says that it was; columns beyond these.
    at: str | None = None
    columns: tuple[str, ...] = ()
    #: When we loaded it.
    came: str = "pulled_at"
    #: Words of a column.
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """What one suite looks at."""

    query: str
    given: dict[str, sql.Composable] = field(default_factory=dict)
    #: Tables of raw whose new rows make it worth a look; none for what is not a matter of what is new.
    tables: tuple[tuple[str, str], ...] = ()
    #: Whose deliveries are meant, of all that lie together.
    channel: str = ""

    def text(self, look: Look) -> str:
        """The whole statement for this look."""
        asked = sql.SQL(SQL[self.query]).format(
            since=sql.Literal(look.since),
            until=sql.Literal(look.until),
            most=sql.Literal(look.most),
            few=sql.Literal(min(look.most, FEW)),
            zone=sql.Literal(look.zone),
            canonical=sql.Identifier(f"canonical{look.build}"),
            marts=sql.Identifier(f"marts{look.build}"),
            **self.given,
        )
        # The library takes nothing that does not begin so.
        return sql.SQL("select * from (\n{}\n) as looked_at").format(asked).as_string(None)

    def has_new(self, database: psycopg.Connection[Any], look: Look) -> bool:
        """Whether a look would see anything."""
        return any(
            _first(
                database,
                "newest_of_channel" if table == DELIVERIES else "newest_of_table",
                table,
                look,
                self.channel,
            )
            == (True,)
            for table in self.tables
        )

    def narrowed(self, database: psycopg.Connection[Any], look: Look) -> Look:
        """The look at no more than the newest rows of each of its tables."""
        begins = [
            int(row[0])
            for table in self.tables
            if (row := _first(database, "oldest_of_newest", table, look)) is not None
        ]
        since = str(max([int(look.since), *begins]))
        return Look(since=since, until=look.until, most=look.most, zone=look.zone, build=look.build)


def _first(
    database: psycopg.Connection[Any],
    query: str,
    table: tuple[str, str],
    look: Look,
    channel: str = "",
) -> tuple[Any, ...] | None:
    asked = sql.SQL(SQL[query]).format(
        table=sql.Identifier(*table),
        since=sql.Literal(look.since),
        until=sql.Literal(look.until),
        most=sql.Literal(look.most),
        channel=sql.Literal(channel),
    )
    row: tuple[Any, ...] | None = database.execute(asked).fetchone()
    return row


def of_table(schema: str, table: Table) -> Dataset:
    """The rows of one table of a history."""
    columns = [*table.key, *([table.at] if table.at else []), *table.columns, *table.words]
    looked_at = dict.fromkeys([table.id, *columns])
    row_key = sql.SQL(" || '|' || ").join(
        sql.SQL("coalesce({}::text, '')").format(sql.Identifier("loaded", each))
        for each in ("connection_id", *table.key)
    )
    return Dataset(
        query="history",
        given={
            "name": sql.Literal(f"{schema}.{table.name}"),
            "table": sql.Identifier(schema, table.name),
            "columns": sql.SQL(", ").join(sql.Identifier("loaded", each) for each in looked_at),
            "row_key": row_key,
            "came": sql.Identifier(table.came),
        },
        tables=((schema, table.name),),
    )
