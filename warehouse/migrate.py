"""Bring a database to the present schema: roles, then plain SQL migrations, then the job queue.

    python -m warehouse.migrate

Applied twice it is the same as applied once. The order matters: migrations grant to the roles.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from psycopg import sql
from yoyo import get_backend, read_migrations

from warehouse.channels import registry
from warehouse.settings import Role, Settings

MIGRATIONS = Path(__file__).parent / "migrations"
#: PostgreSQL 15 is the oldest that has what the migrations use.
LEAST_SERVER_VERSION = 150000
ROLE_ATTEMPTS = 8
#: InternalError_ is "tuple concurrently updated".
ROLE_CONFLICTS = (
    psycopg.errors.InternalError_,
    psycopg.errors.DuplicateObject,
    psycopg.errors.UniqueViolation,
)
LOGIN_ROLES = [role for role in Role if role is not Role.ADMIN]

log = logging.getLogger(__name__)


class UnusableDatabase(Exception):
    """The database cannot be migrated; the text says why and what to do."""


def migrate(settings: Settings) -> None:
    """Bring the database of these settings to the present schema.

    Raises:
        UnusableDatabase: the server is older than PostgreSQL 15.
    """
    with psycopg.connect(settings.admin_url, autocommit=True) as connection:
        if connection.info.server_version < LEAST_SERVER_VERSION:
            raise UnusableDatabase(
                f"PostgreSQL {connection.info.server_version // 10000} is too old: "
                "give CRM_DATABASE_URL of version 15 or newer"
            )
        # Two programs may start on one database at once.
        connection.execute("select pg_advisory_lock(hashtext('crm migrate'))")
        _make_roles_in_turn(connection, settings)
        _apply_migrations(settings)
        _make_history_schemas(connection)
        _make_job_queue(settings, connection)


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
    for role in LOGIN_ROLES:
        found = connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone()
        name = sql.Identifier(role)
        if not found:
            connection.execute(sql.SQL("create role {} login").format(name))
        connection.execute(
            sql.SQL("alter role {} login password {}").format(
                name, sql.Literal(settings.role_password(role))
            )
        )
        connection.execute(
            sql.SQL("grant connect on database {} to {}").format(sql.Identifier(database), name)
        )
        # So that an owner who is no superuser can hand schemas to the role.
        connection.execute(sql.SQL("grant {} to {}").format(name, sql.Identifier(owner)))


def _apply_migrations(settings: Settings) -> None:
    parts = urlsplit(settings.admin_url)
    # The schema is pinned: with an owner called like one of our schemas, "$user" would come first.
    query = f"{parts.query}&schema=public" if parts.query else "schema=public"
    backend = get_backend(urlunsplit(parts._replace(scheme="postgresql+psycopg", query=query)))
    try:
        migrations = read_migrations(str(MIGRATIONS))
        with backend.lock():
            backend.apply_migrations(backend.to_apply(migrations))
    finally:
        backend.connection.close()


def _make_history_schemas(connection: psycopg.Connection) -> None:
    """`raw_<channel>` for every channel of the registry, and dlt's staging schema beside it."""
    loader, transformer = sql.Identifier(Role.LOADER), sql.Identifier(Role.TRANSFORMER)
    for channel in registry().values():
        if not channel.pulls:
            continue
        for name in (channel.history_schema, f"{channel.history_schema}_staging"):
            schema = sql.Identifier(name)
            connection.execute(
                sql.SQL("create schema if not exists {} authorization {}").format(schema, loader)
            )
        schema = sql.Identifier(channel.history_schema)
        connection.execute(sql.SQL("grant usage on schema {} to {}").format(schema, transformer))
        connection.execute(
            sql.SQL(
                "alter default privileges for role {} in schema {} grant select on tables to {}"
            ).format(loader, schema, transformer)
        )


def _make_job_queue(settings: Settings, connection: psycopg.Connection) -> None:
    """procrastinate's tables, in the schema `jobs`, owned by the loader that runs the queue."""
    if connection.execute("select to_regclass('jobs.procrastinate_jobs')").fetchone() != (None,):
        return
    with App(connector=queue_connector(settings, sync=True)).open() as app:
        app.schema_manager.apply_schema()


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
