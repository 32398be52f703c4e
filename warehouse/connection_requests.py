"""What an admin asks of a provider on a page: asked by the app, answered by the worker, saved by the app.

    app ── ask: keys, sealed secrets ──> crm.connection_requests ── crm_asked ──> worker ──> provider
    app <── crm_health ── answer, and both columns as they are to be stored ────────┘
    app ── save: the row of crm.connections, with the event

The app has no key that opens a secret (`warehouse/sealing.py`), and the worker may not write a connection. Whoever
asked is told by the page's news, so nobody waits in a run of a page.
"""

from __future__ import annotations

import secrets as random_secrets
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from warehouse.channels import registry
from warehouse.connections import parted
from warehouse.events import Actor, record
from warehouse.guides import guide
from warehouse.queries import queries
from warehouse.refusals import Refused
from warehouse.sealing import seal
from warehouse.settings import Settings

SQL = queries("connection_requests")
LONGEST_NAME = 80
#: The action of the event, by what is asked.
ACTIONS = {
    "check": "connection.check",
    "register": "connection.configure_webhook",
    "show": "connection.show_webhook",
    "pull": "connection.backfill",
    "history": "connection.request_history",
    "repeat": "job.repeat",
    "reread": "delivery.replay",
}
Row = dict[str, Any]


def check_name(name: str) -> str:
    """What people call an account.

    Raises:
        Refused: it is empty or too long.
    """
    name = " ".join(name.split())
    if not name:
        raise Refused("say what people call this account")
    if len(name) > LONGEST_NAME:
        raise Refused(f"the name is too long: {LONGEST_NAME} characters at most")
    return name


def ask_check(
    database: psycopg.Connection[Any],
    settings: Settings,
    actor: Actor,
    channel: str,
    values: dict[str, str],
    *,
    connection_id: str | None = None,
    drop_old: bool = False,
) -> str:
    """Have the provider asked with these keys; returns the request's id.

    Args:
        connection_id: the connection that these values are to change; without one it is a new one.

    Raises:
        Refused: a value does not look like what belongs there, or one is missing.
    """
    known = registry().get(channel)
    if known is None:
        raise Refused(f"there is no channel {channel}")
    told = guide(channel)
    problems = (
        told.problems(values)
        if connection_id is None
        else {key: said for key, value in values.items() if (said := told.problem(key, value))}
    )
    for field in told.fields:
        value = values.get(field.key, "")
        if field.is_elsewhere and value and not _is_allowed(settings, value):
            problems[field.key] = "CRM_PROVIDER_ADDRESSES does not name this address"
    if problems:
        named = (f"{_label(channel, key)}: {said}" for key, said in problems.items())
        raise Refused("; ".join(named))
    plain, secret = parted(known, values)
    request_id = random_secrets.token_hex(12)
    return _ask(
        database, actor, "check", channel,
        request_id=request_id, connection_id=connection_id, settings=plain,
        options={"drop_old": drop_old}, pasted=seal(settings, secret, bound_to=request_id),
        detail={"keys": sorted(key for key, value in values.items() if value)},
    )  # fmt: skip


def ask(
    database: psycopg.Connection[Any], actor: Actor, kind: str, connection_id: str, **options: Any
) -> str:
    """Have something done with a connection at its provider; returns the request's id.

    Raises:
        Refused: there is no such connection.
    """
    with database.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(SQL["channel_of"], {"connection_id": connection_id}).fetchone()
    if row is None:
        raise Refused("this connection is not there any more")
    channel = row["channel"]
    return _ask(
        database, actor, kind, channel,
        connection_id=connection_id, options=options, detail=options,
    )  # fmt: skip


def ask_again(database: psycopg.Connection[Any], actor: Actor, job_id: int) -> str:
    """Have a failed job of the worker done again; returns the request's id."""
    return _ask(
        database, actor, "repeat", "",
        connection_id=None, options={"job_id": job_id}, detail={"job_id": job_id},
    )  # fmt: skip


def ask_reread(
    database: psycopg.Connection[Any], actor: Actor, place: str, row_ids: list[str]
) -> str:
    """Have rows of a history folded again; returns the request's id.

    Args:
        place: their table, as references name it.
        row_ids: by dlt's own ids.
    """
    return _ask(
        database, actor, "reread", "",
        connection_id=None, options={"place": place, "row_ids": row_ids},
        detail={"place": place, "rows": len(row_ids)},
    )  # fmt: skip


def _ask(
    database: psycopg.Connection[Any],
    actor: Actor,
    kind: str,
    channel: str,
    *,
    connection_id: str | None,
    options: dict[str, Any],
    detail: dict[str, Any],
    request_id: str = "",
    settings: dict[str, str] | None = None,
    pasted: bytes | None = None,
) -> str:
    request_id = request_id or random_secrets.token_hex(12)
    database.execute(
        SQL["ask"],
        {
            "request_id": request_id,
            "kind": kind,
            "channel": channel,
            "connection_id": connection_id,
            "asked_by": actor.name,
            "settings": Jsonb(settings or {}),
            "options": Jsonb(options),
            "pasted": pasted,
        },
    )
    told = {"channel": channel, "request_id": request_id, **detail}
    subject = connection_id or request_id
    record(database, actor.event(ACTIONS[kind], "connection", subject, detail=told))
    return request_id


def save_new(database: psycopg.Connection[Any], actor: Actor, request_id: str, name: str) -> str:
    """Make the connection that was checked; returns its id.

    Raises:
        Refused: the check is another's, failed, was saved already, or is too old.
    """
    name = check_name(name)
    with database.cursor(row_factory=dict_row) as cursor:
        named = {"request_id": request_id, "asked_by": actor.name, "name": name}
        made = cursor.execute(SQL["save_new"], named).fetchone()
        if made is None:
            raise Refused("there is nothing to save: check the keys again")
        cursor.execute(SQL["used"], named)
    connection_id = str(made["connection_id"])
    detail = {"channel": made["channel"], "name": name, "keys": sorted(made["settings"])}
    record(database, actor.event("connection.add", "connection", connection_id, detail=detail))
    return connection_id


def save_changed(database: psycopg.Connection[Any], actor: Actor, request_id: str) -> str:
    """Give a connection the keys that were checked; returns its id.

    Raises:
        Refused: as `save_new`, or the connection has other secrets by now.
    """
    with database.cursor(row_factory=dict_row) as cursor:
        named = {"request_id": request_id, "asked_by": actor.name}
        made = cursor.execute(SQL["save_changed"], named).fetchone()
        if made is None:
            raise Refused("there is nothing to save, or the keys are others by now: check again")
        cursor.execute(SQL["used"], named)
    connection_id, channel = str(made["connection_id"]), made["channel"]
    keys = list(made["changed"] or [])
    rotates = bool(set(keys) & set(registry()[channel].secret_keys))
    action = "connection.rotate" if rotates else "connection.change"
    detail = {"channel": channel, "keys": keys}
    record(database, actor.event(action, "connection", connection_id, detail=detail))
    return connection_id


def _label(channel: str, key: str) -> str:
    field = guide(channel).field(key)
    return field.label if field else key


def _is_allowed(settings: Settings, value: str) -> bool:
    """Whether a provider may be at this address: one that the installation names, or a path or a host of it."""
    return all(
        any(
            part == known or part.startswith(f"{known}/") or known.endswith(f"//{part}")
            for known in settings.provider_addresses
        )
        for part in (each.strip() for each in value.split(","))
    )
