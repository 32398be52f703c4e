"""What may be asked of Meta, and where (docs/providers/meta.md).

Meta has no permission that only reads conversations, so that nobody is ever written to is the promise of this list.
Subscribing an app, a WhatsApp account, a page or an Instagram account to events, and taking that back; asking for the
chats of a WhatsApp number that was in use before. Ids are digits, so none can bring a path of its own.
"""

from __future__ import annotations

from providers.guard import TIME, Allowed, Guard
from providers.meta import access
from warehouse.connections import Connection

VERSION = r"/v\d+\.\d+"
#: Ids of messages are any text.
ID = r"[^/?#\s]+"

GUARD = Guard(
    "Meta",
    (
        TIME,
        Allowed("GET", rf"{VERSION}/{ID}(/\w+)?"),
        Allowed("GET", r"/refresh_access_token"),
        Allowed(
            "POST",
            rf"{VERSION}/\d+/subscriptions",
            frozenset({"object", "callback_url", "verify_token", "fields"}),
        ),
        Allowed(
            "POST",
            rf"{VERSION}/(\d+|me)/subscribed_apps",
            frozenset({"subscribed_fields", "override_callback_uri", "verify_token"}),
        ),
        Allowed(
            "POST", rf"{VERSION}/\d+/smb_app_data", frozenset({"messaging_product", "sync_type"})
        ),
        Allowed("DELETE", rf"{VERSION}/\d+/subscriptions", frozenset({"object"})),
        Allowed("DELETE", rf"{VERSION}/(\d+|me)/subscribed_apps", frozenset()),
    ),
)


def base_of(connection: Connection) -> str:
    """Scheme and host of Graph for a connection."""
    return access.root(connection)
