"""`./crm up --only …`: a part of the programs on this host, the others elsewhere; what all hosts have in common.

    host 1   receiver, fold ──┐
    host 2   receiver, app  ──┼──> one database, one master key, one media store
    host 3   worker, fold   ──┘

Programs meet in the database alone, so nothing else has to be told of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

from operations.runtime.programs import PARTS
from warehouse.refusals import Refused

if TYPE_CHECKING:
    from warehouse.settings import Settings

#: Who stores files or opens them.
WITH_MEDIA = {"worker", "app"}


def parts_of(only: str | None, settings: Settings) -> list[str] | None:
    """The parts that are named, in the order of PARTS; None where nobody named any.

    Raises:
        Refused: a name is unknown, or what all hosts must share is not said.
    """
    if only is None:
        return None
    named = [name for each in only.split(",") if (name := each.strip())]
    known = f"give some of {', '.join(PARTS)}, with commas"
    unknown = [name for name in named if name not in PARTS]
    if unknown:
        raise Refused(f"--only: there is no program {unknown[0]!r}: {known}")
    if not named:
        raise Refused(f"--only names no program: {known}")
    if "postgres" in named:
        if settings.database_url is not None:
            raise Refused(
                "--only: CRM_DATABASE_URL names the database, so none is started here: leave postgres out"
            )
    elif settings.database_url is None:
        raise Refused(
            "--only leaves the database out: set CRM_DATABASE_URL to the one that all hosts share, or name postgres too"
        )
    else:
        _check_what_is_shared(named, settings)
    return [name for name in PARTS if name in named]


def _check_what_is_shared(named: list[str], settings: Settings) -> None:
    if settings.master_key is None and not settings.master_key_file.exists():
        raise Refused(
            "--only: every host needs the same master key, and a new one would shut the others out: set CRM_MASTER_KEY"
        )
    if WITH_MEDIA & set(named) and settings.media_url is None:
        raise Refused(
            "--only: a file that one host fetches is opened on another: set CRM_MEDIA_URL to a store that all hosts "
            "reach, s3://… or file:///… on a disk that they share"
        )


def check_master_key(settings: Settings) -> None:
    """Whether the other hosts have our master key: the passwords of the roles are derived from it, and this host would
    set them anew at its start.

    Raises:
        Refused: they have another one.
    """
    import psycopg

    from warehouse.settings import Role

    with psycopg.connect(settings.admin_url, connect_timeout=10) as owner:
        known = owner.execute("select 1 from pg_roles where rolname = %s", [Role.APP]).fetchone()
    if not known:
        return
    parts = urlsplit(settings.admin_url)
    place = parts.netloc.rpartition("@")[2]
    # While it is rotated the others may still have the former one.
    for key in settings.derived(f"database role {Role.APP.value}"):
        signed_in = f"{Role.APP.value}:{quote(key.hex(), safe='')}@{place}"
        try:
            psycopg.connect(
                urlunsplit(parts._replace(netloc=signed_in)), connect_timeout=10
            ).close()
        except psycopg.errors.InvalidPassword:
            continue
        except psycopg.OperationalError as error:
            # Over the wire this failure carries no code of its own.
            if "password authentication failed" in str(error):
                continue
        return
    raise Refused(
        "--only: CRM_MASTER_KEY is not the one that this warehouse was made with: give every host the same"
    )
