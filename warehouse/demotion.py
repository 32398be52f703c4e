"""A cluster of a former version, in which the owner of the database was the superuser: the owner becomes a plain role.

The first role of a cluster stays its superuser for ever, so it takes another name, and a new role takes the owner's
name and everything that is ours. Each step can be interrupted and is taken up again at the next start.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from warehouse.queries import queries

if TYPE_CHECKING:
    from warehouse.postgres import Embedded

SQL = queries("demotion")
#: Renames the first role, which cannot rename itself; lives as long as that takes.
HELPER = "crm_renaming"


def demote_owner(server: Embedded) -> None:
    """Nothing where the owner is a plain role already."""
    from warehouse.postgres import DATABASE

    noted = server.superuser_file.with_name("postgres.superuser.next")
    if not server.superuser_file.exists():
        if not noted.exists() or not _lets_in(server, noted.read_text().strip()):
            _rename(server)
        noted.rename(server.superuser_file)
    base = server.superuser_url.rpartition("/")[0]
    with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(HELPER)))
        if connection.execute(SQL["owner_of_database"], {"name": DATABASE}).fetchone() != (
            "crm_superuser",
        ):
            return
    with psycopg.connect(f"{base}/{DATABASE}") as connection:
        _hand_over(connection)


def _lets_in(server: Embedded, password: str) -> bool:
    from warehouse.postgres import SUPERUSER

    url = f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{server.port}/postgres"
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _rename(server: Embedded) -> None:
    from warehouse.postgres import OWNER, SUPERUSER, write_private

    former = server.url_file.read_text().strip().rpartition("/")[0] + "/postgres"
    password, for_now = secrets.token_hex(24), secrets.token_hex(24)
    write_private(server.superuser_file.with_name("postgres.superuser.next"), password)
    helper = sql.Identifier(HELPER)
    with psycopg.connect(former, autocommit=True) as connection:
        connection.execute(sql.SQL("drop role if exists {}").format(helper))
        connection.execute(
            sql.SQL("create role {} superuser login password {}").format(
                helper, sql.Literal(for_now)
            )
        )
    with psycopg.connect(
        f"postgresql://{HELPER}:{for_now}@127.0.0.1:{server.port}/postgres"
    ) as connection:
        for statement in (
            sql.SQL("alter role {owner} rename to {superuser}"),
            sql.SQL("alter role {superuser} password {password}"),
            sql.SQL("create role {owner} login createrole password {former}"),
        ):
            connection.execute(
                statement.format(
                    owner=sql.Identifier(OWNER),
                    superuser=sql.Identifier(SUPERUSER),
                    password=sql.Literal(password),
                    former=sql.Literal(urlsplit(former).password),
                )
            )


def _hand_over(connection: psycopg.Connection[Any]) -> None:
    """Everything of ours in this database to the plain owner, and the database last: it says that this is done."""
    from warehouse.postgres import DATABASE, OWNER

    owner = sql.Identifier(OWNER)
    for (role,) in connection.execute(SQL["our_roles"]).fetchall():
        connection.execute(
            sql.SQL("grant {} to {} with admin option").format(sql.Identifier(role), owner)
        )
    for kind, name in connection.execute(SQL["owned_by_superuser"]).fetchall():
        # Both are PostgreSQL's own spelling, quoted where it must be.
        connection.execute(
            sql.SQL("alter {} {} owner to {}").format(sql.SQL(kind), sql.SQL(name), owner)
        )
    connection.execute(
        sql.SQL("alter database {} owner to {}").format(sql.Identifier(DATABASE), owner)
    )
