"""Migrations, applied twice = once; the roles of the databases, tried as each role."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from warehouse.migrate import migrate
from warehouse.settings import Role, Settings

#: A view over several tables refuses change by its nature.
INSUFFICIENT = (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState)


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
