"""What several servers could not run: every statement of the product, parsed, but for those of a list that only shrinks."""

from __future__ import annotations

import csv
from functools import cache

import psycopg
import pytest
from sqlglot.errors import ParseError

from tests.warehouse.distributed import SPREAD, Broken, broken_by, parsed
from transform import fold
from warehouse.channels import ROOT
from warehouse.queries import FOLDER, SHARED, queries
from warehouse.settings import Role, Settings

#: Statements that break a rule today, each with its reason.
EXCEPTIONS = ROOT / "tests" / "warehouse" / "one_server_alone.csv"
MOST_EXCEPTIONS = 91
Places = frozenset[tuple[str, Broken]]


@cache
def statements() -> dict[str, str]:
    """Every named query, what it shares in its place."""
    return {
        f"{file.stem}.{name}": text
        for file in sorted(FOLDER.glob("*.sql"))
        for name, text in queries(file.stem).items()
    }


@cache
def shared() -> frozenset[str]:
    """What others take in (`--> file.name`): a part of a statement, looked at where it stands."""
    texts = [file.read_text() for file in FOLDER.glob("*.sql")]
    return frozenset(f"{place[1]}.{place[2]}" for text in texts for place in SHARED.finditer(text))


@cache
def listed() -> dict[tuple[str, Broken], str]:
    with EXCEPTIONS.open() as file:
        return {
            (row["statement"], Broken(row["rule"], row["table"])): row["reason"]
            for row in csv.DictReader(file)
        }


@cache
def of_queries() -> Places:
    return frozenset(
        (name, broken)
        for name, text in statements().items()
        if name not in shared()
        for broken in broken_by(text)
    )


def of_models(settings: Settings) -> Places:
    """Of the statements that the fold runs, as dbt compiled them, and of the views that are read from."""
    with psycopg.connect(settings.url_for(Role.ADMIN)) as owner:
        found = fold.standing(owner)
        assert found is not None
        views = owner.execute(
            "select schemaname || '.' || viewname, definition from pg_views"
            " where schemaname in ('canonical', 'marts', 'crm')"
        ).fetchall()
    texts = [(f"fold {model.name}", text) for model in found[1].models for _, text in model.parts]
    texts += [(f"view {name}", text) for name, text in views]
    assert len(texts) > 40
    return frozenset((name, broken) for name, text in texts for broken in broken_by(text))


def is_of_models(statement: str) -> bool:
    return statement.startswith(("fold ", "view "))


def compared(found: Places, known: set[tuple[str, Broken]]) -> None:
    new, gone = sorted(found - known), sorted(known - found)
    assert not new, (
        f"not in the form that several servers run (tests/warehouse/distributed.py): {new}"
    )
    assert not gone, f"these are mended: take them from {EXCEPTIONS.name}: {gone}"


def test_every_named_query_is_in_the_form_or_on_the_list() -> None:
    compared(of_queries(), {each for each in listed() if not is_of_models(each[0])})


def test_every_model_and_view_is_in_the_form_or_on_the_list(settings: Settings) -> None:
    compared(of_models(settings), {each for each in listed() if is_of_models(each[0])})


def test_the_list_says_why_and_only_shrinks() -> None:
    assert all(len(reason) > 20 for reason in listed().values())
    # Lower it with each that goes; it is never raised.
    assert len(listed()) <= MOST_EXCEPTIONS


def test_what_is_no_statement_stands_in_one() -> None:
    for name in shared():
        assert name in statements()
    assert len(statements().keys() - shared()) > 400


def test_the_tables_that_would_be_spread_are_there(settings: Settings) -> None:
    with psycopg.connect(settings.url_for(Role.ADMIN)) as owner:
        for table, (column, _) in SPREAD.items():
            row = owner.execute(
                "select 1 from pg_attribute join pg_class on pg_class.oid = attrelid"
                " where attrelid = to_regclass(%s) and attname = %s and relkind = 'r'",
                [table, column],
            ).fetchone()
            assert row, f"{table}.{column}"


@pytest.mark.parametrize(
    ("statement", "rules"),
    [
        ("select 1 from canonical.messages join crm.notes on true", set()),
        ("select 1 from canonical.messages as m join canonical.attachments as a on a.message_id = m.message_id", set()),
        ("select 1 from canonical.messages join canonical.attachments using (message_id)", set()),
        ("select 1 from canonical.messages as m, canonical.attachments as a where m.message_id = a.message_id", set()),
        ("select 1 from canonical.messages as m, canonical.attachments as a where m.thread_key = a.message_id", {"join"}),
        ("select 1 from canonical.message_participants as p join canonical.messages as m on m.message_id = p.message_id", {"join"}),
        ("select 1 from (canonical.message_participants p join canonical.messages m on (p.message_id = m.message_id))", {"join"}),
        (
            "with newest as (select message_id from canonical.message_participants where identity = any(%(them)s) order by sort_key limit 50)"
            " select 1 from newest join canonical.messages on messages.message_id = newest.message_id",
            set(),
        ),
        ("select 1 from crm.notes as n where exists (select from canonical.messages as m where m.message_id = n.object_id)", {"correlated"}),
        ("select (select count(*) from canonical.messages as m where m.channel = c.channel) from crm.connections as c", {"correlated"}),
        ("select 1 from crm.notes where object_id in (select message_id from canonical.messages where channel = 'gmail')", set()),
        (
            "select 1 from crm.identity_links as l cross join lateral (select 1 from canonical.message_participants as p"
            " where p.identity = l.identity order by p.sort_key limit 50) as newest",
            {"lateral"},
        ),
        (
            "with recursive chain as (select message_id from canonical.messages union select m.moved_to from canonical.messages as m"
            " join chain using (message_id)) select 1 from chain",
            {"recursion"},
        ),
        ("with recursive chain as (select 1 as one union select one + 1 from chain) select 1 from chain, canonical.messages", set()),
        ("delete from canonical.messages as m using canonical.identities as i where i.value = m.subject", {"join"}),
    ],
)  # fmt: skip
def test_what_the_rules_say(statement: str, rules: set[str]) -> None:
    """One of each, and what looks like it and is none."""
    assert {each.rule for each in broken_by(statement)} == rules


def test_what_cannot_be_parsed_is_no_pass() -> None:
    with pytest.raises(ParseError):
        parsed("select from where (")
