"""Google's watch on a mailbox: while it lasts, changes are pushed (docs/providers/google.md).

It ends after seven days at most, so it is renewed daily. Without `pubsub_topic` there is no push, and the
periodic pull alone brings the mail.
"""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg

from pipelines.failures import NeedsAdmin, PullFailed
from pipelines.gmail_api import Mailbox
from pipelines.health import Health
from warehouse.connections import UnusableConnection, find
from warehouse.settings import Role, Settings

#: Gmail's own account, which publishes to the topic of a watch.
#: https://developers.google.com/workspace/gmail/api/guides/push#grant_publish_rights_on_your_topic
PUBLISHER = "gmail-api-push@system.gserviceaccount.com"


def needs(topic: str) -> str:
    """What a watch is answered with 403 without."""
    return f"a watch needs {PUBLISHER} as Pub/Sub Publisher on {topic}, and the topic in the OAuth client's own project"


def renew(settings: Settings, connection_id: str) -> datetime:
    """Watch the mailbox of a Gmail connection for another week; returns when the watch ends.

    Raises:
        PullFailed: and its kinds, in words for an admin.
    """
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as database:
        connection = find(database, settings, connection_id)
        if connection is None or not connection.value("pubsub_topic"):
            raise PullFailed(f"no connection {connection_id} with a pubsub_topic")
        health = Health(database, connection_id, "watch")
        with health.recorded():
            try:
                mailbox, topic = Mailbox(connection), connection.required("pubsub_topic")
            except UnusableConnection as error:
                raise PullFailed(str(error)) from None
            try:
                answer = mailbox.watch(topic)
            except NeedsAdmin as failure:
                # Google's own words speak of scopes alone.
                raise NeedsAdmin(f"{failure}; {needs(topic)}") from None
            # Kept as Google writes it; the query that finds what is due reads it.
            health.detail = {"expires_ms": str(answer["expiration"])}
    return datetime.fromtimestamp(int(answer["expiration"]) / 1000, UTC)
