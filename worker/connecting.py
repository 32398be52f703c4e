"""What admins ask of providers on pages, answered (warehouse/connection_requests.py).

In a child process and bounded in time: neither a page nor another connection waits for a provider that does not answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from providers import own_address
from providers.failures import ProviderFailed
from providers.registration import of_others, provider_of
from warehouse import connections
from warehouse.channels import registry
from warehouse.connection_requests import SQL
from warehouse.connections import Connection, UnusableConnection
from warehouse.queries import queries
from warehouse.sealing import NotOpened, unseal
from warehouse.settings import Role, Settings

JOBS = queries("jobs")
PIPELINES = queries("pipelines")
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What was found, and what the queue is to do next."""

    answer: Row = field(default_factory=dict)
    secrets: bytes | None = None
    signing: bytes | None = None
    #: The connection to be pulled now, whether its watch begins, and from when on.
    pulls: str | None = None
    watches: bool = False
    since: str | None = None
    #: Whether a message is waited for from now on.
    is_waited_for: bool = False
    #: The job that is done again, and its arguments.
    repeats: tuple[str, Row] | None = None
    repeated_id: int | None = None


def answer(settings: Settings, request_id: str) -> Answered | None:
    """Do what is asked and write the answer down; None where it was answered already, or in vain."""
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as database:
        with database.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(SQL["one_to_answer"], {"request_id": request_id}).fetchone()
        if row is None:
            return None
        try:
            found = ASKED[row["kind"]](database, settings, row)
        except (ProviderFailed, UnusableConnection, NotOpened) as failure:
            refuse(database, request_id, str(failure))
            return None
        _write(database, request_id, found)
        return found


def refuse(database: psycopg.Connection[Any], request_id: str, problem: str) -> None:
    """Answer that it was not done, and why."""
    _write(database, request_id, Answered(), problem)


def _write(
    database: psycopg.Connection[Any], request_id: str, found: Answered, problem: str | None = None
) -> None:
    database.execute(
        SQL["answer"],
        {
            "request_id": request_id,
            "problem": problem[:2000] if problem else None,
            "answer": Jsonb(found.answer),
            "secrets": found.secrets,
            "signing": found.signing,
        },
    )


# -- what can be asked ---------------------------------------------------------------------------


def _check(database: psycopg.Connection[Any], settings: Settings, row: Row) -> Answered:
    """Ask the provider with keys that are not stored yet."""
    pasted = unseal(settings, bytes(row["pasted"]), bound_to=row["request_id"])
    values = {**row["settings"], **pasted}
    of: Row = {}
    if row["connection_id"] is None:
        connection = connections.draft(
            settings, row["channel"], "", {key: value for key, value in values.items() if value}
        )
    else:
        before = _stored(database, settings, row)
        connection = connections.changed(
            settings, before, values, drop_old=bool(row["options"].get("drop_old"))
        )
        of = {
            "made_of": _hash_of_secrets(database, row["connection_id"]),
            "changed": sorted(
                key
                for key in {**before.settings, **values}
                if connection.value(key) != before.value(key)
            ),
        }
    said = provider_of(connection).check(connection)
    sealed = connections.sealed(settings, connection.channel, connection.secrets)
    return Answered(
        answer={
            **of,
            "sentence": said,
            "connection_id": connection.connection_id,
            "settings": connection.settings,
            **_address(settings, connection),
            **_registered(settings, connection),
        },
        secrets=sealed["secrets"],
        signing=sealed["signing"],
    )


def _register(database: psycopg.Connection[Any], settings: Settings, row: Row) -> Answered:
    """Register our webhook, and have the history pulled."""
    connection = _stored(database, settings, row)
    url = _url(settings, connection)
    provider = provider_of(connection)
    before = provider.present(connection)
    after = provider.configure(connection, url, take_over=bool(row["options"].get("take_over")))
    return Answered(
        answer={"before": before, "after": after, **_address(settings, connection)},
        pulls=_pulled(connection),
        watches=bool(connection.value("pubsub_topic")),
        is_waited_for=True,
    )


def _show(database: psycopg.Connection[Any], settings: Settings, row: Row) -> Answered:
    """What is registered now, and what is entered by hand."""
    connection = _stored(database, settings, row)
    said = provider_of(connection).check(connection)
    return Answered(
        answer={
            "sentence": said,
            **_address(settings, connection),
            **_registered(settings, connection),
        }
    )


