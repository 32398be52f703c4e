"""Gmail's API as a pull needs it, through Google's own client (providers.md §5.3 and 5.7).

Every call repeats itself while Google says "slower" or is away; a call inside a batch too.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import google_auth_httplib2
import httplib2
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from google.oauth2 import service_account
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import Error as ClientError
from googleapiclient.errors import HttpError
from googleapiclient.http import BatchHttpRequest

from pipelines.failures import BACK_OFF, NeedsAdmin, PullFailed, TryLater, seconds_asked
from warehouse.connections import Connection

SCOPES = ["https://www.googleapis.com/auth/gmail.readonly"]
TOKEN_URI = "https://oauth2.googleapis.com/token"
API_BASE = "https://gmail.googleapis.com"
LIST_SIZE = 500
BATCH_SIZE = 50
#: Fewer calls to a batch where mails are large: an answer is held in memory whole.
BATCH_BYTES = 32_000_000
TIMEOUT_SECONDS = 60.0
RATE_REASONS = {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "backendError"}
RETRY_AFTER = re.compile(r"Retry after (\S+Z)", re.IGNORECASE)

# It logs every 403 with its body.
logging.getLogger("googleapiclient").setLevel(logging.CRITICAL)


class NotFound(PullFailed):
    """Google answered 404: the mail is gone, or the cursor too old."""


class Refused(PullFailed):
    """Google answered 400: for a page token, that it is no longer valid."""


class Mailbox:
    """One mailbox, read as its owner or through domain-wide delegation."""

    def __init__(self, connection: Connection) -> None:
        self.address = connection.required("address")
        self.name = f"gmail connection {connection.connection_id}"
        base = (connection.value("api_base") or API_BASE).rstrip("/")
        http = google_auth_httplib2.AuthorizedHttp(
            _credentials(connection), http=httplib2.Http(timeout=TIMEOUT_SECONDS)
        )
        # Static discovery: the client's own copy of the description, no call to fetch one.
        self.users = build(
            "gmail", "v1", http=http, client_options={"api_endpoint": base}, static_discovery=True
        ).users()
        # The client's own batch address ignores api_endpoint.
        self._batch_uri = f"{base}/batch"
        self._http = http
        self._batch_size = BATCH_SIZE

    def profile(self) -> dict[str, Any]:
        """`historyId` (the present cursor), `messagesTotal`."""
        return self._call(self.users.getProfile(userId="me"))

    def page(
        self, token: str | None, *, since: datetime | None = None, label: str | None = None
    ) -> tuple[list[str], str | None]:
        """Ids of a page of the mailbox, newest first, and the next page's token.

        Raises:
            Refused: the token is no longer valid.
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
        return [message["id"] for message in answer.get("messages") or []], answer.get("nextPageToken")

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

    def batches(self, ids: list[str], form: str) -> Iterator[list[tuple[str, dict[str, Any] | None]]]:
        """The mails of these ids in batches, in order; None for one that is gone.

        Args:
            form: `raw` for everything, `minimal` for labels and ids.
        """
        while ids:
            wanted, ids = ids[: self._batch_size], ids[self._batch_size :]
            found = self._batch(wanted, form)
            yield [(identity, found[identity]) for identity in wanted]
            size = max(1, sum(len((mail or {}).get("raw") or "") for mail in found.values()) // len(found))
            self._batch_size = max(1, min(BATCH_SIZE, BATCH_BYTES // size))

    def _batch(self, ids: list[str], form: str) -> dict[str, dict[str, Any] | None]:
        found: dict[str, dict[str, Any] | None] = {}
        attempt = 0
        while len(found) < len(ids):
            later: list[TryLater] = []
            failures: list[PullFailed] = []

            def take(identity: str, answer: Any, error: Exception | None) -> None:
                if error is None:
                    found[identity] = answer
                    return
                failure = self._failure(error)
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
                if attempt >= BACK_OFF.attempts:
                    raise later[0]
                BACK_OFF.pause(attempt, max((one.after_seconds or 0.0 for one in later), default=0.0))
        return found

    def _call(self, request: Any) -> dict[str, Any]:
        answer = BACK_OFF.run(lambda: self._once(request.execute))
        return dict(answer)

    def _once(self, execute: Callable[[], Any]) -> Any:
        try:
            return execute()
        except (HttpError, ClientError, GoogleAuthError, httplib2.HttpLib2Error, OSError, ValueError) as error:
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> PullFailed:
        """The error in our words; `PullFailed` names status and reason, never a body."""
        if isinstance(error, RefreshError):
            return self._refused_token(error)
        if isinstance(error, HttpError):
            return self._refused_call(error)
        if isinstance(error, (TransportError, httplib2.HttpLib2Error, OSError)):
            return TryLater(f"{self.name}: Google cannot be reached ({type(error).__name__})")
        return PullFailed(f"{self.name}: the Google client refuses ({type(error).__name__})")

    def _refused_token(self, error: RefreshError) -> PullFailed:
        if getattr(error, "retryable", False):
            return TryLater(f"{self.name}: Google's token endpoint is away")
        detail = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], dict) else {}
        reason = str(detail.get("error") or "refused")[:60]
        return NeedsAdmin(
            f"{self.name}: Google refuses the credentials ({reason}): the mailbox's owner must consent "
            "again and the new refresh_token be set (or the service account's delegation be mended)"
        )

    def _refused_call(self, error: HttpError) -> PullFailed:
        status = int(error.resp.status)
        reason, words = _reason(error)
        said = f"{self.name}: Google answered {status}" + (f" ({reason})" if reason else "")
        if status == 404:
            return NotFound(f"{said}: not found")
        if reason == "dailyLimitExceeded":
            return TryLater(f"{said}: the day's quota of the Google project is used up", 3600.0)
        if status == 429 or status >= 500 or (status == 403 and reason in RATE_REASONS):
            after = seconds_asked(error.resp.get("retry-after")) or _seconds_until(words)
            return TryLater(f"{said}: Google asks us to slow down or is away", after)
        if status in (401, 403):
            return NeedsAdmin(
                f"{said}: check that the Gmail API is on, that the scope gmail.readonly was given, and "
                "that no policy of the domain forbids it"
            )
        if status == 400 and reason == "failedPrecondition":
            return NeedsAdmin(f"{said}: this user has no Gmail mailbox")
        return Refused(f"{said}: the request was refused")


def _credentials(connection: Connection) -> Any:
    account = connection.value("service_account")
    if account:
        try:
            info = json.loads(account)
            if connection.value("token_uri"):
                info["token_uri"] = connection.value("token_uri")
            return service_account.Credentials.from_service_account_info(
                info, scopes=SCOPES, subject=connection.required("address")
            )
        except (ValueError, KeyError, TypeError):
            raise NeedsAdmin(
                f"gmail connection {connection.connection_id}: service_account is no usable key file"
            ) from None
    return Credentials(
        token=None,
        refresh_token=connection.required("refresh_token"),
        client_id=connection.required("client_id"),
        client_secret=connection.required("client_secret"),
        token_uri=connection.value("token_uri") or TOKEN_URI,
        scopes=SCOPES,
    )


def _reason(error: HttpError) -> tuple[str, str]:
    """Google's reason word, and its text, which may name a time."""
    try:
        told = json.loads(error.content)["error"]
        first = (told.get("errors") or [{}])[0]
        reason = str(first.get("reason") or told.get("status") or "")
        return re.sub(r"\W", "", reason)[:60], str(told.get("message") or "")
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return "", ""


def _seconds_until(words: str) -> float | None:
    found = RETRY_AFTER.search(words)
    try:
        return max(0.0, (datetime.fromisoformat(found[1]) - datetime.now(UTC)).total_seconds()) if found else None
    except (ValueError, TypeError):
        return None
