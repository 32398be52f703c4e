"""What Google's errors mean for a pull (docs/providers/google.md). Neither bodies nor tokens are repeated."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import httplib2
from google.auth.exceptions import RefreshError, TransportError
from googleapiclient.errors import HttpError

from providers.failures import (
    NeedsAdmin,
    NotAccepted,
    Permanent,
    ProviderFailed,
    TryLater,
    seconds_asked,
)

RATE_REASONS = {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "backendError"}
RETRY_AFTER = re.compile(r"Retry after (\S+Z)", re.IGNORECASE)


class NotFound(Permanent):
    """Google answered 404: the mail is gone, or the cursor too old."""


def failure_of(error: Exception, name: str) -> ProviderFailed:
    """The error in our words; `ProviderFailed` names status and reason, never a body."""
    if isinstance(error, RefreshError):
        return _refused_token(error, name)
    if isinstance(error, HttpError):
        return _refused_call(error, name)
    if isinstance(error, (TransportError, httplib2.HttpLib2Error, OSError)):
        return TryLater(f"{name}: Google cannot be reached ({type(error).__name__})")
    return ProviderFailed(f"{name}: the Google client refuses ({type(error).__name__})")


def _refused_token(error: RefreshError, name: str) -> ProviderFailed:
    if getattr(error, "retryable", False):
        return TryLater(f"{name}: Google's token endpoint is away")
    detail = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], dict) else {}
    reason = str(detail.get("error") or "refused")[:60]
    return NeedsAdmin(
        f"{name}: Google refuses the credentials ({reason}): the mailbox's owner must consent "
        "again and the new refresh_token be set (or the service account's delegation be mended); a refresh token "
        "of an External app in Testing dies after seven days: make the app Internal, or publish it, first"
    )


def _refused_call(error: HttpError, name: str) -> ProviderFailed:
    status = int(error.resp.status)
    reason, words = _reason(error)
    said = f"{name}: Google answered {status}" + (f" ({reason})" if reason else "")
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
    return NotAccepted(f"{said}: the request was refused")


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
        return (
            max(0.0, (datetime.fromisoformat(found[1]) - datetime.now(UTC)).total_seconds())
            if found
            else None
        )
    except (ValueError, TypeError):
        return None
