"""What of one timeline stands on the screen: pages of messages, each drawn as one element.

Pages once drawn keep their place; what arrives later is appended in small pages, so that the browser
replaces little and a fold that someone opened stays open.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from warehouse.filters import EVERYTHING, Filter

Row = dict[str, Any]

#: A page of arrivals takes this many before the next one begins.
ARRIVALS_PER_PAGE = 20


def position(row: Row) -> str:
    """Where a message stands in its timeline: one text, as the fold made it."""
    return str(row["sort_key"])


@dataclass
class Page:
    """Messages drawn as one element, oldest first."""

    rows: list[Row]
    _drawn: tuple[Hashable, str] | None = field(default=None, repr=False)

    @property
    def answered(self) -> frozenset[str]:
        """The messages that messages of this page answer."""
        return frozenset(row["in_reply_to"] for row in self.rows if row.get("in_reply_to"))

    def change(self, rows: list[Row]) -> None:
        self.rows, self._drawn = sorted(rows, key=position), None

    def drawn(self, key: Hashable, draw: Callable[[list[Row]], str]) -> str:
        """The HTML, made again only when the messages or the key differ."""
        if self._drawn is None or self._drawn[0] != key:
            self._drawn = (key, draw(self.rows))
        return self._drawn[1]


@dataclass
class Shown:
    """The pages on the screen. No page is empty."""

    customer_id: str
    #: Pages with the newest messages, oldest page first: the first page, then arrivals.
    newest: list[Page]
    #: Pages fetched by "Earlier messages", in the order they were fetched: newest page first.
    older: list[Page]
    #: Whether nothing stands before the oldest shown message.
    reached_first: bool
    #: When each message arrived that was not there at the opening.
    arrivals: list[datetime] = field(default_factory=list)
    #: The moment before the newest page was read last (app/live/changes.py).
    mark: str = ""
    #: The newest fold of which something was read.
    fold: int = 0
    #: What is shown of the timeline, and where the page before begins where something passes more rarely than a page.
    wanted: Filter = EVERYTHING
    next_before: str | None = None
    #: What the customer's identities are called.
    names: Mapping[str, str] = field(default_factory=dict)
    #: How often something changed since the opening.
    changes: int = 0

    @property
    def by_id(self) -> dict[str, Row]:
        pages = (*self.older, *self.newest)
        return {row["message_id"]: row for page in pages for row in page.rows}

    @property
    def oldest(self) -> Row | None:
        pages = (*self.older[::-1], *self.newest)
        return pages[0].rows[0] if pages else None

    def above_newest(self, index: int) -> Row | None:
        """The message before page `index` of `newest`, when it is on the screen."""
        if index > 0:
            return self.newest[index - 1].rows[-1]
        return self.older[0].rows[-1] if self.older else None

    def above_older(self, index: int) -> Row | None:
        """The message before page `index` of `older`, when it is on the screen."""
        return self.older[index + 1].rows[-1] if index + 1 < len(self.older) else None

    def add_older(self, rows: list[Row], page_size: int) -> None:
        """Add the page before the oldest message."""
        if rows:
            self.older.append(Page(rows))
        self.reached_first = len(rows) < page_size

    def arrived_within(self, seconds: float, now: datetime) -> int:
        """How many messages arrived on this screen in the last seconds."""
        return sum((now - at).total_seconds() < seconds for at in self.arrivals)

    def take(self, rows: list[Row], now: datetime) -> bool:
        """Take the newest page as it is now.

        False when it does not reach down to what is shown: there would be a gap, so start anew.
        """
        known = self.by_id
        if known and not any(row["message_id"] in known for row in rows):
            return False
        self.take_changes(rows, now)
        return True

    def take_changes(self, rows: list[Row], now: datetime) -> None:
        """Take messages of any age as they are now; those before the oldest shown one come with their page."""
        known, oldest = self.by_id, self.oldest
        self._note_fold(rows)
        self.changes += 1
        for row in rows:
            is_older = oldest is not None and position(row) < position(oldest)
            if row["message_id"] not in known and is_older and not self.reached_first:
                continue
            if row["message_id"] not in known:
                self._insert(row)
                self.arrivals.append(now)
            elif row != known[row["message_id"]]:
                self._replace(row)

    @classmethod
    def only(
        cls, customer_id: str, rows: list[Row], wanted: Filter, next_before: str | None
    ) -> Shown:
        """The screen when what passes a filter is opened at its newest page; an empty filter lets everything pass."""
        made = cls(customer_id, [Page(rows)] if rows else [], [], next_before is None)
        made.wanted, made.next_before = wanted, next_before
        made._note_fold(rows)
        return made

    def begin(self, rows: list[Row], wanted: Filter, next_before: str | None) -> None:
        """Show nothing but the newest page of what passes another filter."""
        anew = self.only(self.customer_id, rows, wanted, next_before)
        vars(self).update(vars(anew) | {"names": self.names})

    def add_before(self, rows: list[Row], next_before: str | None) -> None:
        """Add what passes before the oldest message, oldest first; where the search for it ended."""
        if rows:
            self.older.append(Page(rows))
        self.next_before, self.reached_first = next_before, next_before is None

    def _note_fold(self, rows: list[Row]) -> None:
        self.fold = max([self.fold, *(row.get("folded_in") or 0 for row in rows)])

    def _replace(self, row: Row) -> None:
        for page in (*self.newest[::-1], *self.older):
            others = [there for there in page.rows if there["message_id"] != row["message_id"]]
            if len(others) < len(page.rows):
                # Sorted anew: another copy of a message can make it earlier.
                page.change([*others, row])
                return

    def _insert(self, row: Row) -> None:
        last = self.newest[-1].rows if self.newest else []
        is_newest = not last or position(row) > position(last[-1])
        if is_newest and (len(self.newest) < 2 or len(last) >= ARRIVALS_PER_PAGE):
            self.newest.append(Page([row]))
            return
        below = (page for page in self.newest[::-1] if position(row) > position(page.rows[0]))
        page = next(below, self.newest[0])
        page.change([*page.rows, row])
