"""The statements of a fold: cut into parts by channel, free of the database's name, and kept as JSON."""

from __future__ import annotations

import json
import re

import psycopg
import pytest

from transform import fold
from transform.statements import RawTable, Statement, Statements, in_parts, portable
from warehouse.settings import Settings


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("select 1", [("", "select 1")]),
        # The words within a line are no mark, nor is a mark with something behind it.
        ("select 1 -- of channel a", [("", "select 1 -- of channel a")]),
        ("-- of channel a or b\nselect 1", [("", "-- of channel a or b\nselect 1")]),
        ("-- a comment\n-- of channel a\nselect 1\n", [("a", "select 1")]),
        (
            "-- of channel a\nselect 1\nunion all\n\n-- of channel b_2\nselect 2\nunion all\nselect 3\n",
            [("a", "select 1"), ("b_2", "select 2\nunion all\nselect 3")],
        ),
    ],
)
def test_a_text_is_cut_where_it_names_a_channel(text: str, parts: list[tuple[str, str]]) -> None:
    assert in_parts(text) == tuple(parts)


def test_a_text_names_no_database() -> None:
    text = 'select "crm".x from "crm"."canonical"."messages" join "other"."t" on "crm" = 1'
    # A column of the same name that stands before a dot is left out of our models; quoted alone it stays.
    assert portable(text.replace('"crm".x', "x"), "crm") == (
        'select x from "canonical"."messages" join "other"."t" on "crm" = 1'
    )


BESIDE = Statements(
    models=(
        Statement(
            name="messages",
            parts=(
                ("a", """select * from "canonical_next"."batch" where build = 'next'"""),
                ("b", 'select * from "staging_next"."s" join "marts_next"."m" on true'),
            ),
            is_working=False,
            forget="batch",
            forget_key="message_id",
            reads=("batch", "new_rows"),
        ),
    ),
    raw_tables=(RawTable("raw_a", "messages", "a", is_accounted=False),),
)


def test_what_was_built_beside_speaks_of_what_serves() -> None:
    serving = BESIDE.serving()
    assert list(serving.models[0].parts) == [
        ("a", """select * from "canonical"."batch" where build = 'live'"""),
        ("b", 'select * from "staging"."s" join "marts"."m" on true'),
    ]
    assert serving.raw_tables == BESIDE.raw_tables
    assert serving.serving() == serving


def test_statements_come_back_from_json_as_they_were() -> None:
    assert Statements.loaded(json.loads(BESIDE.dumped())) == BESIDE


def test_the_statements_that_stand_are_whole_and_of_the_serving_tables(
    settings: Settings,
) -> None:
    with fold.connect(settings) as database:
        found = fold.standing(database)
        assert found is not None
        _, statements = found
        names = [model.name for model in statements.models]
        # Models alone, and no test of theirs.
        assert not [name for name in names if name.startswith("assert_")]
        (working,) = [model for model in statements.models if model.name == "new_copies"]
        texts = [text for model in statements.models for _, text in model.parts]
        row = database.execute("select current_database()").fetchone()
        assert row is not None
        assert not any(f'"{row[0]}"' in text for text in texts)
        assert not any(re.search(r"_next\b|'next'", text) for text in texts)
        # A channel's copies are asked for only where something came through it.
        channels = {table.channel for table in statements.raw_tables if table.channel}
        assert {channel for channel, _ in working.parts} >= channels
        # Each stands behind what it reads, and what it forgets by.
        for place, model in enumerate(statements.models):
            assert set(model.reads) <= set(names[:place])
            if not model.is_working:
                assert model.forget in names[:place], model.name
                assert model.forget_key
        # The database knows every relation in them.
        for model in statements.models:
            for _, text in model.parts:
                database.execute(psycopg.sql.SQL("explain {}").format(psycopg.sql.SQL(text)))  # type: ignore[arg-type]
