"""Whether the tables of the histories stand already as this version makes them.

Making them imports dlt and asks for each table, which takes some seconds of each start. So who made them notes it
beside each schema, in the warehouse: a dump takes the note along. Free of dlt.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path

import psycopg
from psycopg import sql

from warehouse.channels import Channel, registry
from warehouse.queries import queries
from warehouse.settings import Role, Settings

SQL = queries("pipelines")
#: What decides which tables, columns and indexes are made.
MADE_FROM = (
    *sorted(Path(__file__).parent.glob("*.py")),
    Path(__file__).parents[1] / "dbt_project" / "seeds" / "channels.csv",
)


@cache
def fingerprint() -> str:
    """Of everything that the tables follow from, dlt's version included."""
    made = hashlib.sha256(metadata.version("dlt").encode())
    for file in MADE_FROM:
        made.update(file.read_bytes())
    return made.hexdigest()


def note(settings: Settings, channel: Channel) -> None:
    """Say that the tables of this channel were made."""
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as database:
        database.execute(
            sql.SQL("comment on schema {} is {}").format(
                sql.Identifier(channel.history_schema), sql.Literal(_note())
            )
        )


def stand(settings: Settings) -> bool:
    """Whether the tables of every channel were made by this version."""
    schemas = [channel.history_schema for channel in registry().values() if channel.pulls]
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as database:
        noted: dict[str, str] = dict(
            database.execute(SQL["noted_tables"], {"schemas": schemas}).fetchall()
        )
    return all(noted.get(schema) == _note() for schema in schemas)


def _note() -> str:
    return f"Its tables were made by {fingerprint()}"
