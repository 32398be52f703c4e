"""Google: the mailbox, and the watch that makes Gmail publish its changes.

https://developers.google.com/workspace/gmail/api/reference/rest/v1/users/getProfile
https://developers.google.com/workspace/gmail/api/reference/rest/v1/users/watch

The Pub/Sub subscription that pushes to our URL belongs to the admin's Google Cloud project; Gmail's
API cannot make it, so `configure` says how.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from providers.failures import ONCE
from providers.google.client import Mailbox
from providers.google.watching import PUBLISHER, watched
from warehouse.connections import Connection


def check(connection: Connection) -> str:
    """Read the profile of the mailbox."""
    profile = Mailbox(connection, ONCE).profile()
    return f"mailbox {profile['emailAddress']} answers; messages: {profile['messagesTotal']}"


def present(connection: Connection) -> list[dict[str, Any]]:
    """What is known of the watch: Gmail has no call that shows one."""
    return [
        {"object": connection.required("address"), "topic": connection.value("pubsub_topic") or ""}
    ]


def called_now(connection: Connection) -> dict[str, str]:
    """Nothing: whom a topic's subscriptions push to is the admin's own matter in Google Cloud."""
    return {}


def configure(connection: Connection, url: str, *, take_over: bool = False) -> list[dict[str, Any]]:
    """Watch the whole mailbox. Without a label filter, because sent and deleted mail matter too."""
    answer = watched(Mailbox(connection, ONCE), connection.required("pubsub_topic"))
    until = datetime.fromtimestamp(int(answer["expiration"]) / 1000, UTC)
    return [
        {
            "object": connection.required("address"),
            "topic": connection.required("pubsub_topic"),
            "watched_until": until.isoformat(),
            "note": (
                f"the Pub/Sub subscription of this topic must push to {url}, with authentication as "
                f"{connection.required('push_service_account')} and audience "
                f"{connection.required('push_audience')}"
            ),
        }
    ]


def advice(connection: Connection, url: str) -> list[str]:
    """What is done in the Google Cloud project, and what bites days later where it is not."""
    told = []
    if connection.value("refresh_token"):
        told.append(
            "a refresh token of an External app whose publishing status is Testing dies after seven days: make the "
            "app Internal, or publish it, before the mailbox's owner consents"
        )
    topic = connection.value("pubsub_topic")
    if topic:
        told += [
            f"give {PUBLISHER} the role Pub/Sub Publisher on {topic}, which must lie in the OAuth client's own "
            "project: otherwise configure-webhook is answered with 403",
            f"make a push subscription on it to {url}, with authentication as "
            f"{connection.required('push_service_account')} and audience {connection.required('push_audience')}",
        ]
    return told
