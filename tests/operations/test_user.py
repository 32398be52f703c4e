"""`./crm user`: passwords are refused before they surprise, a disabled user is out at once."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from app.access.passwords import matches
from warehouse.settings import Settings

Crm = Callable[..., tuple[int, str, str]]
Add = Callable[..., tuple[int, str, str]]


@pytest.fixture
def add(crm: Crm, warehouse: Settings, monkeypatch: pytest.MonkeyPatch) -> Add:
    """`user add` with a password on standard input."""

    def run(name: str, password: str, *more: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
        options = more or ("--email", f"{name}@example.com", "--role", "agent")
        return crm("user", "add", name, *options, "--password-stdin", "--json")

    return run


def test_a_user_is_added_and_the_password_checks(add: Add, admin: psycopg.Connection[Any]) -> None:
    from app.access.passwords import matches

    status, out, err = add("kim", "correct horse battery")
    assert (status, err) == (0, "")
    assert json.loads(out) == {"user_name": "kim", "email": "kim@example.com", "role": "agent"}
    row = admin.execute(
        "select role, password_hash from crm.users where user_name = 'kim'"
    ).fetchone()
    assert row is not None
    assert row[0] == "agent"
    assert matches("correct horse battery", row[1])
    assert not matches("Correct horse battery", row[1])
    event = admin.execute("select action, object_id from crm.events").fetchall()
    assert event == [("user.add", "kim")]


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("", "too short"),
        ("elevenchars", "too short"),
        ("x y z w v " * 13, "too long"),
        ("Password-2026!", "guessed first"),
        ("kim kim kim 26", "guessed first"),
    ],
)
def test_a_password_of_unusable_length_is_refused(
    password: str, said: str, add: Add, admin: psycopg.Connection[Any]
) -> None:
    status, out, err = add("kim", password)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert said in err
    assert admin.execute("select count(*) from crm.users").fetchone() == (0,)


@pytest.mark.parametrize(
    "password", ["éüöñß wörter " * 5, "\U0001f600 geht auch " * 9, "with a \0 inside it"]
)
def test_what_bcrypt_alone_could_not_hold_is_taken(
    password: str, add: Add, admin: psycopg.Connection[Any]
) -> None:
    assert add("kim", password)[0] == 0
    row = admin.execute("select password_hash from crm.users").fetchone()
    assert row is not None
    assert matches(password, row[0])
    assert not matches(password[:-1], row[0])


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("kim", ("--email", "nobody", "--role", "agent"), "--email"),
        ("kim", ("--email", "kim@example.com", "--role", "boss"), "--role"),
        ("Kim", ("--email", "kim@example.com", "--role", "agent"), "lower case"),
    ],
)
def test_what_is_unusable_is_named(name: str, more: tuple[str, ...], said: str, add: Add) -> None:
    status, _, err = add(name, "correct horse battery", *more)
    assert (status, len(err.splitlines())) == (2, 1)
    assert said in err


def test_a_name_is_taken_once(add: Add) -> None:
    assert add("kim", "correct horse battery")[0] == 0
    status, _, err = add("kim", "another long password")
    assert status == 2
    assert "already" in err


@pytest.mark.parametrize(
    "change", [("disable", "kim"), ("role", "kim", "viewer")], ids=lambda c: c[0]
)
def test_disabling_and_another_role_end_sessions(
    change: tuple[str, ...], add: Add, crm: Crm, admin: psycopg.Connection[Any]
) -> None:
    add("kim", "correct horse battery")
    add("lee", "correct horse battery")
    for name in ("kim", "lee"):
        admin.execute(
            "insert into crm.sessions (session_id, token_hash, user_name, expires_at)"
            " values (%s, %s, %s, now() + interval '1 hour')",
            [name, name.encode(), name],
        )
        admin.execute(
            "insert into crm.session_starts (token_hash, user_name, expires_at)"
            " values (%s, %s, now() + interval '1 minute')",
            [name.encode(), name],
        )
    status, out, err = crm("user", *change, "--json")
    assert (status, err) == (0, "")
    assert json.loads(out)["sessions_ended"] == 1
    ended = admin.execute(
        "select user_name from crm.sessions where revoked_at is not null"
    ).fetchall()
    assert ended == [("kim",)]
    assert admin.execute("select user_name from crm.session_starts").fetchall() == [("lee",)]
    listed = {
        each["user_name"]: each for each in json.loads(crm("user", "list", "--json")[1])["users"]
    }
    assert (listed["kim"]["disabled_at"] is not None) == (change[0] == "disable")
    assert listed["kim"]["role"] == ("viewer" if change[0] == "role" else "agent")
    assert "password" not in crm("user", "list", "--json")[1]


def test_an_unknown_user_is_one_line(crm: Crm, warehouse: Settings) -> None:
    for arguments in (("disable", "nobody"), ("role", "nobody", "agent")):
        status, out, err = crm("user", *arguments)
        assert (status, out, len(err.splitlines())) == (2, "", 1)
