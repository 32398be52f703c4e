"""Google's watch on a mailbox: while it lasts, changes are pushed (docs/providers/google.md).

It ends after seven days at most, so it is renewed daily. Without `pubsub_topic` there is no push, and the
periodic pull alone brings the mail.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg

from providers.failures import NeedsAdmin, ProviderFailed
from providers.google.client import Mailbox
from providers.health import Health
from warehouse.connections import UnusableConnection, find
from warehouse.settings import Role, Settings

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


def renew(settings: Settings, connection_id: str) -> datetime:
    """Watch the mailbox of a Gmail connection for another week; returns when the watch ends.

    Raises:
        ProviderFailed: and its kinds, in words for an admin.
    """
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as database:
        connection = find(database, settings, connection_id)
        if connection is None or not connection.value("pubsub_topic"):
            raise ProviderFailed(f"no connection {connection_id} with a pubsub_topic")
        health = Health(database, connection_id, "watch")
        with health.recorded():
            try:
                mailbox, topic = Mailbox(connection), connection.required("pubsub_topic")
            except UnusableConnection as error:
                raise ProviderFailed(str(error)) from None
            answer = watched(mailbox, topic)
            # Kept as Google writes it; the query that finds what is due reads it.
            health.detail = {"expires_ms": str(answer["expiration"])}
    return datetime.fromtimestamp(int(answer["expiration"]) / 1000, UTC)
