"""Every privilege of every role against the matrix of specs/security.md, and the ways up that are known."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.dbt_project.raw_rows import inbound
from tests.warehouse.privilege_matrix import HOW, LOGIN, SPEC, SQL, matrix, written
from warehouse.migrate import migrate
from warehouse.settings import DEFINERS, Role, Settings


def test_the_matrix_is_the_one_that_is_written_down(
    settings: Settings, admin: psycopg.Connection[Any]
) -> None:
    # A database that was copied has lost what was granted on the database itself.
    migrate(settings)
    assert written(SPEC.read_text()) == matrix(admin), f"write it anew: {HOW}"


def test_definers_are_nobody_and_out_of_reach(admin: psycopg.Connection[Any]) -> None:
    """Of a role that cannot sign in, with a fixed path, in a schema where no lesser role can put another in its place."""
    found = admin.execute(SQL["definers"], {"roles": LOGIN}).fetchall()
    assert len(found) > 5
    reachable = {
        schema for name, schema, _ in admin.execute(SQL["schemas"], {"roles": LOGIN}).fetchall()
    }
    for function, owner, callers, options in found:
        assert owner in DEFINERS, function
        assert options == ["search_path=pg_catalog, pg_temp"], function
        assert function.partition(".")[0] not in reachable, function
        assert callers, f"nobody calls {function}"
    assert admin.execute(
        "select rolsuper from pg_roles where rolname = current_user"
    ).fetchone() == (False,)


#: What each role tries: a statement for each line, the last of which must not be carried out as anybody who is more.
EVIL = """
create {temporary}function {schema}.evil(text) returns text language plpgsql {immutable} as $$
begin
    insert into {schema}.seen values (current_user, (select rolsuper from pg_roles where rolname = current_user));
    begin
        execute 'alter role {role} superuser';
        return 'superuser';
    exception when others then return sqlerrm;
    end;
