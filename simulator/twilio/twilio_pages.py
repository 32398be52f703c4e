"""Lists of Twilio's REST API: pages, page tokens, date filters, dates in answers."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Protocol
from urllib.parse import urlencode

MOST_PER_PAGE = 1000


class Ordered(Protocol):
    """A record with a place in time: (epoch seconds, sid)."""

    @property
    def order(self) -> tuple[int, str]: ...


def page(
    query: Mapping[str, str],
    path: str,
    name: str,
    newest_first: Iterable[Any],
    resource: Callable[[Any], dict[str, Any]],
) -> dict[str, Any]:
    """One page of a list as Twilio answers it. A page token is a place in time, so that arrivals
    and deletions between two pages skip nothing.

    Raises:
        ValueError: page, page size or page token is none.
    """
    size = max(1, min(MOST_PER_PAGE, int(query.get("PageSize", 50))))
    number = int(query.get("Page", 0))
    behind = read_token(query["PageToken"]) if query.get("PageToken") else None
    found = []
    for record in newest_first:
        if behind is None or record.order < behind:
            found.append(record)
            if len(found) > size:
                break
    kept = {k: v for k, v in query.items() if k not in ("Page", "PageToken", "PageSize")}

    def uri(number: int, token: str = "") -> str:
        more = {"PageToken": token} if token else {}
        return f"{path}?" + urlencode(kept | {"PageSize": str(size), "Page": str(number)} | more)

    shown = found[:size]
    return {
        name: [resource(record) for record in shown],
        "page": number,
        "page_size": size,
        "start": number * size,
        "end": number * size + max(0, len(shown) - 1),
        "uri": uri(number),
        "first_page_uri": uri(0),
        "previous_page_uri": uri(number - 1) if number else None,
        "next_page_uri": uri(number + 1, _token(shown[-1])) if len(found) > size else None,
    }


def _token(record: Ordered) -> str:
    at, sid = record.order
    return "PA" + base64.urlsafe_b64encode(f"{at}:{sid}".encode()).decode().rstrip("=")


def read_token(token: str) -> tuple[int, str]:
    text = base64.urlsafe_b64decode(token[2:] + "=" * (-len(token[2:]) % 4)).decode()
    created, _, sid = text.partition(":")
    return int(created), sid


def date_tests(query: Mapping[str, str], name: str) -> list[Callable[[int], bool]]:
    """The tests of a date filter with the operators "", "<" (on or before) and ">" (on or after).

    Raises:
        ValueError: neither a date nor an ISO 8601 time.
    """
    return [
        date_test(query[name + sign], sign) for sign in ("", "<", ">") if query.get(name + sign)
    ]


def date_test(value: str, operator: str) -> Callable[[int], bool]:
    """A test of epoch seconds.

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
