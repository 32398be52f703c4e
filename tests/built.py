"""A data folder on which `./crm up` has nothing to make: the kept template (tests/template.py) under the product's names.

To make one from nothing takes half a minute of a core; that is tried by tests/test_end_to_end.py.
"""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg import sql

from tests.template import MASTER_KEY, Template, _serving, _with_database, copy_kept
from warehouse.postgres import DATABASE, write_private
from warehouse.settings import Settings


def built(data_dir: Path) -> Settings:
    """Fill the folder: a cluster whose warehouse is migrated and built, its URL and its master key. No server runs on it."""
    data_dir.mkdir(parents=True)
    copy_kept(data_dir)
    with _serving(data_dir) as (server_url, owner_url):
        kept = Template(server_url, owner_url=owner_url)
        with psycopg.connect(server_url, autocommit=True) as superuser:
            superuser.execute(
                sql.SQL("alter database {} rename to {}").format(
                    sql.Identifier(kept.template), sql.Identifier(DATABASE)
                )
            )
        with psycopg.connect(_with_database(server_url, DATABASE), autocommit=True) as database:
            # What notes DDL for the rewinding of a test's database.
            database.execute("drop event trigger test_command; drop event trigger test_drop")
            database.execute("drop schema test_pristine cascade")
    (data_dir / "postgres.log").unlink()
    settings = Settings(data_dir=data_dir, _env_file=None)
    write_private(settings.master_key_file, MASTER_KEY)
    return settings
