"""Who may do what: the one matrix, used by pages, by decisions and by tests."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """A thing a person can be allowed to do."""

    READ = "read customers, timelines and the unassigned queue"
    DECIDE_CUSTOMER = "make a customer and link an identity to one"
    EXPORT = "take a list of customers out of the app"
    ORGANISE = "tag, assign and write notes"
    MANAGE_TAGS = "rename, merge and remove tags"
    SHARE_VIEWS = "share saved views with everybody"
    MANAGE_VIEWS = "change views that others share"
    MANAGE_CONNECTIONS = (
        "connect providers, and see how connections stand and what is in quarantine"
    )
    MANAGE_USERS = "add users, change their roles and end their sessions"
    READ_RAW = "see the exact bytes that came in"
    READ_REVISIONS = "read what was unsent or edited away"
    READ_EVENTS = "read who saw and did what"
    READ_DATA_QUALITY = "read what is expected of the data and what breaks it"
    HANDLE_PRIVACY = (
        "answer requests of people, assess breaches, and decide what is kept, held and destroyed"
    )


class UserRole(StrEnum):
    """The roles of `crm.users`."""

    VIEWER = "viewer"
    AGENT = "agent"
    PRIVACY_OFFICER = "privacy_officer"
    ADMIN = "admin"


_READERS = frozenset({Permission.READ})
_DECIDERS = _READERS | {Permission.DECIDE_CUSTOMER, Permission.ORGANISE, Permission.SHARE_VIEWS}
#: What was taken back or came in raw, and what others saw, is read where a duty asks for it, not in the day's work.
_EXAMINERS = frozenset(
    {
        Permission.READ_REVISIONS,
        Permission.READ_RAW,
        Permission.READ_EVENTS,
        Permission.READ_DATA_QUALITY,
    }
)

MATRIX: dict[UserRole, frozenset[Permission]] = {
    UserRole.VIEWER: _READERS,
    UserRole.AGENT: _DECIDERS,
    UserRole.PRIVACY_OFFICER: _READERS
    | _EXAMINERS
    | {Permission.EXPORT, Permission.HANDLE_PRIVACY},
    UserRole.ADMIN: _DECIDERS
    | _EXAMINERS
    | {
        Permission.MANAGE_CONNECTIONS,
        Permission.MANAGE_USERS,
        Permission.MANAGE_TAGS,
        Permission.MANAGE_VIEWS,
        Permission.EXPORT,
        Permission.HANDLE_PRIVACY,
    },
}


class Forbidden(Exception):
    """The role of this person does not allow it; the text names role and permission."""


def may(role: UserRole, permission: Permission) -> bool:
    """Whether the matrix allows it."""
    return permission in MATRIX[role]


def require(role: UserRole, permission: Permission) -> None:
    """
    Raises:
        Forbidden: the matrix does not allow it.
    """
    if not may(role, permission):
        raise Forbidden(f"role {role.value} may not {permission.value}")
