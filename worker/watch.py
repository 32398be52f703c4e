"""Google's watch on a mailbox: while it lasts, changes are pushed (docs/providers/google.md).

It ends after seven days at most, so it is renewed daily. Without `pubsub_topic` there is no push, and the
periodic pull alone brings the mail.
"""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg

from providers.failures import ProviderFailed
from providers.google.client import Mailbox
from providers.google.watching import watched
from providers.health import Health
from warehouse.connections import UnusableConnection, find
from warehouse.settings import Role, Settings


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
