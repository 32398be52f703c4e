"""Who may do what: the one matrix, used by pages, by decisions and by tests."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """A thing a person can be allowed to do."""

    READ = "read customers, timelines and the unassigned queue"
    DECIDE_CUSTOMER = "make a customer and link an identity to one"


class UserRole(StrEnum):
    """The roles of `crm.users`."""

    VIEWER = "viewer"
    AGENT = "agent"
    PRIVACY_OFFICER = "privacy_officer"
    ADMIN = "admin"


MATRIX: dict[UserRole, frozenset[Permission]] = {
    UserRole.VIEWER: frozenset({Permission.READ}),
    UserRole.AGENT: frozenset({Permission.READ, Permission.DECIDE_CUSTOMER}),
    UserRole.PRIVACY_OFFICER: frozenset({Permission.READ}),
    UserRole.ADMIN: frozenset({Permission.READ, Permission.DECIDE_CUSTOMER}),
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
