"""What the demonstration fills in: connections, webhooks, customers, users, histories, live messages.

Everything is looked for before it is made, so a second start finds it and keeps it.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg.rows import dict_row

from app.access.roles import UserRole
from operations.commands import connection_store, user
from operations.invocation import ROOT, Found, actor, connect, public_url, say
from providers.registration import provider_of
from warehouse import connections, customer_import, decisions
from warehouse.channels import registry
from warehouse.connections import Connection
from warehouse.customer_file import Line
from warehouse.queries import queries
from warehouse.settings import Settings

SQL = queries("operations")
USERS = queries("users")
LIVE_PER_MINUTE = 12
REFRESHED_WITHIN_SECONDS = 180.0
SIMULATOR_TIMEOUT_SECONDS = 30.0
#: The key of a connection that scopes its customers' ids, and what such an id is called.
SCOPES = {"page_id": "psid", "account_id": "igsid"}


def fill(settings: Settings, simulator_url: str) -> list[str]:
    """Connect the simulated providers, import who is known, have the histories, start live messages.

    Returns the connections that must show messages now; at a second start there are none.

    Raises:
        Found: a history could not be pulled.
    """
    accounts = _ask(simulator_url, "accounts")
    with connect(settings) as database:
        made = [
            _connected(database, settings, channel, keys)
            for channel, keys in accounts.items()
            if channel in registry()
        ]
        never_pulled = _never_pulled(database, made)
    for each in made:
        _point_to_us(settings, simulator_url, each)
    say(f"connected: {', '.join(each.name for each in made)}")
    # Pulling takes longest and waits for the network most, so the rest happens beside it.
    pulls = [_start_pull(settings, each) for each in never_pulled]
    # What only a listener knows: edits, reactions, what was unsent, and all of WhatsApp.
    _ask(simulator_url, "rehearse", {})
    with connect(settings) as database:
        database.autocommit = True
        people = _ask(simulator_url, "people")
        imported = customer_import.carry_out(database, actor(), _lines(people), source="demo")
        say(f"customers: {len(imported.customers)} made, {len(imported.matched)} known before")
        _link_heroes(database, people, made)
        _ensure_users(database, settings.data_dir)
    for pull in pulls:
        if pull.wait() != 0:
            raise Found("a history could not be pulled: see above")
    _ask(simulator_url, "live", {"per_minute": LIVE_PER_MINUTE})
    return [each.connection_id for each in made] if pulls else []


def wait_for_history(settings: Settings, connection_ids: list[str]) -> None:
    """Have the models take in what was just pulled, and see that it is there.

    Raises:
        Found: the models cannot be refreshed, or a connection shows nothing.
    """
    from transform.models import ModelsFailed
    from transform.resident import take_in

    if not connection_ids:
        return
    say("taking the histories into the timelines")
    try:
        take_in(settings, timeout_seconds=REFRESHED_WITHIN_SECONDS)
    except ModelsFailed as failed:
        raise Found(f"the models could not be refreshed: {failed}") from failed
    with connect(settings) as database:
        counted = dict(
            database.execute(
                SQL["count_messages_by_connection"], {"connection_ids": connection_ids}
            ).fetchall()
        )
    empty = [each for each in connection_ids if not counted.get(each)]
    if empty:
        raise Found(f"no messages arrived on the timeline from connection {', '.join(empty)}")
    say(f"on the timelines: {sum(counted.values())} messages")


def kept_users(data_dir: Path) -> list[dict[str, str]]:
    """The sign-ins made at the first start: `[{"role", "user_name", "password"}]`."""
    try:
        kept: list[dict[str, str]] = json.loads((data_dir / "demo-users.json").read_text())
    except FileNotFoundError:
        return []
    return kept


# -- steps ---------------------------------------------------------------------------------------


def _connected(
    database: psycopg.Connection[Any], settings: Settings, channel: str, keys: dict[str, str]
) -> Connection:
    """The demonstration's connection of this channel, with the present addresses of the simulator."""
    name = f"{registry()[channel].name} (demo)"
    values = dict(keys)
    if "push_audience" in values:
        values["push_audience"] = public_url(settings)
    for known in connections.every(database, settings):
        if (known.channel, known.name) != (channel, name):
            continue
        kept = {**known.settings, **known.secrets, **values}
        if kept != {**known.settings, **known.secrets}:
            connections.replace(
                database, settings, connections.changed(settings, known, values, drop_old=True)
            )
            connection_store.record_event(
                database, "connection.change", known, {"keys": sorted(values)}
            )
        return connection_store.existing(database, settings, known.connection_id)
    made = connection_store.insert(database, settings, channel, name, values, public_url(settings))
    return connection_store.existing(database, settings, made["connection_id"])


