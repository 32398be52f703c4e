"""Google: the mailbox, and the watch that makes Gmail publish its changes.

https://developers.google.com/workspace/gmail/api/reference/rest/v1/users/getProfile
https://developers.google.com/workspace/gmail/api/reference/rest/v1/users/watch

The Pub/Sub subscription that pushes to our URL belongs to the admin's Google Cloud project; Gmail's
API cannot make it, so `configure` says how.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession
from google.oauth2 import credentials, service_account
from requests import RequestException

from operations.providers import TIMEOUT_SECONDS, ProviderRefused
from pipelines.watch import PUBLISHER, needs
from warehouse.connections import Connection, UnusableConnection

SCOPES = ["https://www.googleapis.com/auth/gmail.readonly"]
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
API_BASE = "https://gmail.googleapis.com"
FORBIDDEN = 403


def check(connection: Connection) -> str:
    """Read the profile of the mailbox."""
    profile = _call(connection, "GET", "profile")
    return f"mailbox {profile['emailAddress']} answers; messages: {profile['messagesTotal']}"


def present(connection: Connection) -> list[dict[str, Any]]:
    """What is known of the watch: Gmail has no call that shows one."""
    return [
        {"object": connection.required("address"), "topic": connection.value("pubsub_topic") or ""}
    ]


def configure(connection: Connection, url: str, *, take_over: bool = False) -> list[dict[str, Any]]:
    """Watch the whole mailbox. Without a label filter, because sent and deleted mail matter too."""
    topic = connection.required("pubsub_topic")
    try:
        answer = _call(connection, "POST", "watch", {"topicName": topic})
    except ProviderRefused as refused:
        if refused.status != FORBIDDEN:
            raise
        raise ProviderRefused(f"{refused}; {needs(topic)}") from None
    until = datetime.fromtimestamp(int(answer["expiration"]) / 1000, UTC)
    return [
        {
            "object": connection.required("address"),
            "topic": topic,
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


def _session(connection: Connection) -> AuthorizedSession:
    token_uri = connection.value("token_uri") or TOKEN_URI
    account = connection.value("service_account")
    if account:
        try:
            opened = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
                json.loads(account), scopes=SCOPES, subject=connection.required("address")
            )
        except ValueError as error:
            raise UnusableConnection(
                f"{connection.channel}: service_account is no key file"
            ) from error
        return AuthorizedSession(opened)  # type: ignore[no-untyped-call]
    return AuthorizedSession(  # type: ignore[no-untyped-call]
        credentials.Credentials(  # type: ignore[no-untyped-call]
            token=None,
            refresh_token=connection.required("refresh_token"),
            client_id=connection.required("client_id"),
            client_secret=connection.required("client_secret"),
            token_uri=token_uri,
            scopes=SCOPES,
        )
    )


def _call(
    connection: Connection, method: str, path: str, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    base = (connection.value("api_base") or API_BASE).rstrip("/")
    try:
        response = _session(connection).request(  # type: ignore[no-untyped-call]
            method, f"{base}/gmail/v1/users/me/{path}", json=body, timeout=TIMEOUT_SECONDS
        )
    except GoogleAuthError as error:
        # The first argument is Google's word (`invalid_grant: …`); the others may hold the answer.
        words = str(error.args[0]) if error.args else "no reason"
        dead = (
            "; a refresh token of an app in Testing dies after seven days: publish the app or make it Internal, "
            "then let the mailbox's owner consent again"
            if "invalid_grant" in words
            else ""
        )
        raise ProviderRefused(
            f"{connection.channel}: Google gives no token: {words}{dead}"
        ) from error
    except RequestException as error:
        raise ProviderRefused(
            f"{connection.channel}: Google does not answer ({type(error).__name__})"
        ) from error
    if not response.ok:
        try:
            words = response.json()["error"]["message"]
        except (ValueError, KeyError, TypeError):
            words = "no reason given"
        raise ProviderRefused(
            f"{connection.channel}: Google answers {response.status_code}: {words}",
            response.status_code,
        )
    answer: dict[str, Any] = response.json()
    return answer
