"""How rows get into PostgreSQL quickly: as Arrow tables, through Parquet files, by COPY.

    rows (dicts) ──table──> pa.Table ──dlt──> .parquet ──COPY──> raw_<channel>_staging ──insert──> raw_<channel>

dlt takes dicts too, but looks at every value of them and quotes it in Python: four fifths of a pull. Its own ways for
Parquet and CSV do not fit either: its driver cannot fill jsonb, and its CSV turns an empty text into null.

COPY's text format is written here because it is the one that tells an empty text from none, keeps line breaks in a
text, and is read alike by every version of PostgreSQL (before 18 a line of `\\.` inside a text ended a CSV).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from dlt.common.data_types import TDataType, coerce_value, py_type_to_sc_type
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.client import (
    FollowupJobRequest,
    HasFollowupJobs,
    LoadJob,
    RunnableLoadJob,
)
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.normalizers.json.helpers import get_row_hash
from dlt.common.schema.typing import TColumnSchema
from dlt.destinations import postgres
from dlt.destinations.impl.postgres.factory import PostgresTypeMapper
from dlt.destinations.impl.postgres.postgres import PostgresClient, PostgresParquetCopyJob
from dlt.destinations.sql_jobs import SqlMergeFollowupJob
from dlt.extract import DltResource

Row = dict[str, Any]

#: What a column of a history may be, and what it is on its way.
ARROW_TYPES = {
    "text": pa.large_string(),
    "json": pa.large_string(),
    "bigint": pa.int64(),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}
#: Rows that are written into one COPY; a mail's row may have megabytes.
ROWS_AT_ONCE = 1000
READ_BYTES = 1 << 20
UNFIT = (pa.ArrowException, TypeError, ValueError, OverflowError)
#: What COPY's text format would take for the end of a value, of a line, or for an escape. The escape comes first.
ESCAPES = (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))
NULL = "\\N"
NEXT_VALUE, NEXT_ROW, NOTHING = (pa.scalar(text, pa.large_string()) for text in ("\t", "\n", ""))


class WrongType(ValueError):
    """A value does not fit its column. The text names no value."""

    def __init__(self, table: str, column: str) -> None:
        super().__init__(f"{table}.{column}")
        self.table_name, self.column_name = table, column


# -- rows as tables -------------------------------------------------------------------------------


def table_maker(resource: DltResource) -> Callable[..., pa.Table | None]:
    """A step of a dlt resource: it turns its rows into an Arrow table, and no rows into none."""
    schema = resource.compute_table_schema()
    columns = {
        name: column for name, column in schema["columns"].items() if not name.startswith("_dlt")
    }
    key = [name for name, column in columns.items() if column.get("primary_key")]

    def made(rows: list[Row], meta: Any = None) -> pa.Table | None:
        if not rows:
            return None
        for row in rows:
            if unknown := row.keys() - columns.keys():
                raise WrongType(resource.name, min(unknown))
        arrays = {
            name: _array(resource.name, column, [row.get(name) for row in rows])
            for name, column in columns.items()
        }
        # The same as dlt gives to a dict: made of the key, so that a row loaded twice has it twice.
        arrays["_dlt_id"] = pa.array([get_row_hash(row, subset=key) for row in rows], pa.string())
        return pa.table(arrays)

    return made


def _array(table: str, column: TColumnSchema, values: list[Any]) -> pa.Array:
    # Every column of a history is declared with its name and type.
    name, kind = cast(str, column["name"]), cast(TDataType, column["data_type"])
    if kind == "json":
        values = [None if value is None else _json(value) for value in values]
    try:
        array = pa.array(values, ARROW_TYPES[kind])
    except UNFIT:
        try:
            # A number where a text stands, and the like: as dlt takes it.
            array = pa.array([_fitting(kind, value) for value in values], ARROW_TYPES[kind])
        except UNFIT:
            raise WrongType(table, name) from None
    if array.null_count and not column.get("nullable", True):
        raise WrongType(table, name)
    return array


def _fitting(kind: TDataType, value: Any) -> Any:
    return None if value is None else coerce_value(kind, py_type_to_sc_type(type(value)), value)


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:
        # An integer of more than 64 bits: PostgreSQL has room for it.
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


# -- tables into PostgreSQL -----------------------------------------------------------------------


class _Types(PostgresTypeMapper):
    def to_destination_type(self, column: TColumnSchema, table: PreparedTableSchema) -> str:
        """JSON is jsonb in every table; dlt makes it `json` where a table comes as Parquet."""
        if column["data_type"] == "json":
            return "jsonb"
        return super().to_destination_type(column, table)


class Warehouse(postgres):
    """dlt's PostgreSQL, filled by COPY."""

    def _raw_capabilities(self) -> DestinationCapabilitiesContext:
        capabilities = super()._raw_capabilities()
        capabilities.preferred_loader_file_format = "parquet"
        # What a former version left on disk is loaded as it was made.
        capabilities.supported_loader_file_formats = ["parquet", "insert_values"]
        # dlt's own would look for the driver that is not used.
        capabilities.loader_file_format_selector = None  # type: ignore[assignment]
        capabilities.type_mapper = _Types
        return capabilities

    @property
    def client_class(self) -> type[PostgresClient]:
        return _Client


