"""The sign-in form, and the rate limit on guessing.

The form and the hashing are streamlit-authenticator's. Its cookie is not: a script could read it and
it outlives a sign-out. So its cookie part is replaced by one that holds nothing, and the part that
compares passwords by one that asks the database, takes the same time for unknown names, and limits the rate.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from streamlit_authenticator import Authenticate

from app import database
from app.access import passwords
from app.access.roles import Permission, UserRole, may
from warehouse.events import Actor, record
from warehouse.queries import queries

SQL = queries("sessions")

#: The rate limit: so many attempts per account and address, and per address, within the window.
WINDOW_SECONDS = 15 * 60
ATTEMPTS_PER_ACCOUNT = 6
ATTEMPTS_PER_ADDRESS = 60
#: Of one account from everywhere: beyond it each attempt takes longer, and none is refused for what strangers do.
ATTEMPTS_BEFORE_DELAY = 20
DELAY_SECONDS, LONGEST_DELAY_SECONDS = 0.25, 4.0
#: Who sees what others did needs a second factor (app/access/second_factor.py), and so long after they were made
#: they may come in without one.
FACTOR_NEEDED_BY = sorted(role.value for role in UserRole if may(role, Permission.READ_EVENTS))
SET_UP_WITHIN_SECONDS = 24 * 60 * 60

FIELDS = {
    "Form name": "Sign in",
    "Username": "User name",
    "Password": "Password",
    "Login": "Sign in",
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of an attempt: the user it proved, or the sentence to show."""

    user_name: str | None = None
    sentence: str = ""
    #: What it was proved with, as it is stored.
    password_hash: str = field(default="", repr=False)
    #: Somebody else chose the password: another one comes first.
    must_change: bool = False
    #: A code is asked for; or the role needs one, and it is to be set up first.
    has_factor: bool = False
    needs_factor: bool = False


def attempt(user_name: str, password: str, *, ip: str) -> Answer:
    """Check one attempt. Known and unknown names cost the same time; a refusal does not say which.

    The attempt is counted before the password is looked at, so that guesses made at once count too.
    """
    account = hashlib.sha256(user_name.strip().lower().encode("utf-8", "surrogatepass")).digest()
    key = {"account_hash": account, "ip": ip, "window_seconds": WINDOW_SECONDS}
    with database.pool().connection() as connection:
        connection.execute(SQL["record_attempt"], key)
        # Committed first: attempts at once must see each other, or each would see itself alone.
        connection.commit()
        recent = connection.execute(SQL["recent_attempts"], key).fetchone()
        user = connection.execute(
            SQL["user_for_sign_in"], about(user_name.strip()[:200].replace("\0", ""))
        ).fetchone()
    assert recent is not None
    known = user["user_name"] if user else None
    if recent["of_account"] > ATTEMPTS_PER_ACCOUNT or recent["of_address"] > ATTEMPTS_PER_ADDRESS:
        _fail(known, ip, "too many attempts")
        minutes = max(1, -(-(WINDOW_SECONDS - recent["oldest_seconds"]) // 60))
        return Answer(sentence=f"Too many attempts. Try again in {minutes} minutes.")
    beyond = recent["of_account_anywhere"] - ATTEMPTS_BEFORE_DELAY
    if beyond > 0:
        time.sleep(min(LONGEST_DELAY_SECONDS, DELAY_SECONDS * beyond))
    # Outside of any transaction: bcrypt takes a quarter of a second.
    right = passwords.matches(password, user["password_hash"] if user else None)
    if not right or user is None or user["is_disabled"]:
        _fail(known, ip, "disabled user" if right else "wrong name or password")
        return Answer(sentence="User name or password is wrong.")
    with database.pool().connection() as connection:
        connection.execute(SQL["forget_attempts"], key)
    return Answer(
        user_name=known,
        password_hash=user["password_hash"],
        must_change=user["password_is_first"],
        has_factor=user["has_factor"],
        needs_factor=user["needs_factor"] and not user["has_factor"],
    )


def about(user_name: str) -> dict[str, object]:
    """What the query for one user asks for."""
    return {
        "user_name": user_name,
        "needed_by": FACTOR_NEEDED_BY,
        "set_up_within_seconds": SET_UP_WITHIN_SECONDS,
    }


def _fail(known: str | None, ip: str, reason: str) -> None:
    actor = Actor(name=known or "unknown", role="none", ip=ip)
    with database.pool().connection() as connection:
        record(
            connection, actor.event("sign_in.fail", "user", actor.name, detail={"reason": reason})
        )


class _NoCookie:
    """Stands where streamlit-authenticator keeps its own cookie, and keeps none."""

    def get_cookie(self) -> None:
        return None

    def set_cookie(self) -> None:
        return None


class _Door:
    """Stands where streamlit-authenticator compares passwords: `check` does it, exactly as typed."""

    def __init__(self, check: Callable[[str, str], bool]) -> None:
        self.check = check

    def login(
        self, username: str | None = None, password: str | None = None, *_: Any, **__: Any
    ) -> bool:
        return bool(username and password and self.check(username, password))


class SignInForm(Authenticate):  # type: ignore[misc]  # the package has no types
    """streamlit-authenticator's form on our users.

    Its constructor is not run: it would put a component on the page that hands every readable
    cookie to Python, and load all users.
    """

    def __init__(self, check: Callable[[str, str], bool]) -> None:
        self.path = None
        # The pause lets the cookie component answer, which is not here.
        self.attrs = {"login_sleep_time": 0}
        self.cookie_controller = _NoCookie()
        self.authentication_controller = _Door(check)

    def draw(self) -> None:
        """The form in the main column; calls `check` when it is sent."""
        self.login(location="main", fields=FIELDS, key="sign_in")
