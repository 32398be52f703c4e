"""Migrations, applied twice = once; the roles of the databases, tried as each role."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

from warehouse.migrate import MIGRATIONS, migrate
from warehouse.settings import ROOT, Role, Settings

#: A view over several tables refuses change by its nature.
INSUFFICIENT = (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState)


#: Each release adds its own, and changes none: `sha256sum` in the folder of the migrations.
RELEASED = Path(__file__).parent / "released_migrations.sha256"


def test_what_was_released_is_never_changed() -> None:
    """A warehouse was made with it, and would not be made again: a change is a migration of its own."""
    heading, *lines = RELEASED.read_text().splitlines()
    for line in lines:
        digest, name = line.split()
        content = (MIGRATIONS / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest, f"{name} was released, and is another"
    # Whoever releases a version adds its migrations.
    version = re.findall(r"^## ([0-9.]+) \(", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[0]
    assert f"version {version} " in heading
    numbers = sorted(file.name for file in MIGRATIONS.glob("*.sql"))
    assert numbers[: len(lines)] == [line.split()[1] for line in lines]


def test_a_warehouse_of_either_edition_ends_like_a_new_one(admin: psycopg.Connection[Any]) -> None:
    """0061 and 0076 were edited after their release: some warehouses have the one form of the function, some the other."""
    asked = (
        "select prosrc from pg_proc where oid = 'canonical.phone_number(text, text)'::regprocedure"
    )
    new = admin.execute(asked).fetchall()
    released = (MIGRATIONS / "0076-quick-readers.sql").read_text()
    begin = released.index("create or replace function canonical.phone_number")
    admin.execute(released[begin : released.index("$$;", begin) + 3])  # type: ignore[arg-type]
    assert admin.execute(asked).fetchall() != new
    admin.execute((MIGRATIONS / "0110-one-phone-number.sql").read_text())  # type: ignore[arg-type]
    assert admin.execute(asked).fetchall() == new


def test_a_place_that_is_no_name_of_a_history_is_read_by_nobody(settings: Settings) -> None:
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as app:
        for odd in (
            "",
            "a",
            "a b c",
            "raw_gmail",
            "raw_gmail.messages.x",
            '"',
            "raw_gmail.none",
            "pg_catalog.pg_authid",
        ):
            assert app.execute("select crm.history_row(%s, 'x')", [odd]).fetchall() == [(None,)]


def test_a_fault_of_ours_is_not_taken_for_models_that_are_being_made(
    settings: Settings, admin: psycopg.Connection[Any]
) -> None:
    untold = "select * from crm.untold_edits('c', 5)"
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as loader:
        assert loader.execute(untold).fetchall() == []
        admin.execute("alter table canonical.messages rename column provider_metadata to other")
        with pytest.raises(psycopg.errors.UndefinedColumn):
            loader.execute(untold)
        admin.execute("alter table canonical.messages rename to others")
        assert loader.execute(untold).fetchall() == []


def schema_of(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    """Every relation, column, grant and function, as text."""
    return connection.execute(
        """
        select 'column', table_schema || '.' || table_name, column_name || ' ' || data_type
        from information_schema.columns
        where table_schema !~ '^(pg_|information_schema)'
        union all
        select 'grant', table_schema || '.' || table_name, grantee || ' ' || privilege_type
        from information_schema.role_table_grants
        where table_schema !~ '^(pg_|information_schema)'
        union all
        select 'function', pronamespace::regnamespace::text || '.' || proname, md5(prosrc)
        from pg_proc where pronamespace::regnamespace::text !~ '^(pg_|information_schema)'
        order by 1, 2, 3
        """
    ).fetchall()


def test_applied_twice_is_applied_once(settings: Settings, admin: psycopg.Connection[Any]) -> None:
    before = schema_of(admin)
    migrate(settings)
    assert schema_of(admin) == before
    assert len(before) > 200


ALLOWED = {
    Role.RECEIVER: [
        "select connection_id, signing from crm.connections",
        "insert into raw.refusals (refused_at, channel, connection_id, reason, headers, body_start, body_bytes)"
        " values (now(), 'gmail', 'c', 'r', '{}', '', 0)",
    ],
    Role.LOADER: [
        "select secrets from crm.connections",
        "select raw.make_partitions()",
        "create table raw_gmail.extra (id int)",
        "select count(*) from jobs.procrastinate_jobs",
    ],
    Role.TRANSFORMER: [
        "select count(*) from raw.webhook_deliveries",
        "select connection_id, settings from crm.connections",
        "select count(*) from crm.identity_links",
        "create table marts.extra (id int)",
    ],
    Role.APP: [
        "select count(*) from marts.messages",
        "select count(*) from canonical.customer_identities",
        "insert into crm.customers (customer_id, name, created_by) values ('x', 'X', 'test')",
        "insert into crm.events (event_id, actor, role, action, object_type, object_id)"
        " values ('e', 'a', 'admin', 'x.y', 'o', 'i')",
    ],
    Role.ANALYST: ["select count(*) from marts.messages", "select count(*) from marts.outcomes"],
}

REFUSED = {
    Role.RECEIVER: [
        "select body from raw.webhook_deliveries",
        "select delivery_key from raw.delivery_keys",
        "select secrets from crm.connections",
        "update raw.webhook_deliveries set channel = 'x'",
        "delete from raw.webhook_deliveries",
        "select count(*) from crm.customers",
        "select count(*) from marts.messages",
    ],
    Role.LOADER: [
        "select body from raw.webhook_deliveries",
        "select payload, headers from raw.webhook_deliveries",
        "select password_hash from crm.users",
        "select count(*) from marts.messages",
        "delete from raw.delivery_keys",
    ],
    Role.TRANSFORMER: [
        "select secrets from crm.connections",
        "select count(*) from crm.sessions",
        "insert into raw.webhook_deliveries default values",
        "update crm.identity_links set reason = ''",
        "insert into raw_gmail.changes default values",
    ],
    Role.APP: [
        "update crm.events set actor = 'x'",
        "delete from crm.events",
        "truncate crm.events",
        "delete from crm.identity_links",
        "select body from raw.webhook_deliveries",
        "delete from canonical.messages",
        "create table marts.extra (id int)",
    ],
    Role.ANALYST: [
        "select count(*) from canonical.messages",
        "select count(*) from crm.events",
        "select secrets from crm.connections",
        "select body from raw.webhook_deliveries",
        "delete from marts.outcomes",
        "create table public.extra (id int)",
    ],
}


@pytest.mark.parametrize("role", list(ALLOWED))
def test_a_role_may_do_its_work(settings: Settings, role: Role) -> None:
    with psycopg.connect(settings.url_for(role), autocommit=True) as connection:
        for statement in ALLOWED[role]:
            connection.execute(statement)


@pytest.mark.parametrize("role", list(REFUSED))
def test_a_role_may_do_nothing_else(settings: Settings, role: Role) -> None:
    with psycopg.connect(settings.url_for(role), autocommit=True) as connection:
        for statement in REFUSED[role]:
            with pytest.raises(INSUFFICIENT):
                connection.execute(statement)


def test_events_are_append_only_even_for_the_owner(admin: psycopg.Connection[Any]) -> None:
    admin.execute(
        "insert into crm.events (event_id, actor, role, action, object_type, object_id)"
        " values ('e', 'a', 'admin', 'x.y', 'o', 'i')"
    )
    for statement in (
        "update crm.events set actor = 'x'",
        "delete from crm.events",
        "truncate crm.events",
    ):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            admin.execute(statement)


def test_a_partition_takes_over_what_the_default_partition_caught(
    admin: psycopg.Connection[Any],
) -> None:
    admin.execute(
        """
        insert into raw.webhook_deliveries
            (delivery_id, received_at, channel, connection_id, delivery_key, method, path, query, headers, content_type, body)
        select gen_random_uuid(), date_trunc('month', now()) + interval '5 months 3 days', 'gmail', 'c', 'k', 'POST', '/', '', '{}', '', ''
        """
    )
    count = "select count(*) from only raw.webhook_deliveries_default"
    assert admin.execute(count).fetchone() == (1,)
    assert admin.execute("select raw.make_partitions(6)").fetchone() == (3,)
    assert admin.execute(count).fetchone() == (0,)
    assert admin.execute("select count(*) from raw.webhook_deliveries").fetchone() == (1,)
    assert admin.execute("select raw.make_partitions(6)").fetchone() == (0,)


def test_deliveries_are_partitioned_by_month_ahead(admin: psycopg.Connection[Any]) -> None:
    names = admin.execute(
        "select inhrelid::regclass::text from pg_inherits where inhparent = 'raw.webhook_deliveries'::regclass"
    ).fetchall()
    assert len(names) == 5
    assert ("raw.webhook_deliveries_default",) in names
