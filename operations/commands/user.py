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

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name to sign in with.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Who may sign in, and as what.", no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(list_users)
    group.command("disable")(disable)
    group.command("enable")(enable)
    group.command("sign-out")(sign_out)
    group.command("role")(role)
    group.command("limit")(limit)
    group.command("password")(password)
    group.command("forget-factor")(forget_factor)
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
    first: Annotated[
        bool,
        typer.Option(
            "--first",
            help="They choose another password before their first session; always so of one that is typed here.",
        ),
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add a user. The password comes from standard input, or is asked for on a terminal."""
    chosen = _read_password(password_stdin)
    with connect(settings_for(data_dir)) as database:
        insert(
            database,
            user_name=name,
            display_name=display_name or name,
            email=email,
            role=user_role.value,
            password=chosen,
            # What a script gives may be the person's own; what somebody types for another is known to two.
            is_first=first or not password_stdin,
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
    is_first: bool = False,
    is_demonstration: bool = False,
) -> None:
    """Write a user and the event, in the caller's transaction. The last two as `warehouse.users.add` has them.

    Raises:
        Refused: the name is taken or unusable, the address is none, or the password is not taken.
    """
    from warehouse import users

    users.add(
        database, actor(),
        user_name=user_name, display_name=display_name, email=email, role=role,
        password_hash=hashed(password, [user_name, display_name, email]),
        is_first=is_first, is_demonstration=is_demonstration,
    )  # fmt: skip


def hashed(password: str, about: list[str]) -> str:
    """The bcrypt hash that the sign-in form checks against.

    Args:
        about: what everybody knows of its person.

    Raises:
        Refused: it is too short, too long, or guessed first.
    """
    from warehouse.users import check_password

    check_password(password, about)
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
    from warehouse import users as users_of

    with connect(settings_for(data_dir)) as database:
        users = [
            {
                key: value.isoformat() if hasattr(value, "isoformat") else value
                for key, value in row.items()
            }
            for row in users_of.listed(database)
        ]
    lines = [
        f"{user['user_name']:<20} {user['role']:<16} {user['email']}"
        + ("  (disabled)" if user["disabled_at"] else "")
        + ("  (limited)" if user["only_channels"] or user["only_connections"] else "")
        for user in users
    ]
    report({"users": users}, as_json=as_json, lines=lines or ["there are no users yet"])


def disable(name: Name, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Refuse the user from now on: running sessions end at once."""
    from warehouse import users

    with connect(settings_for(data_dir)) as database:
        ended = users.disable(database, actor(), name)
    report(
        {"user_name": name, "disabled": True, "sessions_ended": ended},
        as_json=as_json,
        lines=[f"{name} is disabled; {ended} sessions ended"],
    )


def enable(name: Name, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Let a disabled user in again."""
    from warehouse import users

    with connect(settings_for(data_dir)) as database:
        users.enable(database, actor(), name)
    report(
        {"user_name": name, "disabled": False}, as_json=as_json, lines=[f"{name} may sign in again"]
    )


def sign_out(name: Name, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """End all sessions of a user; they may sign in again."""
    from warehouse import users

    with connect(settings_for(data_dir)) as database:
        ended = users.end_sessions(database, actor(), name)
    report(
        {"user_name": name, "sessions_ended": ended},
        as_json=as_json,
        lines=[f"{ended} sessions of {name} ended"],
    )


def password(
    name: Name,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Give the user another password, which they change at their next sign-in. Their sessions end at once."""
    from warehouse import users

    chosen = _read_password(password_stdin)
    with connect(settings_for(data_dir)) as database:
        made = hashed(chosen, users.about(database, name))
        ended = users.set_password(database, actor(), name, made)
    report(
        {"user_name": name, "sessions_ended": ended},
        as_json=as_json,
        lines=[f"{name} has another password, to be changed at the next sign-in; {ended} sessions ended"],
    )  # fmt: skip


def forget_factor(name: Name, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Forget the second factor of a user who has lost it and the recovery codes. They set up another one."""
    from warehouse import users

    with connect(settings_for(data_dir)) as database:
        ended = users.forget_factor(database, actor(), name)
    report(
        {"user_name": name, "sessions_ended": ended},
        as_json=as_json,
        lines=[f"{name} has no second factor any more; {ended} sessions ended"],
    )


def role(
    name: Name,
    new_role: Annotated[UserRole, typer.Argument(metavar="ROLE", help="The new role.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Give the user another role: running sessions end, the next sign-in has it."""
    from warehouse import users

    with connect(settings_for(data_dir)) as database:
        before, ended = users.set_role(database, actor(), name, new_role.value)
    report(
        {
            "user_name": name,
            "role": new_role.value,
            "role_before": before,
            "sessions_ended": ended,
        },
        as_json=as_json,
        lines=[f"{name} was {before} and is {new_role.value}; {ended} sessions ended"],
    )


def limit(
    name: Name,
    channels: Annotated[
        str, typer.Option("--channels", metavar="A,B", help="They see these channels.")
    ] = "",
    connections: Annotated[
        str, typer.Option("--connections", metavar="ID,ID", help="And these connections.")
    ] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Let a viewer or an agent see some channels and connections alone, or everything. Their sessions end at once."""
    from warehouse import users

    wanted = {
        kind: sorted({each.strip() for each in given.split(",") if each.strip()})
        for kind, given in (("channels", channels), ("connections", connections))
    }
    with connect(settings_for(data_dir)) as database:
        ended = users.set_limits(database, actor(), name, **wanted)
    seen = ", ".join([*wanted["channels"], *wanted["connections"]])
    report(
        {"user_name": name, **wanted, "sessions_ended": ended},
        as_json=as_json,
        lines=[f"{name} sees {f'only {seen}' if seen else 'everything'}; {ended} sessions ended"],
    )
