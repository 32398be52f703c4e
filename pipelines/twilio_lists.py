"""A list of an account, read newest first: what is new since the cursor, then the backfill, step by step.

    page, page, page … ──> Reader.rows ──> rows by table

Twilio can only filter by the time at which something was made, and changes it silently afterwards: so a
frequent pull looks back a little from the cursor, and a nightly one further (worker.jobs). A row is a
version; what is held already is not sent again.

The state of a list, kept by dlt: the cursor, under the reader's own name for it, and `backfill`: None, or
what is still to be read: {since, next, before, again, done}. `before` is the time down to which it is read: without
it the next step would miss, and ask for one by one, all that is held above and does not stand in its pages.
"""

from __future__ import annotations

import functools
import math
import re
import time
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from providers.failures import NotAccepted
from providers.twilio.client import PAGE_SIZE, Account, Listing

Page = dict[str, list[dict[str, Any]]]
#: More than this many items gone at once are noticed by several pulls.
CHECKED_PER_PAGE = 200
AS_TWILIO_WRITES = re.compile(
    r"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) \+0000", re.ASCII
)
#: As RFC 2822 names them, whatever the language of this machine.
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
BEGINNING = datetime.min.replace(tzinfo=UTC)
END = datetime.max.replace(tzinfo=UTC)


class Reader(Protocol):
    """What a channel knows of one of its lists."""

    listing: Listing
    #: The name of the cursor in the state.
    cursor: str
    #: What is younger cannot have left the list by its age; None where nothing ever does.
    kept_at_least: timedelta | None
    #: Whether what hangs on an item is looked at again although the item did not change.
    again: bool

    def at(self, item: dict[str, Any]) -> datetime | None:
        """The time that the list is ordered and filtered by."""

    def start(self, cursor: datetime) -> datetime:
        """How far a frequent pull looks back from the cursor."""

    def rows(self, listed: list[dict[str, Any]], after: datetime, before: datetime) -> Page:
        """The rows of a page, and of what is held between these times and not listed there."""


def step(
    account: Account,
    reader: Reader,
    state: dict[str, Any],
    since: datetime | None,
    deadline: float,
) -> Generator[Page, None, int]:
    """What is new since the cursor, then as much of the backfill as fits in the time.

    Returns how many items were listed. The caller commits `state` together with the pages.
    """
    pages = _Pages(account, reader)
    backfill, cursor = state.get("backfill"), state.get(reader.cursor)
    if cursor:
        start = reader.start(datetime.fromisoformat(cursor))
        # A long absence becomes a backfill of its own; beside another one it is read to its end.
        left = yield from pages.read(None, start, END, math.inf if backfill else deadline)
        if left:
            backfill = {
                "since": start.isoformat(),
                **left,
                "again": False,
                "done": pages.seen,
            }
    if since or not cursor:
        backfill = _wider(backfill, since)
    if backfill:
        until = datetime.fromisoformat(backfill["since"]) if backfill["since"] else None
        reader.again, seen = backfill["again"], pages.seen
        # A state of former versions does not tell where its step stopped.
        before = datetime.fromisoformat(backfill["before"]) if backfill.get("before") else END
        left = yield from pages.read(backfill["next"], until, before, deadline)
        done = backfill["done"] + pages.seen - seen
        backfill = {**backfill, **left, "done": done} if left else None
    state["backfill"] = backfill
    if pages.newest or not cursor:
        # Of an account without any the clock is the cursor.
        now = datetime.now(UTC).replace(microsecond=0)
        newest = min(pages.newest or now, now).isoformat()
        state[reader.cursor] = max(newest, cursor or "")
    return pages.seen


def _wider(backfill: dict[str, Any] | None, since: datetime | None) -> dict[str, Any]:
    """A backfill from the top that also covers what another one still had to do."""
    starts = [since.isoformat() if since else None, *([backfill["since"]] if backfill else [])]
    start = None if None in starts else min(starts)
    return {"since": start, "next": None, "before": None, "again": since is not None, "done": 0}


class _Pages:
    """Reads pages and remembers what it saw of them."""

    def __init__(self, account: Account, reader: Reader) -> None:
        self.account, self.reader = account, reader
        self.newest: datetime | None = None
        self.seen = 0

    def read(
        self, next_page: str | None, since: datetime | None, before: datetime, deadline: float
    ) -> Generator[Page, None, dict[str, str] | None]:
        """Pages from an address on; returns where to go on, where the time ran out.

        Args:
            before: what is not older was read already.
        """
        while True:
            listed, next_page = self._page(next_page, since)
            times = [at for at in map(self.reader.at, listed) if at]
            self.seen += len(listed)
            self.newest = max([*times, *([self.newest] if self.newest else [])], default=None)
            oldest = min(times, default=before)
            if since and not self.reader.listing.since and oldest < since:
                next_page = None
            after = oldest if next_page else self._floor(times, since)
            yield self.reader.rows(listed, after, before)
            if not next_page:
                return None
            before = min(before, oldest)
            if time.monotonic() > deadline:
                return {"next": next_page, "before": before.isoformat()}

    def _page(
        self, next_page: str | None, since: datetime | None
    ) -> tuple[list[dict[str, Any]], str | None]:
        try:
            return self.account.page(self.reader.listing, next_page, since)
        except NotAccepted:
            if next_page is None:
                raise
            # A page's address does not live for ever. From the top again: what is held is passed over.
            return self.account.page(self.reader.listing, None, since)

    def _floor(self, times: list[datetime], since: datetime | None) -> datetime:
        """Down to where the last page is complete: below it an item may have left by its age."""
        kept = self.reader.kept_at_least
        young = BEGINNING if kept is None else datetime.now(UTC) - kept
        return min([max(since, young) if since else young, *times])


def told_at(item: dict[str, Any], name: str) -> datetime | None:
    """A time as Twilio writes it (RFC 2822); None where there is none yet, and for what is no such time."""
    try:
        return _moment(item[name])
    except (KeyError, TypeError, ValueError):
        return None


# A time is read once for its page and once for its row.
@functools.lru_cache(maxsize=2 * PAGE_SIZE)
def _moment(text: str) -> datetime:
    # The general parser takes a third of a page's time, and Twilio always writes one form.
    if found := AS_TWILIO_WRITES.fullmatch(text):
        day, month, *rest = found.groups()
        year, hour, minute, second = map(int, rest)
        return datetime(year, MONTHS.index(month) + 1, int(day), hour, minute, second, tzinfo=UTC)
    told: datetime = parsedate_to_datetime(text)
    return told.astimezone(UTC)


def gone(
    account: Account,
    folder: str,
    held: list[tuple[Any, ...]],
    listed: list[dict[str, Any]],
    noticed: set[str],
) -> list[str]:
    """Of the held sids those that are not listed, and answered with 404 when asked for.

    Args:
        noticed: what this step has told before; it grows.
    """
    missing = sorted({sid for (sid,) in held} - {item["sid"] for item in listed} - noticed)
    found = [sid for sid in missing[:CHECKED_PER_PAGE] if account.one(f"{folder}/{sid}") is None]
    noticed.update(found)
    return found
