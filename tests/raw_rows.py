"""The rows of raw, taken out of one warehouse and put into others in any order, by several writers at once."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

Database = psycopg.Connection[Any]
#: Whatever a door writes. `transaction_id` is left out: it is the landing's own and made anew.
TABLES = """
    select table_schema, table_name, array_agg(column_name::text order by ordinal_position)
    from information_schema.columns
    inner join information_schema.tables using (table_schema, table_name)
    where
        (table_schema, table_name) = ('raw', 'webhook_deliveries')
        or (table_schema ~ '^raw_' and table_schema !~ '_staging$' and table_name !~ '^_dlt')
    group by 1, 2
    having bool_or(column_name = 'transaction_id')
    order by 1, 2
"""
WRITERS = 4


@dataclass(frozen=True)
class RawTable:
    schema: str
    name: str
    columns: tuple[str, ...]
    file: Path

    @property
    def where(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)

    @property
    def waiting(self) -> sql.Identifier:
        return sql.Identifier("waiting", f"{self.schema}.{self.name}")

    @property
    def listed(self) -> sql.Composed:
        return sql.SQL(", ").join(map(sql.Identifier, self.columns))


class RawRows:
    """Raw and the connections that it hangs on, in files."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.tables = [
            RawTable(
                schema,
                name,
                tuple(column for column in columns if column != "transaction_id"),
                folder / f"{schema}.{name}.copy",
            )
            for schema, name, columns in database.execute(TABLES).fetchall()
        ]
        self.connections = folder / "connections.copy"
        for table in self.tables:
            statement = sql.SQL("copy (select {} from {}) to stdout (format binary)")
            _out(database, statement.format(table.listed, table.where), table.file)
        _out(database, sql.SQL("copy crm.connections to stdout (format binary)"), self.connections)

    def pour(self, settings_url: str, seed: int, between: Callable[[], object], times: int) -> None:
        """Into an empty warehouse, shuffled and cut by `seed`; `between` runs so many times in between."""
        rng = random.Random(seed)
        with psycopg.connect(settings_url, autocommit=True) as database:
            _in(
                database,
                sql.SQL("copy crm.connections from stdin (format binary)"),
                self.connections,
            )
            database.execute("create schema waiting")
            database.execute("select setseed(%s)", [rng.uniform(-1, 1)])
            for table in self.tables:
                make = sql.SQL(
                    "create unlogged table {} as select {}, 0.5::float8 as place from {} with no data"
                )
                database.execute(make.format(table.waiting, table.listed, table.where))
                place = sql.SQL("alter table {} alter place set default random()")
                database.execute(place.format(table.waiting))
                statement = sql.SQL("copy {} ({}) from stdin (format binary)")
                _in(database, statement.format(table.waiting, table.listed), table.file)
                database.execute(sql.SQL("create index on {} (place)").format(table.waiting))
        edges = [0.0, *sorted(rng.random() for _ in range(WRITERS * (times + 1) - 1)), 1.0]
        cuts = list(itertools.pairwise(edges))
        rng.shuffle(cuts)
        after = set(rng.sample(range(1, len(cuts)), min(times, len(cuts) - 1)))
        poured = threading.Semaphore(0)

        def write(cut: tuple[float, float]) -> None:
            with psycopg.connect(settings_url) as database:
                for table in random.Random(f"{seed} {cut}").sample(self.tables, len(self.tables)):
                    statement = sql.SQL(
                        "insert into {} ({}) select {} from {} where place >= %s and place < %s order by place"
                    )
                    database.execute(
                        statement.format(table.where, table.listed, table.listed, table.waiting),
                        cut,
                    )
            poured.release()

        with ThreadPoolExecutor(WRITERS) as writers:
            written = [writers.submit(write, cut) for cut in cuts]
            # The others go on meanwhile, and commit in the middle of it.
            for number in range(1, len(cuts) + 1):
                poured.acquire()
                if number in after:
                    between()
            for each in written:
                each.result()
        with psycopg.connect(settings_url, autocommit=True) as database:
            database.execute("drop schema waiting cascade")


def _out(database: Database, statement: sql.SQL | sql.Composed, file: Path) -> None:
    with file.open("wb") as into, database.cursor().copy(statement) as copying:
        for block in copying:
            into.write(block)


def _in(database: Database, statement: sql.SQL | sql.Composed, file: Path) -> None:
    with file.open("rb") as of, database.cursor().copy(statement) as copying:
        while block := of.read(1 << 20):
            copying.write(block)
