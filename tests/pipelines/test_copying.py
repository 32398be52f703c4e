"""Rows that come by COPY are those that came as INSERTs, and a warehouse that was filled so goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from types import ModuleType
from typing import Any

import dlt
import psycopg
import pyarrow as pa
import pytest
from dlt.destinations import postgres

from pipelines import gmail, messenger
from pipelines.copying import WrongType, copy_lines, table_maker
from pipelines.destination import CONTRACT, FILE_FORMAT, as_tables, loading, pipeline
from warehouse.channels import registry
from warehouse.settings import Role, Settings

Database = psycopg.Connection[Any]
Rows = list[dict[str, Any]]
TEXTS = [
    "", " ", "NULL", "\\N", "\\", "\\\\n", "\\.", "a\n\\.\nb", "tab\there", "line\nline\r\nline\r", "'", '"', '""',
    ",", ";", "\u2028\x1f\x7f", "🚲 à ü", "{}", "null", "x" * 100_000, "ends in a backslash\\", None,
]  # fmt: skip
DOCUMENTS: list[Any] = [
    {}, [], {"a": None, "b": "", "c": [1, 1.5, -0.05, True]}, {"": {"\n": "\\n"}}, [["\\", "\\u0041", "'"]], 
    {"big": 9_007_199_254_740_993, "small": 1e-07, "large": 1e16}, {"z": 1, "a": 2},
]  # fmt: skip
TIMES = [
    datetime(2026, 11, 20, 4, 30, tzinfo=UTC),
    datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 4, 5, 2, 30, 0, 1, tzinfo=timezone(timedelta(hours=9, minutes=30))),
]


def mails() -> Rows:
    """Rows of raw_gmail.messages with every kind of value that a column may hold."""
    return [
        {
            "connection_id": "one",
            "mailbox": "sales@example.com",
            "id": f"mail-{number}",
            "thread_id": text,
            "history_id": str(number),
            "label_ids": DOCUMENTS[number % len(DOCUMENTS)],
            "internal_date": None,
            "size_estimate": number * 10**12 if number % 3 else None,
            "version": f"{number:064x}",
            "raw_sha256": "0" * 64,
            "raw_size_bytes": number,
            "envelope": {"subject": text},
            "body_text": text,
            "body_quoted": TEXTS[-1 - number],
            "body_format": "plain",
            "attachments": [],
            "parser_version": 1,
            "parse_notes": DOCUMENTS[-1 - number % len(DOCUMENTS)],
            "pulled_at": TIMES[number % len(TIMES)],
        }
        for number, text in enumerate(TEXTS)
    ]


def chats() -> Rows:
    """Rows of raw_messenger.messages: JSON that is null, and truth values."""
    return [
        {
            "connection_id": "one",
            "account_id": "page",
            "conversation_id": "t_1",
            "id": f"m_{number}",
            "version": f"{number:064x}",
            "payload": None if number % 2 else {"message": text},
            "unavailable": bool(number % 2),
            "counterpart": None,
            "created_time": text,
            "created_at": None if number % 2 else TIMES[number % len(TIMES)],
            "pulled_at": TIMES[0],
        }
        for number, text in enumerate(TEXTS)
    ]


def source(module: ModuleType, channel: str, rows: Rows) -> Any:
    @dlt.resource(name="walk", selected=False)
    def walk() -> Iterator[dict[str, Rows]]:
        # In pages: a step has many, and some without new rows.
        for page in ([], rows[:3], rows[3:]):
            yield {resource.name: [] for resource in module.RESOURCES} | {"messages": page}

    @dlt.source(name=channel, max_table_nesting=0, schema_contract=CONTRACT)
    def made() -> Any:
        pages = walk()
        return (pages, *(pages | resource for resource in module.RESOURCES))

    return made()


class Loader:
    """dlt's pipeline of one connection, as it is now, or as former versions made it: of dicts, by INSERTs."""

    def __init__(self, settings: Settings, module: ModuleType, channel: str) -> None:
        self.settings, self.module, self.channel = settings, module, registry()[channel]

    def now(self) -> dlt.Pipeline:
        return pipeline(self.settings, self.channel, "one")

    def former(self) -> dlt.Pipeline:
        return dlt.pipeline(
            pipeline_name=f"{self.channel.channel}_one",
            destination=postgres(self.settings.url_for(Role.LOADER)),
            dataset_name=self.channel.history_schema,
            pipelines_dir=str(self.settings.data_dir / "dlt"),
        )

    def extract_now(self, rows: Rows) -> dlt.Pipeline:
        made = self.now()
        pages = as_tables(source(self.module, self.channel.channel, rows), self.module)
        made.extract(pages, loader_file_format=FILE_FORMAT)
        return made

    def extract_formerly(self, rows: Rows) -> dlt.Pipeline:
        made = self.former()
        pages = source(self.module, self.channel.channel, rows)
        made.extract(pages, loader_file_format="insert_values")
        return made

    def load(self, made: dlt.Pipeline) -> None:
        made.normalize()
        with loading(self.settings, self.channel):
            made.load()


