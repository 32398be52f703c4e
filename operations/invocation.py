"""What every command shares: where the data folder is, the settings, how a result is reported.

Exit status: 0 done, 1 it found what it was asked to look for, 2 unusable arguments
or settings. `Found` and `Refused` (warehouse/refusals.py) carry the one line that says so.
"""

from __future__ import annotations

import getpass
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from warehouse.refusals import Refused

if TYPE_CHECKING:
    import psycopg

    from warehouse.events import Actor
    from warehouse.settings import Role, Settings

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT_FILE = ROOT / ".env"
DEFAULT_DATA_DIR = ROOT / "data"

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", help="Data folder [default: CRM_DATA_DIR, else ./data of the project]."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


class Found(Exception):
    """The command found what it was asked to look for, such as a refused credential: exit status 1."""


def data_folder(given: Path | None = None) -> Path:
    """The data folder: the option, else the environment, else `.env`, else `data` of the project.

    A relative path is relative to the caller's folder, in `.env` to the project. The answer goes
    into the environment too, so that everything called from here sees the same one.
    """
    if given is not None:
        chosen = Path.cwd() / given.expanduser()
    elif os.environ.get("CRM_DATA_DIR"):
        chosen = Path.cwd() / Path(os.environ["CRM_DATA_DIR"]).expanduser()
    else:
        from dotenv import dotenv_values

        written = dotenv_values(ENVIRONMENT_FILE).get("CRM_DATA_DIR")
        chosen = ROOT / Path(written).expanduser() if written else DEFAULT_DATA_DIR
    folder = chosen.resolve()
    os.environ["CRM_DATA_DIR"] = str(folder)
    return folder


def settings_for(data_dir: Path | None = None) -> Settings:
    """The settings of this command. `.env` is the project's, wherever the caller stands.

    `CRM_PUBLIC_URL` defaults to the address of the receiver that ran last on the data folder.
    """
    folder = data_folder(data_dir)
    from warehouse.run_record import recorded
    from warehouse.settings import Settings

    settings = Settings(_env_file=ENVIRONMENT_FILE)  # type: ignore[call-arg]
    if not settings.public_url:
        settings.public_url = recorded(folder).get("facts", {}).get("receiver_url")
    return settings


def public_url(settings: Settings) -> str:
    """What providers call, without a slash at its end.

    Raises:
        Refused: it is not set, and no receiver ever ran on this data folder.
    """
    if not settings.public_url:
        raise Refused(
            "CRM_PUBLIC_URL is not set and no receiver ran on this data folder: set it to the address "
            "that providers call, for example https://crm.example.com"
        )
    return settings.public_url.rstrip("/")


def connect(settings: Settings, role: Role | None = None) -> psycopg.Connection[Any]:
    """A connection to the warehouse as this role (`crm_app` unless told), one transaction per use.

    Raises:
        Refused: the warehouse does not answer, or was never migrated.
    """
    import psycopg

    from warehouse.settings import Role

    signed_in = role or Role.APP
    try:
        return psycopg.connect(settings.url_for(signed_in), connect_timeout=10)
    except psycopg.OperationalError as error:
        raise Refused(
            f"the warehouse does not let {signed_in.value} in: start it with ./crm up, or mend "
            f"CRM_DATABASE_URL or CRM_MASTER_KEY ({_first_line(error)})"
        ) from error


def actor() -> Actor:
    """Who acts, for `crm.events`: `cli:<login name>`, who may do everything."""
    from warehouse.events import Actor

    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        name = str(os.getuid())
    return Actor(name=f"cli:{name}", role="admin")


def report(document: Any, *, as_json: bool, lines: list[str]) -> None:
    """Standard output: the document as JSON, or the same told in lines."""
    if as_json:
        print(json.dumps(document, ensure_ascii=False, default=str))
    else:
        for line in lines:
            print(line)
    sys.stdout.flush()


def say(sentence: str) -> None:
    """A line about progress, on standard error."""
    print(sentence, file=sys.stderr, flush=True)


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