def _pull(database: psycopg.Connection[Any], settings: Settings, row: Row) -> Answered:
    connection = _stored(database, settings, row)
    if _pulled(connection) is None:
        note = registry()[connection.channel].history_note
        raise UnusableConnection(f"{connection.channel} cannot be pulled: {note}")
    return Answered(pulls=connection.connection_id, since=row["options"].get("since"))


def _history(database: psycopg.Connection[Any], settings: Settings, row: Row) -> Answered:
    """Ask for the chats of a number that was in use before, where the provider has such a thing."""
    connection = _stored(database, settings, row)
    asked = getattr(provider_of(connection), "request_history", None)
    if asked is None:
        raise UnusableConnection("its history is pulled; there is nothing to ask for")
    return Answered(answer={"asked": asked(connection)})


def _repeat(database: psycopg.Connection[Any], settings: Settings, row: Row) -> Answered:
    """Have a failed job done again, which is none any more then."""
    named = {"job_id": row["options"].get("job_id")}
    with database.cursor(row_factory=dict_row) as cursor:
        job = cursor.execute(JOBS["failed_one"], named).fetchone()
        if job is None:
            raise UnusableConnection("this job has not failed, or is forgotten")
    return Answered(repeats=(str(job["task_name"]), dict(job["args"])), repeated_id=named["job_id"])


def _reread(database: psycopg.Connection[Any], settings: Settings, row: Row) -> Answered:
    """Have rows of a history folded again: nothing of them changes but that they are new to the next fold."""
    place, row_ids = str(row["options"].get("place")), list(row["options"].get("row_ids") or [])
    schema, _, table = place.partition(".")
    if schema not in {channel.history_schema for channel in registry().values() if channel.pulls}:
        raise UnusableConnection(f"{place} is no table of a history")
    statement = sql.SQL(
        "update {} set transaction_id = pg_current_xact_id() where _dlt_id = any(%s)"
    ).format(sql.Identifier(schema, table))
    changed = database.execute(statement, [row_ids]).rowcount
    database.execute(PIPELINES["ask_for_refresh"], {"channel": schema.removeprefix("raw_")})
    return Answered(answer={"rows": changed})


ASKED: dict[str, Callable[[psycopg.Connection[Any], Settings, Row], Answered]] = {
    "check": _check,
    "register": _register,
    "show": _show,
    "pull": _pull,
    "history": _history,
    "repeat": _repeat,
    "reread": _reread,
}


# -- pieces --------------------------------------------------------------------------------------


def _stored(database: psycopg.Connection[Any], settings: Settings, row: Row) -> Connection:
    found = connections.find(database, settings, row["connection_id"])
    if found is None:
        raise UnusableConnection("this connection is not there any more")
    return found


def _hash_of_secrets(database: psycopg.Connection[Any], connection_id: str) -> str:
    """What is stored now: whoever saves sees by it whether that is still so."""
    with database.cursor(row_factory=dict_row) as cursor:
        named = {"connection_id": connection_id}
        row = cursor.execute(connections.SQL["one_connection"], named).fetchone()
    return hashlib.sha256(bytes(row["secrets"])).hexdigest() if row else ""


def _url(settings: Settings, connection: Connection) -> str:
    """Our webhook of this connection.

    Raises:
        UnusableConnection: nobody says under which address providers reach us.
    """
    if not settings.public_url:
        raise UnusableConnection(own_address.problems("")[0])
    return settings.public_url.rstrip("/") + connections.webhook_path(connection)


def _address(settings: Settings, connection: Connection) -> Row:
    """What is copied into a dashboard where that is done by hand."""
    return {
        "webhook_url": _url(settings, connection),
        "verify_token": connection.required("verify_token"),
    }


def _registered(settings: Settings, connection: Connection) -> Row:
    """What is registered at the provider, whose address would be replaced, and what is wrong with ours."""
    url, provider = _url(settings, connection), provider_of(connection)
    played_here = bool(settings.provider_addresses)
    return {
        "registered": provider.present(connection),
        "others": of_others(connection, url, provider.called_now(connection)),
        "advice": provider.advice(connection, url),
        "address_problems": own_address.problems(
            settings.public_url or "", played_here=played_here
        ),
    }


def _pulled(connection: Connection) -> str | None:
    known = registry()[connection.channel]
    return connection.connection_id if known.pulls and connection.disabled_at is None else None