def stored(admin: Database, channel: str) -> list[tuple[Any, ...]]:
    """Every column but those that tell the load; JSON as PostgreSQL writes it."""
    return admin.execute(
        f"select id, (to_jsonb(m) - '_dlt_load_id' - 'transaction_id')::text from raw_{channel}.messages as m order by id"
    ).fetchall()


@pytest.mark.parametrize(
    ("module", "channel", "rows"), [(gmail, "gmail", mails()), (messenger, "messenger", chats())]
)
def test_a_row_is_the_same_by_either_way(
    settings: Settings, admin: Database, module: ModuleType, channel: str, rows: Rows
) -> None:
    loader = Loader(settings, module, channel)
    loader.load(loader.extract_formerly(rows))
    formerly = stored(admin, channel)
    assert len(formerly) == len(rows)
    admin.execute(f"delete from raw_{channel}.messages")
    loader.load(loader.extract_now(rows))
    assert stored(admin, channel) == formerly
    filled = admin.execute(
        f"select bool_and(_dlt_load_id <> ''), count(distinct transaction_id) from raw_{channel}.messages"
    )
    assert filled.fetchone() == (True, 1)


def test_an_empty_text_and_none_are_kept_apart(settings: Settings, admin: Database) -> None:
    loader = Loader(settings, gmail, "gmail")
    loader.load(loader.extract_now(mails()))
    texts = dict(admin.execute("select id, body_text from raw_gmail.messages").fetchall())
    assert [texts[f"mail-{number}"] for number in range(len(TEXTS))] == TEXTS
    types = admin.execute(
        "select distinct data_type from information_schema.columns"
        " where table_schema in ('raw_gmail', 'raw_gmail_staging')"
        " and column_name in ('label_ids', 'envelope', 'attachments', 'parse_notes', 'changed_labels')"
    )
    assert types.fetchall() == [("jsonb",)]


def test_a_warehouse_of_a_former_version_goes_on(settings: Settings, admin: Database) -> None:
    """Its rows are held, its schema is kept, and each package that it left is loaded: extracted or normalised."""
    loader, rows = Loader(settings, gmail, "gmail"), mails()
    loader.load(loader.extract_formerly(rows[:5]))
    columns = "select table_name, column_name, data_type from information_schema.columns where table_schema = 'raw_gmail' order by 1, 2"
    before = admin.execute(columns).fetchall()
    loader.extract_formerly(rows[5:8]).normalize()
    loader.load(loader.now())
    assert len(stored(admin, "gmail")) == 8
    loader.extract_formerly(rows[8:11])
    loader.load(loader.now())
    assert len(stored(admin, "gmail")) == 11
    loader.load(loader.extract_now(rows))
    now = stored(admin, "gmail")
    assert len(now) == len(rows)
    assert admin.execute(columns).fetchall() == before
    # And back: whoever returns to the former version loses nothing either.
    loader.load(loader.extract_formerly(rows))
    assert stored(admin, "gmail") == now


def test_what_is_held_is_not_loaded_again(settings: Settings, admin: Database) -> None:
    loader, rows = Loader(settings, gmail, "gmail"), mails()
    loader.load(loader.extract_now(rows[:10]))
    first = stored(admin, "gmail")
    # Also where one step meets a key twice.
    changed = [row | {"body_text": "another"} for row in rows]
    loader.load(loader.extract_now([*changed, *changed]))
    again = stored(admin, "gmail")
    assert len(again) == len(rows)
    assert [row for row in again if row[0] in dict(first)] == first


def test_an_integer_of_more_than_64_bits_is_kept(settings: Settings, admin: Database) -> None:
    (row, *_) = mails()
    loader = Loader(settings, gmail, "gmail")
    loader.load(loader.extract_now([row | {"envelope": {"n": 2**70}}]))
    assert admin.execute("select envelope ->> 'n' from raw_gmail.messages").fetchall() == [
        (str(2**70),)
    ]


def test_a_value_that_fits_is_taken_and_one_that_does_not_is_named() -> None:
    (row, *_) = mails()
    make = table_maker(gmail.messages)
    assert make([]) is None
    table = make(
        [row | {"history_id": 17, "size_estimate": "18", "pulled_at": "2026-11-20T04:30:00Z"}]
    )
    assert table is not None
    assert table.select(["history_id", "size_estimate", "pulled_at"]).to_pylist() == [
        {"history_id": "17", "size_estimate": 18, "pulled_at": TIMES[0]}
    ]
    for wrong in (
        {"size_estimate": "many"},
        {"pulled_at": "not a time"},
        {"a_new_column": "secret"},
        {"mailbox": None},
        {"id": None},
    ):
        with pytest.raises(WrongType) as failure:
            make([row, row | wrong])
        assert str(failure.value) == f"messages.{next(iter(wrong))}"


def test_lines_of_a_part_of_an_array_are_of_that_part() -> None:
    batch = pa.record_batch({"a": ["x\ty", None, "", "\\"], "b": [1, None, 3, 4]})
    assert [bytes(lines) for lines in copy_lines(batch)] == [b"x\\ty\t1\n\\N\t\\N\n\t3\n\\\\\t4\n"]
    assert [bytes(lines) for lines in copy_lines(batch.slice(2, 1))] == [b"\t3\n"]
