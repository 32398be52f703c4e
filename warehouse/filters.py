"""A filter over messages: one value, read from an address or built by a search, and what SQL needs of it.

    address ──> Filter ──> parameters ──> warehouse/queries/filters.sql, within any query over messages

Within one condition any of the values will do, all conditions together must hold. A day is a day of `CRM_TIMEZONE`,
both ends included: 23, 24 or 25 hours. What an address says that cannot be is left out, never an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from warehouse.channels import registry

DIRECTIONS = ("inbound", "outbound")
STATUSES = (
    "received", "queued", "sent", "delivered", "read", "failed", "completed", "missed", "deleted",
)  # fmt: skip
KINDS = (
    "text", "email", "call", "voicemail", "media", "location", "contacts", "interactive", "story", "system",
    "unsupported",
)  # fmt: skip
#: How the conversation of a message stands.
STATES = ("unassigned", "assigned")
#: Spans that move with the day on which they are read; so a link to "today" shows today.
PERIODS = ("today", "yesterday", "7-days", "30-days", "this-month", "last-month", "this-year")

#: More values of one condition nobody chooses by hand, nor longer ones.
MOST_VALUES = 30
LONGEST_VALUE = 600
EARLIEST, LATEST = date(1970, 1, 2), date(2199, 12, 31)
#: Between these lies every position of a message (`sort_key`).
FIRST, BEHIND_ALL = "", "~"


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What is asked of messages; an empty one asks nothing."""

    #: One of PERIODS; where there is one, `since` and `until` say nothing.
    period: str = ""
    #: The first and the last day.
    since: date | None = None
    until: date | None = None
    channels: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()
    #: Ids: what a reader sees of one thread alone.
    conversations: tuple[str, ...] = ()
    #: Of the conversation.
    tags: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    has_attachment: bool = False

    def __bool__(self) -> bool:
        """Whether anything is asked."""
        return any(getattr(self, each.name) for each in fields(self))

    @classmethod
    def read(cls, address: Mapping[str, Sequence[str]]) -> Filter:
        """The filter that an address holds; parameters of others are left alone."""
        period = next((each for each in address.get("when", ()) if each in PERIODS), "")
        since, until = (None, None) if period else (_day(address.get("from")), _day(address.get("to")))  # fmt: skip
        if since and until and since > until:
            since, until = until, since
        lists = {name: _values(address.get(word, ()), known) for word, (name, known) in _lists().items()}  # fmt: skip
        return cls(
            period=period, since=since, until=until, **lists, has_attachment="attachment" in address.get("has", ())
        )  # fmt: skip

    def address(self) -> dict[str, list[str]]:
        """As it stands in an address; `read` gives the same filter back."""
        said = {
            "when": [self.period] if self.period else [],
            "from": [self.since.isoformat()] if self.since else [],
            "to": [self.until.isoformat()] if self.until else [],
            **{word: list(getattr(self, name)) for word, (name, _) in _lists().items()},
            "has": ["attachment"] if self.has_attachment else [],
        }
        return {word: values for word, values in said.items() if values}

    @classmethod
    def words(cls) -> tuple[str, ...]:
        """The parameters of an address that a filter may use."""
        return ("when", "from", "to", *_lists(), "has")

    def without(self, name: str, value: str = "") -> Filter:
        """The same without one condition, or without one value of it. `days` are all that stands about time."""
        if name == "days":
            return replace(self, period="", since=None, until=None)
        if name == "has_attachment":
            return replace(self, has_attachment=False)
        left: Any = tuple(each for each in getattr(self, name) if each != value)
        return replace(self, **{name: left})

    def days(self, today: date) -> tuple[date | None, date | None]:
        """The first and the last day that it asks for."""
        if not self.period:
            return self.since, self.until
        first_of_month = today.replace(day=1)
        before = first_of_month - timedelta(days=1)
        return {
            "today": (today, today),
            "yesterday": (today - timedelta(days=1), today - timedelta(days=1)),
            "7-days": (today - timedelta(days=6), today),
            "30-days": (today - timedelta(days=29), today),
            "this-month": (first_of_month, today),
            "last-month": (before.replace(day=1), before),
            "this-year": (today.replace(month=1, day=1), today),
        }[self.period]

    def parameters(self, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
        """What `filters.sql` needs: null where nothing is asked. `from_key` and `before_key` are its days as positions.

        Args:
            zone: whose days are meant.
            now: decides which days a period is.
        """
        since, until = self.days(now.astimezone(zone).date())
        begins = start_of_day(since, zone) if since else None
        ends = start_of_day(until + timedelta(days=1), zone) if until else None
        lists = {name: list(getattr(self, name)) or None for name, _ in _lists().values()}
        return {
            **lists,
            "has_attachment": self.has_attachment or None,
            "since": begins,
            "until": ends,
            "from_key": sortable(begins) if begins else FIRST,
            "before_key": sortable(ends) if ends else BEHIND_ALL,
        }


#: Asks nothing.
EVERYTHING = Filter()


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Its first instant, in UTC."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def sortable(moment: datetime) -> str:
    """How sort keys of that moment begin, as dbt_project/macros/copies.sql writes them: every key before it is less."""
    microseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    # No message is older; a minus would stand before none of them, and behind others.
    return f"{max(microseconds, 0):014x}"


def _lists() -> dict[str, tuple[str, tuple[str, ...] | None]]:
    """The word of each list in an address, its field, and the values that there are where they are few."""
    return {
        "channel": ("channels", tuple(registry())),
        "direction": ("directions", DIRECTIONS),
        "status": ("statuses", STATUSES),
        "kind": ("kinds", KINDS),
        "connection": ("connections", None),
        "conversation": ("conversations", None),
        "tag": ("tags", None),
        "assignee": ("assignees", None),
        "state": ("states", STATES),
    }


def _values(given: Sequence[str], known: tuple[str, ...] | None) -> tuple[str, ...]:
    """Each once, in the order of those that there are."""
    if known is not None:
        return tuple(each for each in known if each in given)
    usable = (each for each in given if each and len(each) <= LONGEST_VALUE and "\0" not in each)
    return tuple(dict.fromkeys(usable))[:MOST_VALUES]


def _day(given: Sequence[str] | None) -> date | None:
    try:
        day = date.fromisoformat(given[0]) if given else None
    except ValueError:
        return None
    return day if day and EARLIEST <= day <= LATEST else None
