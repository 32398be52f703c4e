"""What may be asked of Google, and where (docs/providers/google.md). Nothing here sends, drafts, changes or deletes
a mail.

A watch changes nothing of the mailbox. A batch is allowed for what is in it: each part is looked at by itself.
"""

from __future__ import annotations

from providers.guard import TIME, Allowed, Guard
from warehouse.connections import Connection

API_BASE = "https://gmail.googleapis.com"
USER = r"/gmail/v1/users/me"
BATCH = r"/batch"

GUARD = Guard(
    "Google",
    (
        TIME,
        Allowed("GET", rf"{USER}/profile"),
        Allowed("GET", rf"{USER}/messages(/[\w-]+)?"),
        Allowed("GET", rf"{USER}/history"),
        Allowed("GET", rf"{USER}/settings/sendAs"),
        Allowed("POST", rf"{USER}/watch", frozenset({"topicName"})),
        Allowed("POST", BATCH, frozenset()),
    ),
)


def base_of(connection: Connection) -> str:
    """Scheme and host of Gmail's API, or `api_base`."""
    return (connection.value("api_base") or API_BASE).rstrip("/")
