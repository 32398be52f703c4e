"""Who may sign in, and as what: the same for the page and for the command line, each change with its event."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg.rows import dict_row

from warehouse import identities, password_rules
from warehouse.channels import registry
from warehouse.events import Actor, record
from warehouse.queries import queries
from warehouse.refusals import Refused

SQL = queries("users")
Row = dict[str, Any]
#: Roles that may be limited to channels and connections. The others look after all of it, or answer for it.
LIMITABLE = ("viewer", "agent")


def check_password(password: str, about: Iterable[str] = ()) -> None:
    """
    Args:
        about: what everybody knows of its person.

    Raises:
        Refused: it is too short, too long, or guessed first.
    """
    why_not = password_rules.refusal(password, about)
    if why_not:
        raise Refused(why_not)


def about(database: psycopg.Connection[Any], user_name: str) -> list[str]:
    """What everybody knows of a user, and nobody's password may be.

    Raises:
        Refused: there is no such user.
    """
    with database.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(SQL["about_user"], {"user_name": user_name}).fetchone()
    if row is None:
        raise Refused(_unknown(user_name))
    return [str(each) for each in row.values()]


def listed(database: psycopg.Connection[Any]) -> list[Row]:
    """Everybody, disabled ones too, with when each was here last."""
    with database.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(SQL["list_users"]).fetchall()


def add(
    database: psycopg.Connection[Any],
    actor: Actor,
    *,
    user_name: str,
    display_name: str,
    email: str,
    role: str,
    password_hash: str,
    is_first: bool,
    is_demonstration: bool = False,
) -> None:
    """Let somebody sign in.

    Args:
        is_first: they choose a password of their own before their first session.
        is_demonstration: nobody's, printed for whoever tries the product: no second factor is asked for.

    Raises:
        Refused: the name is taken or unusable, or the address is none.
    """
    # streamlit-authenticator looks names up in lower case.
    if not user_name.strip() or user_name != user_name.strip().lower() or ":" in user_name:
        raise Refused("NAME is unusable: give it in lower case, without a colon or outer spaces")
    try:
        (address,) = identities.normal(database, [identities.email(email)])
    except identities.UnusableIdentity as error:
        raise Refused(f"--email: {error}") from error
    added = database.execute(
        SQL["add_user"],
        {
            "user_name": user_name,
            "display_name": display_name,
            "email": address.value,
            "role": role,
            "password_hash": password_hash,
            "password_is_first": is_first,
            "is_demonstration": is_demonstration,
        },
    )
    if added.rowcount == 0:
        raise Refused(f"there is a user {user_name} already: choose another NAME")
    record(database, actor.event("user.add", "user", user_name, detail={"role": role}))


def disable(database: psycopg.Connection[Any], actor: Actor, user_name: str) -> int:
    """Refuse somebody from now on; how many of their sessions ended.

    Raises:
        Refused: there is no such user.
    """
    if not database.execute(SQL["disable_user"], {"user_name": user_name}).fetchone():
        raise Refused(_unknown(user_name))
    ended = _end_sessions(database, user_name)
    record(
        database,
        actor.event("user.disable", "user", user_name, detail={"sessions_ended": ended}),
    )
    return ended


def enable(database: psycopg.Connection[Any], actor: Actor, user_name: str) -> None:
    """Let somebody in again who was disabled.

    Raises:
        Refused: there is no such user.
    """
    if not database.execute(SQL["enable_user"], {"user_name": user_name}).fetchone():
        raise Refused(_unknown(user_name))
    record(database, actor.event("user.enable", "user", user_name))


def set_role(
    database: psycopg.Connection[Any], actor: Actor, user_name: str, role: str
) -> tuple[str, int]:
    """Give somebody another role: the role before, and how many of their sessions ended.

    Raises:
        Refused: there is no such user, or they have limits that the other role cannot have.
    """
    _check_limitable(database, user_name, role)
    with database.cursor(row_factory=dict_row) as cursor:
        named = {"user_name": user_name, "role": role}
        row = cursor.execute(SQL["set_user_role"], named).fetchone()
    if row is None:
        raise Refused(_unknown(user_name))
    before = str(row["role_before"])
    ended = _end_sessions(database, user_name) if before != role else 0
    detail = {"from": before, "to": role, "sessions_ended": ended}
    record(database, actor.event("user.role", "user", user_name, detail=detail))
    return before, ended


def set_limits(
    database: psycopg.Connection[Any],
    actor: Actor,
    user_name: str,
    *,
    channels: Iterable[str] = (),
    connections: Iterable[str] = (),
) -> int:
    """Let somebody see these channels and these connections alone, or everything where neither is given; how many of
    their sessions ended.

    Raises:
        Refused: there is no such user, channel or connection, or the role cannot have limits.
    """
    chosen = {"channels": sorted(set(channels)), "connections": sorted(set(connections))}
    if unknown := sorted(set(chosen["channels"]) - set(registry())):
        known = ", ".join(registry())
        raise Refused(f"there is no channel {', '.join(unknown)} (there are: {known})")
    with database.cursor(row_factory=dict_row) as cursor:
        named = {"user_name": user_name, "connections": chosen["connections"]}
        before = cursor.execute(SQL["limits_before"], named).fetchone()
        if before is None:
            raise Refused(_unknown(user_name))
        if before["unknown"]:
            raise Refused(
                f"there is no connection {', '.join(before['unknown'])}: see ./crm connection list"
            )
        if any(chosen.values()) and before["role"] not in LIMITABLE:
            raise Refused(_unlimited(before["role"]))
        cursor.execute(
            SQL["set_limits"],
            {"user_name": user_name, **{kind: wanted or None for kind, wanted in chosen.items()}},
        )
    former = {
        "channels": before["only_channels"] or [],
        "connections": before["only_connections"] or [],
    }
    ended = _end_sessions(database, user_name) if former != chosen else 0
    detail = {"from": former, "to": chosen, "sessions_ended": ended}
    record(database, actor.event("user.limits", "user", user_name, detail=detail))
    return ended


def _check_limitable(database: psycopg.Connection[Any], user_name: str, role: str) -> None:
    with database.cursor(row_factory=dict_row) as cursor:
        named = {"user_name": user_name, "connections": []}
        row = cursor.execute(SQL["limits_before"], named).fetchone()
    is_limited = row and (row["only_channels"] or row["only_connections"])
    if is_limited and role not in LIMITABLE:
        raise Refused(f"{_unlimited(role)}: let {user_name} see everything first")


def _unlimited(role: str) -> str:
    return f"{role.replace('_', ' ')}s see every channel, so they cannot be limited to some"


def set_password(
    database: psycopg.Connection[Any], actor: Actor, user_name: str, password_hash: str
) -> int:
    """Another password, which they change at their next sign-in; how many of their sessions ended."""
    named = {"user_name": user_name, "password_hash": password_hash, "password_is_first": True}
    if not database.execute(SQL["set_password"], named).rowcount:
        raise Refused(_unknown(user_name))
    ended = _end_sessions(database, user_name)
    detail = {"sessions_ended": ended}
    record(database, actor.event("user.password", "user", user_name, detail=detail))
    return ended


def forget_factor(database: psycopg.Connection[Any], actor: Actor, user_name: str) -> int:
    """Ask for no second factor any more of somebody who has lost it; how many of their sessions ended.

    Raises:
        Refused: there is no such user, or no second factor.
    """
    if not database.execute(SQL["forget_factor"], {"user_name": user_name}).rowcount:
        raise Refused(f"there is no user {user_name} with a second factor: see ./crm user list")
    ended = _end_sessions(database, user_name)
    detail = {"sessions_ended": ended}
    record(database, actor.event("user.forget_factor", "user", user_name, detail=detail))
    return ended


def end_sessions(database: psycopg.Connection[Any], actor: Actor, user_name: str) -> int:
    """Sign somebody out everywhere; how many sessions ended."""
    ended = _end_sessions(database, user_name)
    record(
        database,
        actor.event("user.sign_out", "user", user_name, detail={"sessions_ended": ended}),
    )
    return ended


def check_an_admin_stays(database: psycopg.Connection[Any], user_name: str) -> None:
    """
    Raises:
        Refused: nobody else may do everything: a page must not lock everybody out of itself.
    """
    if not database.execute(SQL["other_admins"], {"user_name": user_name}).fetchall():
        raise Refused("this is the last admin who can sign in: make another one first")


def _end_sessions(database: psycopg.Connection[Any], user_name: str) -> int:
    """Revoke the user's sessions and the sign-ins under way."""
    database.execute(SQL["forget_session_starts"], {"user_name": user_name})
    return database.execute(SQL["revoke_sessions"], {"user_name": user_name}).rowcount


def _unknown(user_name: str) -> str:
    return f"there is no user {user_name}: see ./crm user list"