def _never_pulled(database: psycopg.Connection[Any], made: list[Connection]) -> list[str]:
    rows = database.cursor(row_factory=dict_row).execute(SQL["list_connections"]).fetchall()
    pulled = {
        row["connection_id"] for row in rows if row["job"] == "pull" and row["last_succeeded_at"]
    }
    return [
        each.connection_id
        for each in made
        if registry()[each.channel].pulls and each.connection_id not in pulled
    ]


def _point_to_us(settings: Settings, simulator_url: str, connection: Connection) -> None:
    """Register the webhook, as `connection configure-webhook` does, and the admin's share of it."""
    url = public_url(settings) + connections.webhook_path(connection)
    audience = connection.value("push_audience")
    if audience:
        # In Google Cloud the admin makes this subscription; its provider has no call for it in
        # Gmail's API.
        _ask(simulator_url, "subscriptions", {"endpoint": url, "audience": audience})
    provider = provider_of(connection)
    provider.configure(connection, url)
    if not registry()[connection.channel].pulls and hasattr(provider, "request_history"):
        # Asked for once and sent by webhook; a later start is refused, and has it already.
        provider.request_history(connection)


def _start_pull(settings: Settings, connection_id: str) -> subprocess.Popen[bytes]:
    """`./crm backfill` of this connection as a process of its own: they use every core."""
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "operations",
            "backfill",
            connection_id,
            "--data-dir",
            str(settings.data_dir),
            "--json",
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def _lines(people: list[dict[str, Any]]) -> list[Line]:
    known = [person for person in people if person["known"]]
    return [
        Line(
            number=number,
            cells={key: str(person.get(key) or "") for key in ("name", "phone", "email")},
        )
        for number, person in enumerate(known, start=1)
    ]


def _link_heroes(
    database: psycopg.Connection[Any], people: list[dict[str, Any]], made: list[Connection]
) -> None:
    """What a customer list cannot say and staff decide by hand: whose page-scoped ids these are."""
    scoped = [
        (scheme, each.required(key))
        for each in made
        for key, scheme in SCOPES.items()
        if key in registry()[each.channel].required_keys
    ]
    for person in people:
        if not person["hero"]:
            continue
        known = f"phone:{person['phone']}"
        theirs = [f"{scheme}:{scope}:{person[scheme]}" for scheme, scope in scoped]
        owners = decisions.owners(database, [known, *theirs])
        for identity in theirs:
            if identity not in owners:
                decisions.link(
                    database, actor(), identity, owners[known].customer_id,
                    reason="told us in the shop that this account is hers",
                )  # fmt: skip


def _ensure_users(database: psycopg.Connection[Any], data_dir: Path) -> None:
    """One user per role. Passwords are kept in a file that only its owner can read."""
    passwords = {each["user_name"]: each["password"] for each in kept_users(data_dir)}
    there = {row[0] for row in database.execute(USERS["list_users"]).fetchall()}
    users = []
    for role in UserRole:
        name = role.value
        password = passwords.get(name) or secrets.token_urlsafe(12)
        users.append({"role": role.value, "user_name": name, "password": password})
        if name not in there:
            with database.transaction():
                user.insert(
                    database,
                    user_name=name,
                    display_name=f"Demo {name.replace('_', ' ')}",
                    email=f"{name}@example.com",
                    role=role.value,
                    password=password,
                    is_demonstration=True,
                )
        elif name not in passwords:
            # The file is gone, the database is not: nobody knows the old password any more.
            database.execute(
                USERS["set_password"],
                {
                    "user_name": name,
                    "password_hash": user.hashed(password, [name]),
                    "password_is_first": False,
                },
            )
    # Those of a former version, too.
    database.execute(USERS["waive_factor"], {"user_names": [role.value for role in UserRole]})
    descriptor = os.open(data_dir / "demo-users.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(users, file, indent=1)


def _ask(simulator_url: str, what: str, body: dict[str, Any] | None = None) -> Any:
    """GET, or POST where there is a body, `/simulator/<what>`."""
    answer = httpx.request(
        "GET" if body is None else "POST",
        f"{simulator_url}/simulator/{what}",
        json=body,
        timeout=SIMULATOR_TIMEOUT_SECONDS,
    )
    answer.raise_for_status()
    return answer.json()