end $$
"""
SWAPPED: dict[str, Callable[[str], list[str]]] = {
    "a view": lambda schema: [
        f"create view {schema}.messages as select 'x'::text as _dlt_id, {schema}.evil('x') as connection_id"
    ],
    "a policy": lambda schema: [
        f"create table {schema}.messages (_dlt_id text, connection_id text)",
        f"insert into {schema}.messages values ('x', 'c')",
        f"alter table {schema}.messages enable row level security",
        f"create policy evil on {schema}.messages using ({schema}.evil(_dlt_id) is not null)",
        f"grant select on {schema}.messages to public",
    ],
    "a type": lambda schema: [
        f"create type {schema}.odd as (a text)",
        f"create function {schema}.cast_it({schema}.odd) returns json language sql as"
        f" $$ select to_json({schema}.evil('x')) $$",
        f"create cast ({schema}.odd as json) with function {schema}.cast_it({schema}.odd)",
        f"create table {schema}.messages (_dlt_id text, connection_id {schema}.odd)",
        f"insert into {schema}.messages values ('x', row('a'))",
        f"grant select on {schema}.messages to public",
    ],
    "a rule": lambda schema: [
        f"create table {schema}.messages (_dlt_id text, connection_id text)",
        f'create rule "_RETURN" as on select to {schema}.messages do instead'
        f" select 'x'::text as _dlt_id, {schema}.evil('x') as connection_id",
    ],
}


@pytest.mark.parametrize("how", SWAPPED)
def test_a_history_that_is_no_plain_table_is_not_read(
    settings: Settings, admin: psycopg.Connection[Any], how: str
) -> None:
    """What made the loader superuser: its own relation, read by a function of a greater role."""
    schema = "raw_gmail"
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as loader:
        for (table,) in loader.execute(
            "select relname from pg_class where relnamespace = 'raw_gmail'::regnamespace and relkind = 'r'"
        ).fetchall():
            loader.execute(f'drop table {schema}."{table}" cascade')
        loader.execute(f"create table {schema}.seen (who text, is_superuser boolean)")
        loader.execute(f"grant insert on {schema}.seen to public")
        loader.execute(EVIL.format(temporary="", schema=schema, role="crm_loader", immutable=""))
        try:
            for statement in SWAPPED[how](schema):
                loader.execute(statement)
        except (psycopg.errors.WrongObjectType, psycopg.errors.ObjectNotInPrerequisiteState):
            assert how == "a rule"  # PostgreSQL 16 and newer refuse it themselves.
        assert loader.execute("select * from crm.raw_row('raw_gmail.messages/x')").fetchall() == []
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as app:
        assert app.execute("select * from crm.raw_row('raw_gmail.messages/x')").fetchall() == []
    assert admin.execute(f"select * from {schema}.seen").fetchall() == []
    assert superusers(admin) == ["crm_superuser"]


def superusers(admin: psycopg.Connection[Any]) -> list[str]:
    return [
        name
        for (name,) in admin.execute(
            "select rolname from pg_roles where rolsuper and rolname !~ '^(postgres|pg_)' order by rolname"
        ).fetchall()
    ]


#: Ways up that need no function of ours. Each is refused to each role that signs in.
REFUSED = (
    "alter role current_user superuser",
    "alter role current_user createrole",
    "alter role crm_owner password 'mine'",
    "set role crm_owner",
    "set session authorization crm_owner",
    "set role crm_keeper",
    "grant crm_owner to current_user",
    "create role crm_another",
    "create extension dblink",
    "create schema mine",
    "create function crm.mine() returns int language sql as 'select 1'",
    "create or replace function crm.raw_row(raw_ref text) returns table (body bytea, content_type text, headers jsonb,"
    " received_at timestamptz, connection_id text, signature text) language sql as 'select null::bytea, null::text,"
    " null::jsonb, null::timestamptz, null::text, null::text'",
    "drop function crm.raw_row(text)",
    "alter function crm.renew_secrets(text, bytea, bytea, timestamptz) set search_path = public",
    "create table crm.mine (id int)",
    "create table public.mine (id int)",
    "create trigger mine before insert on crm.events for each row execute function crm.refuse_change()",
    "alter table crm.events disable trigger all",
    "set session_replication_role = replica",
    "alter system set archive_command = 'true'",
    "copy (select 1) to program 'true'",
    "copy (select 1) to '/tmp/crm-escalation'",
    "select pg_read_file('/etc/passwd')",
    "select lo_import('/etc/passwd')",
    "load 'auto_explain'",
    "create event trigger mine on ddl_command_end execute function crm.refuse_change()",
    "alter default privileges for role crm_owner grant all on tables to public",
    "update pg_catalog.pg_authid set rolsuper = true",
    "select rolpassword from pg_authid",
    "alter database {database} set search_path = pg_temp",
    "create foreign data wrapper mine",
    "create function pg_temp.mine() returns int language c as 'libc', 'getpid'",
    "create publication mine for all tables",
    "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'crm_owner'",
    "security label on role crm_owner is 'mine'",
)
#: Refused before any right is asked for: no module that labels is loaded, and to load one is refused above.
OTHERWISE: dict[str, type[psycopg.Error]] = {
    "security label on role crm_owner is 'mine'": psycopg.errors.InvalidParameterValue,
}


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_no_role_climbs(settings: Settings, admin: psycopg.Connection[Any], role: Role) -> None:
    database = admin.info.dbname
    with psycopg.connect(settings.url_for(role), autocommit=True) as connection:
        for statement in REFUSED:
            # For want of a right, and not because it is misspelt or the server lacks something.
            refusal = OTHERWISE.get(statement, psycopg.errors.InsufficientPrivilege)
            with pytest.raises(refusal):
                connection.execute(statement.format(database=database))
        assert not connection.closed
    assert superusers(admin) == ["crm_superuser"]


def test_the_document_counts_the_ways_that_are_tried() -> None:
    assert f"each role tries {len(REFUSED)} ways up" in SPEC.read_text()


def test_a_delivery_is_given_as_it_was_received(
    settings: Settings, admin: psycopg.Connection[Any]
) -> None:
    inbound(1).insert(admin)
    ((delivery_id, body),) = admin.execute(
        "select delivery_id, body from raw.webhook_deliveries"
    ).fetchall()
    with psycopg.connect(settings.url_for(Role.APP)) as app:
        row = app.execute(
            "select body from crm.raw_row(%s)", [f"raw.webhook_deliveries/{delivery_id}#0"]
        ).fetchone()
    assert row == (body,)


def test_every_schema_stands_among_the_places_of_personal_data(
    admin: psycopg.Connection[Any],
) -> None:
    """Whoever destroys must know where to look."""
    told = SPEC.read_text()
    places = told[told.index("## Where personal data lies") : told.index("## What was tried")]
    for (schema,) in admin.execute(
        "select nspname from pg_namespace where nspname !~ '^(pg_|information_schema$|public$|test_pristine$)'"
    ).fetchall():
        kind = re.sub(r"^raw_[a-z_]+?(_staging)?$", r"raw_<channel>\1", schema)
        assert f"`{kind.removesuffix('_next')}`" in places, schema
