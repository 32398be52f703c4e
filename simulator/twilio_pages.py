"""Places and times in Twilio's message list: page tokens, date filters, dates in answers."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from simulator.records import Sms


def page_token(sms: Sms) -> str:
    return "PA" + base64.urlsafe_b64encode(f"{sms.created}:{sms.sid}".encode()).decode().rstrip("=")


def read_page_token(token: str) -> tuple[int, str]:
    text = base64.urlsafe_b64decode(token[2:] + "=" * (-len(token[2:]) % 4)).decode()
    created, _, sid = text.partition(":")
    return int(created), sid


def date_test(value: str, operator: str) -> Callable[[int], bool]:
    """A test of epoch seconds for DateSent with operator "", "<" (on or before) or ">" (on or
    after).

    Raises:
        ValueError: neither a date nor an ISO 8601 time.
    """
    whole_day = "T" not in value and " " not in value
    start = datetime.fromisoformat(value)
    start = start.replace(tzinfo=UTC) if start.tzinfo is None else start
    first = int(start.timestamp())
    last = int((start + timedelta(days=1)).timestamp()) - 1 if whole_day else first
    return {"": lambda t: first <= t <= last, "<": lambda t: t <= last, ">": lambda t: t >= first}[
        operator
    ]


def rfc2822(epoch: int | None) -> str | None:
    return None if epoch is None else format_datetime(datetime.fromtimestamp(epoch, UTC))
