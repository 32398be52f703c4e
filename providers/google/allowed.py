"""What may be asked of Google (docs/providers/google.md). Nothing here sends, drafts, changes or deletes a mail.

A watch changes nothing of the mailbox. A batch is allowed for what is in it: each part is looked at by itself.
"""

from __future__ import annotations

from providers.guard import Allowed, Guard

USER = r"/gmail/v1/users/me"
BATCH = r"/batch"

GUARD = Guard(
    "Google",
    (
        Allowed("GET", rf"{USER}/profile"),
        Allowed("GET", rf"{USER}/messages(/[\w-]+)?"),
        Allowed("GET", rf"{USER}/history"),
        Allowed("GET", rf"{USER}/settings/sendAs"),
        Allowed("POST", rf"{USER}/watch", frozenset({"topicName"})),
        Allowed("POST", BATCH, frozenset()),
    ),
)