class _Client(PostgresClient):
    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        job = super().create_load_job(table, file_path, load_id, restore)
        return _Copy(file_path) if isinstance(job, PostgresParquetCopyJob) else job

    def _create_merge_followup_jobs(
        self, table_chain: Sequence[PreparedTableSchema]
    ) -> list[FollowupJobRequest]:
        return [_InsertNew.from_table_chain(table_chain, self.sql_client)]


class _Copy(RunnableLoadJob, HasFollowupJobs):
    """A Parquet file into a table, in one transaction."""

    def run(self) -> None:
        client: _Client = self._job_client  # type: ignore[assignment]
        with pq.ParquetFile(self._file_path) as file, client.sql_client.begin_transaction():
            names = [client.sql_client.escape_column_name(name) for name in file.schema_arrow.names]
            table = client.sql_client.make_qualified_table_name(self.load_table_name)
            copy = f"copy {table} ({', '.join(names)}) from stdin"
            with client.sql_client.native_connection.cursor() as cursor:
                for batch in file.iter_batches(ROWS_AT_ONCE):
                    for lines in copy_lines(batch):
                        cursor.copy_expert(copy, pa.BufferReader(lines), READ_BYTES)


def copy_lines(batch: pa.RecordBatch) -> Iterator[pa.Buffer]:
    """The rows in COPY's text format."""
    texts = [_escaped(column) for column in batch.columns]
    texts[-1] = pc.binary_join_element_wise(texts[-1], NEXT_ROW, NOTHING)
    lines = pc.binary_join_element_wise(*texts, NEXT_VALUE)
    for chunk in lines.chunks if isinstance(lines, pa.ChunkedArray) else [lines]:
        # The texts of an array lie one behind the other.
        yield chunk.buffers()[2]


def _escaped(column: pa.Array) -> pa.Array:
    text = column.cast(pa.large_string())
    if pa.types.is_large_string(column.type) or pa.types.is_string(column.type):
        for sign, escaped in ESCAPES:
            text = pc.replace_substring(text, sign, escaped)
    return pc.fill_null(text, NULL)


class _InsertNew(SqlMergeFollowupJob):
    @classmethod
    def gen_upsert_merge_sql(
        cls,
        root_table_name: str,
        staging_root_table_name: str,
        primary_keys: Sequence[str],
        root_table_column_names: Sequence[str],
        *arguments: Any,
        **more: Any,
    ) -> list[str]:
        """Insert what is not held, by the index of the key; dlt's MERGE would read the whole table for it."""
        columns = ", ".join(root_table_column_names)
        key = ", ".join(primary_keys)
        # All of them are names that dlt has quoted.
        return [
            f"insert into {root_table_name} ({columns}) select {columns} from {staging_root_table_name}"  # noqa: S608
            f" on conflict ({key}) do nothing"
        ]
