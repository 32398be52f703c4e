"""The notices of PostgreSQL (NOTIFY) by which programs wake each other: the one list, each with its meaning.

A notice goes with the transaction that sends it. Statements and triggers write the name as it stands here; a test
(tests/warehouse/test_notices.py) compares both sides, on a live warehouse too.
"""

from __future__ import annotations

from enum import StrEnum


class Notice(StrEnum):
    """One channel of notices, with what its payload says."""

    #: The receiver landed something. `<channel> <connection id>`.
    DELIVERIES = "crm_deliveries"
    #: A pull loaded something. `<channel>`.
    LOADED = "crm_loaded"
    #: Somebody waits for the fold. No payload.
    FOLD = "crm_fold"
    #: A fold or a decision changed what is shown. JSON: identities, customers, conversations, fold; or `many`;
    #: `beside` where no message is another for it (tags, assignment, notes).
    CHANGED = "crm_changed"
    #: An attachment was fetched. JSON: connection, message.
    MEDIA = "crm_media"
    #: How a connection stands is otherwise than before. No payload.
    HEALTH = "crm_health"
    #: The worker's watchdog has looked, as it does every few seconds: a worker lives. No payload.
    WATCHED = "crm_watched"
    #: A session or a user has other rights now. JSON: session, or user.
    PEOPLE = "crm_people"
    #: An admin asks something of a provider, on a page: the request's id. A privacy officer asks for an export, a
    #: destruction: `privacy <task id>`.
    ASKED = "crm_asked"
