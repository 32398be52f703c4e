"""Sessions: rows of `crm.sessions`, found through a random token that only the cookie holds.

form -> one-time start token (60 s) -> GET /session/start -> HttpOnly cookie -> `viewer_of` on every run.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

from app import database
from app.access import limits
from app.access.limits import Limits
from app.access.roles import Permission, UserRole, may
from warehouse.events import Actor, Event, record
from warehouse.queries import queries

SQL = queries("sessions")

START_SECONDS = 60
#: Ours have 43 characters; a longer one is nobody's.
LONGEST_TOKEN = 200
IDLE_SECONDS = 60 * 60
ABSOLUTE_SECONDS = 12 * 60 * 60


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """The person in front of a page, as the database knows them at this moment."""

    user_name: str
    display_name: str
    role: UserRole
    session_id: str
    ip: str | None
    #: None for who sees everything.
    limits: Limits | None = None
    #: Behind their last decision in the primary's log, where pages read from a replica (app/replica.py).
    read_after: int | None = field(default=None, compare=False)

    @property
    def actor(self) -> Actor:
        """This person in this session, as decisions and events know them."""
        return Actor(
            name=self.user_name, role=self.role.value, session_id=self.session_id, ip=self.ip
        )

    def may(self, permission: Permission) -> bool:
        return may(self.role, permission)

    def event(
        self,
        action: str,
        object_type: str,
        object_id: str,
        *,
        customer_ids: list[str] | None = None,
        detail: dict[str, object] | None = None,
    ) -> Event:
        """An event of this person in this session."""
        return self.actor.event(
            action, object_type, object_id, customer_ids=customer_ids, detail=detail
        )


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A session at this moment, and how long it stands when nobody does anything."""

    viewer: Viewer
    seconds_left: float


def cookie_name() -> str:
    """One name per warehouse: cookies do not keep ports apart, and several may run on one host.

    Where browsers call us by TLS, a name that they take from this host alone, and over TLS alone.
    """
    prefix = "__Host-" if database.settings().is_app_https else ""
    return f"{prefix}crm_session_{database.settings().derive('session cookie name').hex()[:8]}"


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def start_token(user_name: str) -> str:
    """A token that opens one session of this user within a minute."""
    token = secrets.token_urlsafe(32)
    with database.pool().connection() as connection:
        connection.execute(SQL["forget_starts"])
        connection.execute(
            SQL["add_start"],
            {"token_hash": _hash(token), "user_name": user_name, "life_seconds": START_SECONDS},
        )
    return token


def open_session(start: str, *, ip: str | None, user_agent: str | None) -> str | None:
    """Trade a start token for the cookie's token; None when it was used, is too old or unknown,
    or when the user was disabled meanwhile."""
    token = secrets.token_urlsafe(32)
    with database.pool().connection() as connection:
        taken = connection.execute(SQL["use_start"], {"token_hash": _hash(start)}).fetchone()
        if taken is None:
            return None
        opened = connection.execute(
            SQL["open_session"],
            {
                "session_id": secrets.token_hex(16),
                "token_hash": _hash(token),
                "user_name": taken["user_name"],
                "life_seconds": ABSOLUTE_SECONDS,
                "ip": ip,
                "user_agent": (user_agent or "")[:400],
            },
        ).fetchone()
        if opened is None:
            return None
        viewer = _find(connection, token, ip=ip, touch=False)
        assert viewer is not None
        record(connection, viewer.event("sign_in.succeed", "user", viewer.user_name))
    return token


def _find(
    connection: database.Database, token: str, *, ip: str | None, touch: bool
) -> Viewer | None:
    row = _row(connection, token)
    if row is None:
        return None
    if touch and row["wants_touch"]:
        connection.execute(SQL["touch_session"], {"session_id": row["session_id"]})
    return _viewer(row, ip)


def _row(connection: database.Database, token: str) -> database.Row | None:
    return connection.execute(
        SQL["session_now"], {"token_hash": _hash(token), "idle_seconds": IDLE_SECONDS}
    ).fetchone()


def _viewer(row: database.Row, ip: str | None) -> Viewer:
    return Viewer(
        user_name=row["user_name"],
        display_name=row["display_name"],
        role=UserRole(row["role"]),
        session_id=row["session_id"],
        ip=ip,
        limits=limits.of(row),
    )


def standing(token: str | None, *, ip: str | None) -> Standing | None:
    """The session of this token, for what stays open and must know when to look again. Nobody did anything."""
    if not token or len(token) > LONGEST_TOKEN:
        return None
    with database.statements() as connection:
        row = _row(connection, token)
    if row is None:
        return None
    return Standing(viewer=_viewer(row, ip), seconds_left=max(0.1, row["seconds_left"]))


def viewer_of(token: str | None, *, ip: str | None, touch: bool) -> Viewer | None:
    """Who holds this token, or None once the session ended, timed out, or its user was disabled.

    Args:
        touch: whether the person did something; a page that refreshes itself keeps nobody signed in.
    """
    if not token:
        return None
    with database.statements() as connection:
        return _find(connection, token, ip=ip, touch=touch)


def end_session(token: str | None, *, ip: str | None) -> None:
    """Revoke the token's session, in every tab at once. Nothing happens where there is none."""
    if not token:
        return
    with database.pool().connection() as connection:
        ended = connection.execute(SQL["revoke_session"], {"token_hash": _hash(token)}).fetchone()
        if ended is None:
            return
        actor = Actor(
            name=ended["user_name"], role=ended["role"], session_id=ended["session_id"], ip=ip
        )
        record(connection, actor.event("sign_in.end", "user", actor.name))
