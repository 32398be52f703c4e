"""Lists of the Graph API: cursors, and a `paging.next` that holds the access token, as Meta's does."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from simulator.meta.graph_errors import invalid_parameter

DEFAULT_LIMIT, MOST_PER_PAGE = 25, 500


def page(
    records: Sequence[Any],
    place: Callable[[Any], tuple[int, str]],
    shown: Callable[[Any], dict[str, Any]],
    query: dict[str, str],
    url: str,
    token: str,
    *,
    default: int = DEFAULT_LIMIT,
    most: int = MOST_PER_PAGE,
    empty: bool = False,
) -> dict[str, Any]:
    """One page of records that are newest first. A cursor is a place in time. With `empty` the page
    has nothing, and a `next` all the same.

    Raises:
        GraphError: 100 for a cursor or limit that is none.
    """
    try:
        limit = max(1, min(most, int(query.get("limit") or default)))
        behind = _read(query["after"]) if query.get("after") else None
        before = _read(query["before"]) if query.get("before") else None
    except ValueError:
        raise invalid_parameter("Invalid cursor or limit") from None
    found = [r for r in records if behind is None or place(r) < behind]
    if before is not None:
        found = [r for r in found if place(r) > before][-limit:]
    chosen = [] if empty else found[:limit]
    answer: dict[str, Any] = {"data": [shown(r) for r in chosen]}
    if not found:
        return answer
    # An empty page leads on from where it stands: before the newest, where it is the first.
    newest = place(found[0])
    after = place(chosen[-1]) if chosen else behind or (newest[0] + 1, newest[1])
    answer["paging"] = {"cursors": {"before": _cursor(newest), "after": _cursor(after)}}
    if len(found) > len(chosen):
        kept = {k: v for k, v in query.items() if k not in ("after", "before", "access_token")}
        kept |= {"access_token": token, "limit": str(limit), "after": _cursor(after)}
        answer["paging"]["next"] = f"{url}?{urlencode(kept)}"
    return answer


def _cursor(place: tuple[int, str]) -> str:
    return base64.urlsafe_b64encode(f"{place[0]}:{place[1]}".encode()).decode().rstrip("=")


def _read(cursor: str) -> tuple[int, str]:
    text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    at, _, identity = text.partition(":")
    return int(at), identity
