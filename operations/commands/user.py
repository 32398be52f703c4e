"""`./crm user`: who may sign in, and as what."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.access.roles import UserRole
from operations.invocation import AsJson, DataDir, actor, connect, report, settings_for
from warehouse.refusals import Refused

if TYPE_CHECKING:
    import psycopg

SHORTEST_PASSWORD = 12
#: More is no password any more, and would only be work for whoever checks it.
LONGEST_PASSWORD = 1_000


Name = Annotated[str, typer.Argument(metavar="NAME", help="The name to sign in with.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Who may sign in, and as what.", no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(list_users)
    group.command("disable")(disable)
    group.command("role")(role)
    app.add_typer(group, name="user")


def add(
    name: Name,
    email: Annotated[str, typer.Option("--email", help="Mail address.")],
    user_role: Annotated[UserRole, typer.Option("--role", help="What the user may do.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    display_name: Annotated[
        str | None, typer.Option("--display-name", help="Shown on pages [default: NAME].")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add a user. The password comes from standard input, or is asked for on a terminal."""
    password = _read_password(password_stdin)
    with connect(settings_for(data_dir)) as database:
        insert(
            database,
            user_name=name,
            display_name=display_name or name,
            email=email,
            role=user_role.value,
            password=password,
        )
    report(
        {"user_name": name, "email": email, "role": user_role.value},
        as_json=as_json,
        lines=[f"{name} may sign in as {user_role.value}"],
    )


def insert(
    database: psycopg.Connection[Any],
    *,
    user_name: str,
    display_name: str,
    email: str,
    role: str,
    password: str,
) -> None:
    """Write a user and the event, in the caller's transaction.

    Raises:
        Refused: the name is taken or unusable, the address is none, or the password is too short
        or long.
    """
    from warehouse import identities
    from warehouse.events import record
    from warehouse.queries import queries

    # streamlit-authenticator looks names up in lower case.
    if not user_name.strip() or user_name != user_name.strip().lower() or ":" in user_name:
        raise Refused("NAME is unusable: give it in lower case, without a colon or outer spaces")
    try:
        (address,) = identities.normal(database, [identities.email(email)])
    except identities.UnusableIdentity as error:
        raise Refused(f"--email: {error}") from error
    added = database.execute(
        queries("operations")["add_user"],
        {
            "user_name": user_name,
            "display_name": display_name,
            "email": address.value,
            "role": role,
            "password_hash": hashed(password),
        },
    )
    if added.rowcount == 0:
        raise Refused(f"there is a user {user_name} already: choose another NAME")
    event = actor().event("user.add", "user", user_name, detail={"role": role})
    record(database, event)


def hashed(password: str) -> str:
    """The bcrypt hash that the sign-in form checks against.

    Raises:
        Refused: shorter than 12 or longer than 1,000 characters.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise Refused(f"the password is too short: give at least {SHORTEST_PASSWORD} characters")
    if len(password) > LONGEST_PASSWORD:
        raise Refused(f"the password is too long: give at most {LONGEST_PASSWORD} characters")
    # Importing it outside of a running page makes Streamlit warn about that, at some length.
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        from app.access.passwords import hash_password

        return hash_password(password)
    finally:
        logging.disable(disabled)


def _read_password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise Refused("no password: give --password-stdin and the password on standard input")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def list_users(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List users, disabled ones too."""
    from psycopg.rows import dict_row

    from warehouse.queries import queries

    with connect(settings_for(data_dir)) as database:
        rows = database.cursor(row_factory=dict_row).execute(queries("operations")["list_users"])
        users = [
            {
                key: value.isoformat() if hasattr(value, "isoformat") else value
                for key, value in row.items()
            }
            for row in rows
        ]
    lines = [
        f"{user['user_name']:<20} {user['role']:<16} {user['email']}"
        + ("  (disabled)" if user["disabled_at"] else "")
        for user in users
    ]
    report({"users": users}, as_json=as_json, lines=lines or ["there are no users yet"])


def disable(name: Name, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Refuse the user from now on: running sessions end at once."""
    from warehouse.events import record
    from warehouse.queries import queries

    sql = queries("operations")
    with connect(settings_for(data_dir)) as database:
        if not database.execute(sql["disable_user"], {"user_name": name}).fetchone():
            raise Refused(f"there is no user {name}: see ./crm user list")
        ended = end_sessions(database, name)
        event = actor().event("user.disable", "user", name, detail={"sessions_ended": ended})
        record(database, event)
    report(
        {"user_name": name, "disabled": True, "sessions_ended": ended},
        as_json=as_json,
        lines=[f"{name} is disabled; {ended} sessions ended"],
    )


def role(
    name: Name,
    new_role: Annotated[UserRole, typer.Argument(metavar="ROLE", help="The new role.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Give the user another role: running sessions end, the next sign-in has it."""
    from warehouse.events import record
    from warehouse.queries import queries

    with connect(settings_for(data_dir)) as database:
        row = database.execute(
            queries("operations")["set_user_role"], {"user_name": name, "role": new_role.value}
        ).fetchone()
        if row is None:
            raise Refused(f"there is no user {name}: see ./crm user list")
        ended = end_sessions(database, name) if row[0] != new_role.value else 0
        event = actor().event(
            "user.role",
            "user",
            name,
            detail={"from": row[0], "to": new_role.value, "sessions_ended": ended},
        )
        record(database, event)
    report(
        {"user_name": name, "role": new_role.value, "role_before": row[0], "sessions_ended": ended},
        as_json=as_json,
        lines=[f"{name} was {row[0]} and is {new_role.value}; {ended} sessions ended"],
    )


def end_sessions(database: psycopg.Connection[Any], user_name: str) -> int:
    """Revoke the user's sessions and the sign-ins under way; how many sessions ended."""
    from warehouse.queries import queries

    sql = queries("operations")
    database.execute(sql["forget_session_starts"], {"user_name": user_name})
    return database.execute(sql["revoke_sessions"], {"user_name": user_name}).rowcount
