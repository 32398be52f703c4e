"""`./crm database-url`: a URL that psql and psycopg accept."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from operations.invocation import AsJson, DataDir, report, settings_for


class As(StrEnum):
    """Who may be asked for; the programs' other roles are their own affair."""

    ADMIN = "admin"
    ANALYST = "analyst"
    APP = "app"


def register(app: typer.Typer) -> None:
    app.command("database-url")(database_url)


def database_url(
    role: Annotated[As, typer.Option("--role", help="Sign in as this database role.")] = As.ADMIN,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Print a database URL. It holds a password: mind where it goes."""
    from warehouse.settings import Role

    roles = {As.ADMIN: Role.ADMIN, As.ANALYST: Role.ANALYST, As.APP: Role.APP}
    settings = settings_for(data_dir)
    url = settings.url_for(roles[role])
    # What analysts ask of the embedded server is recorded from its log (worker/analysts.py); a replica's is not read.
    if role is As.ANALYST and settings.database_url is not None:
        url = settings.read_url_for(Role.ANALYST) or url
    report({"role": role.value, "url": url}, as_json=as_json, lines=[url])
