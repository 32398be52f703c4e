"""Bring a database to the present schema: roles, then plain SQL migrations, then the job queue.

    python -m warehouse.migrate

Applied twice it is the same as applied once. The order matters: migrations grant to the roles.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from psycopg import sql
from yoyo import get_backend, read_migrations

from warehouse import server_checks
from warehouse.channels import registry
from warehouse.connections import seal_signing
from warehouse.settings import DEFINERS, Role, Settings

MIGRATIONS = Path(__file__).parent / "migrations"
ROLE_ATTEMPTS = 8
#: InternalError_ is "tuple concurrently updated".
ROLE_CONFLICTS = (
    psycopg.errors.InternalError_,
    psycopg.errors.DuplicateObject,
    psycopg.errors.UniqueViolation,
)
#: The fold and dbt gather in temporary tables, dlt may.
MAKES_TEMPORARY_TABLES = (Role.LOADER, Role.TRANSFORMER)
LOGIN_ROLES = [role for role in Role if role is not Role.ADMIN]

log = logging.getLogger(__name__)


def migrate(settings: Settings, *, only: Collection[str] | None = None) -> None:
    """Bring the database of these settings to the present schema.

    only: the names of the migrations that a backup had, so that its rows fit and the later ones change them, too.

    Raises:
        UnusableDatabase: the server lacks something; the sentence says what to do.
    """
    with psycopg.connect(settings.admin_url, autocommit=True) as connection:
        server_checks.check(connection)
        # Two programs may start on one database at once.
        connection.execute("select pg_advisory_lock(hashtext('crm migrate'))")
        _make_roles_in_turn(connection, settings)
        server_checks.settle(connection)
        _apply_migrations(settings, only)
        _make_history_schemas(connection)
        _make_job_queue(settings, connection)
        if only is None:
            seal_signing(connection, settings)


def _make_roles_in_turn(connection: psycopg.Connection, settings: Settings) -> None:
    """Roles belong to the server: a migration of another database on it may make them at this moment."""
    for attempt in range(ROLE_ATTEMPTS):
        try:
            _make_roles(connection, settings)
            return
        except ROLE_CONFLICTS:
            if attempt == ROLE_ATTEMPTS - 1:
                raise
            time.sleep(0.2 * (attempt + 1))


def _make_roles(connection: psycopg.Connection, settings: Settings) -> None:
    row = connection.execute("select current_user, current_database()").fetchone()
    assert row is not None
    owner, database = row
    # Who needs no temporary table gets none, and nobody else comes in.
    place = sql.Identifier(database)
    connection.execute(sql.SQL("revoke all on database {} from public").format(place))
    for role in LOGIN_ROLES:
        found = connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone()
        name = sql.Identifier(role)
        if not found:
            connection.execute(sql.SQL("create role {} login").format(name))
        connection.execute(
            sql.SQL("alter role {} login password {} connection limit {}").format(
                name,
                sql.Literal(settings.role_password(role)),
                sql.Literal(settings.connection_limit(role)),
            )
        )
        may = "connect, temporary" if role in MAKES_TEMPORARY_TABLES else "connect"
        connection.execute(
            sql.SQL("grant {} on database {} to {}").format(sql.SQL(may), place, name)
        )
        _join(connection, name, owner)
    _log_analysts(connection)
    for definer in DEFINERS:
        name = sql.Identifier(definer)
        if not connection.execute(
            "select 1 from pg_roles where rolname = %s", [definer]
        ).fetchone():
            connection.execute(sql.SQL("create role {} nologin").format(name))
        _join(connection, name, owner)


def _log_analysts(connection: psycopg.Connection) -> None:
    """Have the server write each statement of analysts to its log, where we may: an embedded server lets us."""
    may = connection.execute(
        "select has_parameter_privilege(current_user, 'log_statement', 'set')"
    ).fetchone()
    if may == (True,):
        analyst = sql.Identifier(Role.ANALYST)
        connection.execute(sql.SQL("alter role {} set log_statement = 'all'").format(analyst))


def _join(connection: psycopg.Connection, role: sql.Identifier, owner: str) -> None:
    """So that an owner who is no superuser can hand schemas to the role."""
    connection.execute(sql.SQL("grant {} to {}").format(role, sql.Identifier(owner)))


def unknown(names: Collection[str]) -> list[str]:
    """Those of these migrations that this version does not have: a newer one applied them."""
    return sorted(set(names) - {each.id for each in read_migrations(str(MIGRATIONS))})


def _apply_migrations(settings: Settings, only: Collection[str] | None) -> None:
    parts = urlsplit(settings.admin_url)
    # The schema is pinned: with an owner called like one of our schemas, "$user" would come first.
    query = f"{parts.query}&schema=public" if parts.query else "schema=public"
    backend = get_backend(urlunsplit(parts._replace(scheme="postgresql+psycopg", query=query)))
    try:
        migrations = read_migrations(str(MIGRATIONS))
        if only is not None:
            migrations = migrations.filter(lambda each: each.id in only)
        with backend.lock():
            backend.apply_migrations(backend.to_apply(migrations))
    finally:
        backend.connection.close()


def _make_history_schemas(connection: psycopg.Connection) -> None:
    """`raw_<channel>` for every channel of the registry, and dlt's staging schema beside it."""
    loader, transformer = sql.Identifier(Role.LOADER), sql.Identifier(Role.TRANSFORMER)
    known = {name for (name,) in connection.execute("select nspname from pg_namespace").fetchall()}
    for channel in registry().values():
        if not channel.pulls:
            continue
        for name in (channel.history_schema, f"{channel.history_schema}_staging"):
            schema = sql.Identifier(name)
            connection.execute(
                sql.SQL("create schema if not exists {} authorization {}").format(schema, loader)
            )
        schema = sql.Identifier(channel.history_schema)
        # Whoever reads histories: the fold, and the function that gives one row of one.
        for reader in (transformer, sql.Identifier("crm_pull_reader")):
            connection.execute(sql.SQL("grant usage on schema {} to {}").format(schema, reader))
            connection.execute(
                sql.SQL(
                    "alter default privileges for role {} in schema {} grant select on tables to {}"
                ).format(loader, schema, reader)
            )
        # Who tries what is expected of the data. Its role is younger than some of these tables.
        place, checker = schema, sql.Identifier(Role.CHECKER)
        for statement in (
            "grant usage on schema {place} to {checker}",
            "grant select on all tables in schema {place} to {checker}",
            "alter default privileges for role {loader} in schema {place} grant select on tables to {checker}",
        ):
            connection.execute(
                sql.SQL(statement).format(place=place, checker=checker, loader=loader)
            )
        # Who takes away what is to be destroyed, in what was loaded and in what a load left beside it.
        for name in (channel.history_schema, f"{channel.history_schema}_staging"):
            place, destroyer = sql.Identifier(name), sql.Identifier(Role.DESTROYER)
            for statement in (
                "grant usage on schema {place} to {destroyer}",
                "grant select, delete on all tables in schema {place} to {destroyer}",
                "alter default privileges for role {loader} in schema {place}"
                " grant select, delete on tables to {destroyer}",
            ):
                connection.execute(
                    sql.SQL(statement).format(place=place, destroyer=destroyer, loader=loader)
                )
        if channel.history_schema not in known:
            continue
        # What a former version made.
        connection.execute(
            sql.SQL("grant select on all tables in schema {} to crm_pull_reader").format(schema)
        )


def _make_job_queue(settings: Settings, connection: psycopg.Connection) -> None:
    """procrastinate's tables, in the schema `jobs`, owned by the loader that runs the queue."""
    if connection.execute("select to_regclass('jobs.procrastinate_jobs')").fetchone() == (None,):
        with App(connector=queue_connector(settings, sync=True)).open() as app:
            app.schema_manager.apply_schema()
    # What a job was told of somebody who is destroyed.
    connection.execute(
        sql.SQL("grant select, update (args) on jobs.procrastinate_jobs to {}").format(
            sql.Identifier(Role.DESTROYER)
        )
    )


def queue_connector(
    settings: Settings, *, sync: bool = False
) -> PsycopgConnector | SyncPsycopgConnector:
    """procrastinate's connector, looking into the schema `jobs`."""
    connector = SyncPsycopgConnector if sync else PsycopgConnector
    return connector(
        conninfo=settings.url_for(Role.LOADER),
        kwargs={"options": "-c search_path=jobs,pg_catalog"},
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    migrate(Settings())
