"""Gmail's API: the one client for pulls, checks and the watch, through Google's own client (docs/providers/google.md).

Every call repeats itself while Google says "slower" or is away, as long as the caller's patience lasts; a call inside
a batch too.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import google_auth_httplib2  # type: ignore[import-untyped]
import httplib2
from google.auth.exceptions import GoogleAuthError
from google.oauth2 import service_account
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import Error as ClientError
from googleapiclient.errors import HttpError
from googleapiclient.http import BatchHttpRequest

from providers.failures import BACK_OFF, BackOff, NeedsAdmin, ProviderFailed, TryLater
from providers.google.allowed import base_of
from providers.google.failures import NotFound, failure_of
from providers.google.guarded import GuardedHttp
from providers.pace import pace_of
from warehouse.connections import Connection

SCOPES = ["https://www.googleapis.com/auth/gmail.readonly"]
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105
LIST_SIZE = 500
BATCH_SIZE = 50
#: How large the mails of a mailbox are is not known before some are there.
FIRST_BATCH_SIZE = 10
#: Fewer calls to a batch where mails are large: an answer is held in memory whole.
BATCH_BYTES = 32_000_000
TIMEOUT_SECONDS = 60.0

# It logs every 403 with its body.
logging.getLogger("googleapiclient").setLevel(logging.CRITICAL)


class Mailbox:
    """One mailbox, read as its owner or through domain-wide delegation.

    Args:
        patience: how often a call repeats itself; once where an admin waits.
    """

    def __init__(self, connection: Connection, patience: BackOff = BACK_OFF) -> None:
        self._patience = patience
        self.address = connection.required("address")
        self.name = f"gmail connection {connection.connection_id}"
        base = base_of(connection)
        self._pace = pace_of(f"mailbox {connection.required('address')} at {base}")
        credentials = _credentials(connection)
        http = google_auth_httplib2.AuthorizedHttp(
            credentials, http=GuardedHttp(base, token_uri_of(credentials), TIMEOUT_SECONDS)
        )
        # Static discovery: the client's own copy of the description, no call to fetch one.
        self.users = build(
            "gmail", "v1", http=http, client_options={"api_endpoint": base}, static_discovery=True
        ).users()
        # The client's own batch address ignores api_endpoint.
        self._batch_uri = f"{base}/batch"
        self._http = http
        self.batch_size = min(FIRST_BATCH_SIZE, BATCH_SIZE)

    def profile(self) -> dict[str, Any]:
        """`historyId` (the present cursor), `messagesTotal`."""
        return self._call(self.users.getProfile(userId="me"))

    def page(
        self, token: str | None, *, since: datetime | None = None, label: str | None = None
    ) -> tuple[list[str], str | None]:
        """Ids of a page of the mailbox, newest first, and the next page's token.

        Raises:
            NotAccepted: the token is no longer valid.
        """
        answer = self._call(
            self.users.messages().list(
                userId="me",
                maxResults=LIST_SIZE,
                pageToken=token,
                q=f"after:{int(since.timestamp())}" if since else None,
                labelIds=[label] if label else None,
            )
        )
        return [message["id"] for message in answer.get("messages") or []], answer.get(
            "nextPageToken"
        )

    def history(self, start: str, token: str | None) -> dict[str, Any]:
        """A page of the changes since `start`.

        Raises:
            NotFound: Google no longer knows what happened since then.
        """
        return self._call(
            self.users.history().list(
                userId="me", startHistoryId=start, maxResults=LIST_SIZE, pageToken=token
            )
        )

    def send_as(self) -> list[str]:
        """The addresses this mailbox sends from."""
        answer = self._call(self.users.settings().sendAs().list(userId="me"))
        return [alias["sendAsEmail"] for alias in answer.get("sendAs") or []]

    def watch(self, topic: str) -> dict[str, Any]:
        """Ask for pushes to a Pub/Sub topic for a week: `historyId`, `expiration` (epoch ms as text)."""
        return self._call(self.users.watch(userId="me", body={"topicName": topic}))

    def batches(
        self, ids: list[str], form: str
    ) -> Iterator[list[tuple[str, dict[str, Any] | None]]]:
        """The mails of these ids in batches, in order; None for one that is gone.

        Args:
            form: `raw` for everything, `minimal` for labels and ids.
        """
        while ids:
            wanted, ids = ids[:BATCH_SIZE], ids[BATCH_SIZE:]
            yield self.batch(wanted, form)

    def batch(self, ids: list[str], form: str) -> list[tuple[str, dict[str, Any] | None]]:
        """The mails of at most `batch_size` ids, in order; None for one that is gone.

        The next batch is as large as the largest mails of this one allow, and grows step by step.
        """
        found = self._batch(ids, form)
        largest = max((len((mail or {}).get("raw") or "") for mail in found.values()), default=0)
        grown = min(BATCH_SIZE, 2 * self.batch_size)
        self.batch_size = max(1, min(grown, BATCH_BYTES // max(1, largest)))
        return [(identity, found[identity]) for identity in ids]

    def _batch(self, ids: list[str], form: str) -> dict[str, dict[str, Any] | None]:
        found: dict[str, dict[str, Any] | None] = {}
        attempt = 0
        while len(found) < len(ids):
            later: list[TryLater] = []
            failures: list[ProviderFailed] = []

            def take(identity: str, answer: Any, error: Exception | None) -> None:
                if error is None:
                    found[identity] = answer
                    return
                failure = failure_of(error, self.name)
                if isinstance(failure, NotFound):
                    found[identity] = None
                elif isinstance(failure, TryLater):
                    later.append(failure)  # noqa: B023
                else:
                    failures.append(failure)  # noqa: B023

            before = len(found)
            batch = BatchHttpRequest(callback=take, batch_uri=self._batch_uri)
            for identity in ids:
                if identity not in found:
                    request = self.users.messages().get(userId="me", id=identity, format=form)
                    batch.add(request, request_id=identity)
            try:
                self._once(lambda: batch.execute(http=self._http))  # noqa: B023
            except TryLater as failure:
                later.append(failure)
            if failures:
                raise failures[0]
            if later:
                attempt = 0 if len(found) > before else attempt + 1
                slowest = max(later, key=lambda one: one.after_seconds or 0.0)
                asked = slowest.after_seconds or 0.0
                # A pause of minutes is left to the queue, which keeps it.
                if attempt >= self._patience.attempts or asked > self._patience.patience_seconds:
                    raise slowest
                self._patience.pause(attempt, asked)
        return found

    def _call(self, request: Any) -> dict[str, Any]:
        answer = self._patience.run(lambda: self._once(request.execute))
        return dict(answer)

    def _once(self, execute: Callable[[], Any]) -> Any:
        self._pace.wait()
        try:
            return execute()
        except (
            HttpError,
            ClientError,
            GoogleAuthError,
            httplib2.HttpLib2Error,
            OSError,
            ValueError,
        ) as error:
            failure = failure_of(error, self.name)
            if isinstance(failure, TryLater):
                # For whoever else asks of this mailbox now.
                self._pace.close(failure.after_seconds or 0.0)
            raise failure from None


def token_uri_of(credentials: Any) -> str:
    """Where these credentials are exchanged for a token."""
    return str(getattr(credentials, "token_uri", None) or credentials._token_uri)


def _credentials(connection: Connection) -> Any:
    account = connection.value("service_account")
    if account:
        try:
            info = json.loads(account)
            if connection.value("token_uri"):
                info["token_uri"] = connection.value("token_uri")
            return service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
                info, scopes=SCOPES, subject=connection.required("address")
            )
        except (ValueError, KeyError, TypeError):
            raise NeedsAdmin(
                f"gmail connection {connection.connection_id}: service_account is no usable key file"
            ) from None
    return Credentials(  # type: ignore[no-untyped-call]
        token=None,
        refresh_token=connection.required("refresh_token"),
        client_id=connection.required("client_id"),
        client_secret=connection.required("client_secret"),
        token_uri=connection.value("token_uri") or TOKEN_URI,
        scopes=SCOPES,
    )
