"""Where histories go: the only place that chooses dlt's destination and its working folder.

    prepare(settings, "gmail")   the tables of a channel, before anything is pulled: dbt's views need them
    pipeline(settings, ...)      the dlt pipeline of one connection

dlt keeps the cursor of a connection in its state: in the working folder, and with every load in the
warehouse, from where another machine takes it up.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

# Before dlt is imported: it reads these then. Its own settings are looked for beside this file and nowhere
# else (pipelines/.dlt/secrets.toml says why there is one).
os.environ["DLT_PROJECT_DIR"] = os.environ["DLT_DATA_DIR"] = str(Path(__file__).parent)
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "CRITICAL"
# Its files are read back within seconds; packing them took a fifth of a pull.
os.environ["DATA_WRITER__DISABLE_COMPRESSION"] = "true"
# Every row tells its load, as rows that came as dicts do.
os.environ["NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID"] = "true"

import dlt
import psycopg
from dlt.common.schema.typing import TColumnSchema, TSchemaContractDict
from dlt.extract import DltResource, DltSource
from psycopg import sql

from pipelines import prepared
from pipelines.copying import Warehouse, table_maker
from pipelines.packages import forget_loaded
from warehouse.channels import Channel, registry
from warehouse.queries import queries
from warehouse.settings import Role, Settings

SQL = queries("pipelines")

#: A version once seen is never rewritten.
# dlt types the decorator for a word alone, and takes the strategy too.
INSERT_ONLY: Any = {"disposition": "merge", "strategy": "insert-only"}
#: A provider may add a field; one that changes its type stops the pull with its name: where rows become a table
#: (pipelines.copying). dlt would compare how a type is spelled, and schemas of former versions spell it another way.
CONTRACT: TSchemaContractDict = {"tables": "evolve", "columns": "evolve", "data_type": "evolve"}
FILE_FORMAT: Literal["parquet"] = "parquet"
#: What dlt adds to every table; made ahead, so that no first load needs an exclusive lock for it.
OWN_COLUMNS: dict[str, TColumnSchema] = {
    "_dlt_load_id": {"name": "_dlt_load_id", "data_type": "text", "nullable": False},
    "_dlt_id": {
        "name": "_dlt_id",
        "data_type": "text",
        "nullable": False,
        "unique": True,
        "row_key": True,
    },
}


def pipeline(settings: Settings, channel: Channel, name: str) -> dlt.Pipeline:
    """A dlt pipeline into `raw_<channel>`; `name` is the connection's id and names its state."""
    return dlt.pipeline(
        pipeline_name=f"{channel.channel}_{name}",
        # The name is dlt's own for it: what former versions left is of the same destination.
        destination=Warehouse(settings.url_for(Role.LOADER), destination_name="postgres"),
        dataset_name=channel.history_schema,
        pipelines_dir=str(settings.data_dir / "dlt"),
    )


def as_tables(source: DltSource, module: ModuleType) -> DltSource:
    """The source of a channel, its rows as Arrow tables (pipelines.copying)."""
    for resource in module.RESOURCES:
        source.resources[resource.name].add_step(table_maker(resource))
    return source


def prepare_all(settings: Settings) -> None:
    """`prepare` for every channel of the registry that has a history."""
    forget_loaded(settings)
    for channel in registry().values():
        if channel.pulls:
            prepare(settings, channel.channel)


def prepare(settings: Settings, channel: str) -> None:
    """Make the history tables of a channel, with transaction ids and indexes. Twice is the same as once."""
    known = registry()[channel]
    module = importlib.import_module(f"pipelines.{channel}")
    schema = dlt.Schema(channel)
    for resource in module.RESOURCES:
        table = resource.compute_table_schema()
        table["columns"] |= OWN_COLUMNS
        schema.update_table(table)
    made = pipeline(settings, known, "tables")
    with loading(settings, known):
        made.schemas.save_schema(schema)
        made.sync_schema(schema.name)
        _add_indexes(settings, known, module)
    prepared.note(settings, known)


@contextmanager
def loading(settings: Settings, channel: Channel) -> Iterator[None]:
    """One load per channel at a time: two connections of a channel share dlt's staging tables."""
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as database:
        database.execute(SQL["wait_for_lock"], {"name": f"load {channel.history_schema}"})
        yield


def _add_indexes(settings: Settings, channel: Channel, module: ModuleType) -> None:
    """The transaction id of every row, and indexes: by it, by key, and the channel's own.

    What is there is looked up first: even `if not exists` would wait for every reader of the table.
    """
    schema = channel.history_schema
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as database:
        columns = set(
            database.execute(SQL["transaction_id_columns"], {"schema": schema}).fetchall()
        )
        indexes = {name for (name,) in database.execute(SQL["index_names"], {"schema": schema})}
        for resource in module.RESOURCES:
            table = sql.Identifier(schema, resource.name)
            # A fold stamps anew what a restored dump had not folded (transform.fold.restamp_unfolded).
            if (resource.name,) not in columns:
                database.execute(
                    sql.SQL(
                        "alter table {} add column transaction_id xid8 not null default pg_current_xact_id()"
                    ).format(table)
                )
                database.execute(
                    sql.SQL("grant update (transaction_id) on {} to crm_transformer").format(table)
                )
            key = _key(resource)
            wanted = [(key, True), (("transaction_id",), False)]
            wanted += [(tuple(index), False) for index in module.INDEXES.get(resource.name, ())]
            for names, unique in wanted:
                name = f"{resource.name}_{'_'.join(names)}"
                if name not in indexes:
                    database.execute(
                        sql.SQL("create {} index if not exists {} on {} ({})").format(
                            sql.SQL("unique" if unique else ""),
                            sql.Identifier(name),
                            table,
                            sql.SQL(", ").join(map(sql.Identifier, names)),
                        )
                    )


def _key(resource: DltResource) -> tuple[str, ...]:
    columns = resource.compute_table_schema()["columns"]
    return tuple(name for name, column in columns.items() if column.get("primary_key"))
