"""Whether a server will do, each thing in a sentence that says what to do; and what every session of ours needs of it.

A server's own defaults must not decide how we read a date or plan a query: PostgreSQL 15 compiles each of our large
statements (`jit`), which took six minutes where the work takes five seconds, and with another `DateStyle` what a
program wrote it could not read again.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from warehouse.queries import queries
from warehouse.settings import Role

SQL = queries("server_checks")
#: PostgreSQL 15 is the oldest that has what the migrations use.
LEAST_SERVER_VERSION = 150000
EXTENSIONS = ("btree_gin", "pg_trgm", "unaccent")
#: Of every session of our programs in this database, whatever the server says.
SESSION = {
    "jit": "off",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "synchronous_commit": "on",
}
#: Programs of ours; an analyst's tools know what they want.
PROGRAMS = (Role.RECEIVER, Role.LOADER, Role.TRANSFORMER, Role.APP)


class UnusableDatabase(Exception):
    """The database cannot be migrated; the text says why and what to do."""


def check(connection: psycopg.Connection[Any]) -> None:
    """
    Raises:
        UnusableDatabase: names everything that is missing, each with what to do.
    """
    version = connection.info.server_version
    if version < LEAST_SERVER_VERSION:
        raise UnusableDatabase(
            f"PostgreSQL {version // 10000} is too old: give CRM_DATABASE_URL of version 15 or newer"
        )
    row = connection.execute(SQL["server"], {"extensions": list(EXTENSIONS)}).fetchone()
    assert row is not None
    owner, database, encoding, is_standby, makes_roles, makes_schemas, public, absent = row
    wrong = []
    if encoding != "UTF8":
        wrong.append(
            f"the database {database} is encoded in {encoding}: make one with `encoding 'UTF8' template template0`"
        )
    if is_standby:
        wrong.append("this server is a standby, which takes no writes: give the primary's address")
    if not makes_roles:
        wrong.append(
            f"{owner} may make no roles: have the server's administrator run `alter role {owner} createrole`"
        )
    if not (makes_schemas and public):
        wrong.append(
            f"{owner} does not own the database {database}: have the server's administrator run "
            f"`alter database {database} owner to {owner}`"
        )
    if absent:
        wrong.append(
            f"the server lacks {', '.join(absent)}: install PostgreSQL's contrib package, or have the administrator "
            "run " + "; ".join(f"`create extension {name}`" for name in absent)
        )
    if wrong:
        raise UnusableDatabase(". ".join(wrong))


def settle(connection: psycopg.Connection[Any]) -> None:
    """Have every session of our programs, and of the owner, begin with what it needs."""
    row = connection.execute("select current_user, current_database()").fetchone()
    assert row is not None
    owner, database = row
    for role in (owner, *PROGRAMS):
        for name, value in SESSION.items():
            connection.execute(
                sql.SQL("alter role {} in database {} set {} = {}").format(
                    sql.Identifier(role),
                    sql.Identifier(database),
                    sql.Identifier(name),
                    sql.Literal(value),
                )
            )
