"""Google's watch on a mailbox, asked for by the worker and by an admin in the same words."""

from __future__ import annotations

from typing import Any

from providers.failures import NeedsAdmin
from providers.google.client import Mailbox

#: Gmail's own account, which publishes to the topic of a watch.
#: https://developers.google.com/workspace/gmail/api/guides/push#grant_publish_rights_on_your_topic
PUBLISHER = "gmail-api-push@system.gserviceaccount.com"


def needs(topic: str) -> str:
    """What a watch is answered with 403 without."""
    return f"a watch needs {PUBLISHER} as Pub/Sub Publisher on {topic}, and the topic in the OAuth client's own project"


def watched(mailbox: Mailbox, topic: str) -> dict[str, Any]:
    """Watch a mailbox, as a pull and as an admin do.

    Raises:
        ProviderFailed: with what a watch needs beside the mailbox's scopes, of which alone Google's own words speak.
    """
    try:
        return mailbox.watch(topic)
    except NeedsAdmin as failure:
        raise NeedsAdmin(f"{failure}; {needs(topic)}") from None
