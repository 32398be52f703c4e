"""The messages of one conversation as rows (docs/providers/messenger.md and instagram.md).

Graph gives the details of the 20 newest messages of a conversation; of older ones only that they exist. Such a
message is a row without payload, `unavailable`: that says nothing about its deletion. What is held already is
never followed by such a row. Where an answer would be too large, less is asked for, down to one message at a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pipelines.existing_rows import ExistingRows
from providers.failures import NotAccepted, ProviderFailed
from providers.meta.client import Graph, page_of
from providers.meta.failures import NotAvailable, TooMuch
from warehouse.sanitise import sanitised, version_of

#: So many of the newest messages of a conversation have details.
DETAILED = 20
#: How many messages are asked for at once: of a list without details, and with details, where Graph finds more too
#: much. None leaves the number to Graph.
LIST_SIZES = (100, 25, 5, 1)
DETAILED_SIZES = (None, 10, 3, 1)
#: What every account can be asked for. A channel names more, and does without where Graph refuses a name.
LEAST_FIELDS = "id,created_time,from,to,message,attachments"
#: What a list tells of a message without its details.
LISTED = {"id", "created_time"}

URL = re.compile(r"https?://\S+", re.IGNORECASE)
#: Which parameters of a media URL say what it is; the others sign it, and differ at every call.
LASTING_PARAMETERS = ("asset_id",)


@dataclass(frozen=True)
class Account:
    """One page or Instagram account.

    `conversations` is the path of its list, `fields` what is asked of a message, `held` and `counterpart` the
    queries for what is held of some ids and for the other side of a conversation, `untold` for edits whose text no
    webhook told. `folders` are the parts that the list has; None is what Graph lists by itself.
    """

    connection_id: str
    account_id: str
    conversations: str
    platform: str
    fields: str
    held: str
    counterpart: str
    untold: str
    folders: tuple[str | None, ...] = (None,)


class Messages:
    """The messages of an account's conversations, page by page.

    `way` is how details are asked for, from the cheapest on: in one call with the list, or one by one. Which way
    an account takes is found out once.
    """

    def __init__(
        self, graph: Graph, account: Account, existing_rows: ExistingRows, way: int
    ) -> None:
        self.graph, self.account, self.existing_rows = graph, account, existing_rows
        self.ways = [
            (nested, fields)
            for nested in (True, False)
            for fields in dict.fromkeys((account.fields, LEAST_FIELDS))
        ]
        self.way = min(way, len(self.ways) - 1)
        #: Of this step, which are not in the warehouse yet: the other sides of conversations, and its rows.
        self.counterparts: dict[str, dict[str, Any] | None] = {}
        self._made: dict[str, dict[str, bool]] = {}

    def newest(self, conversation: str, *, again: bool) -> tuple[Listed, str | None]:
        """The first page of a conversation, with details, and the cursor of the next.

        Args:
            again: ask for the details of held messages too, where they are asked for one by one.

        Raises:
            NotAvailable: there is no such conversation.
            TooMuch: Graph does not even give one message of it.
        """
        way = self.way
        while True:
            nested, fields = self.ways[way]
            try:
                return self._newest(conversation, fields, nested=nested, again=again)
            except NotAccepted:
                # The account takes this way from now on.
                if way == len(self.ways) - 1:
                    raise
                way = self.way = max(way + 1, self.way)
            except TooMuch:
                # This conversation alone is too large for it.
                one_by_one = next(n for n, (nests, _) in enumerate(self.ways) if not nests)
                if way >= one_by_one:
                    raise
                way = one_by_one

    def _newest(
        self, conversation: str, fields: str, *, nested: bool, again: bool
    ) -> tuple[Listed, str | None]:
        try:
            found, after = self._first_page(conversation, fields if nested else None)
        except NotAvailable:
            if not nested:
                raise
            # A message without details may spoil the whole answer: the list alone tells which exist.
            found, after = self._first_page(conversation, None)
        listed = [_plain(message) for message in found]
        held = set() if nested or again else self._held(listed).available
        details = [
            message
            if set(message) - LISTED
            else self._details(message["id"], fields)
            if place < DETAILED and message["id"] not in held
            else None
            for place, message in enumerate(listed)
        ]
        return self._rows(conversation, listed, details), after

    def _first_page(
        self, conversation: str, fields: str | None
    ) -> tuple[list[dict[str, Any]], str | None]:
        """The newest messages, with these fields or only that they exist; fewer where they are too much at once.

        A page with details that is cut short is followed by others, until all that have details are there.
        """
        found: list[dict[str, Any]] = []
        after: str | None = None
        for size in DETAILED_SIZES:
            try:
                while True:
                    page, after = self._page(conversation, fields, size, after)
                    found += page
                    if size is None or after is None or len(found) >= DETAILED:
                        return found, after
            except TooMuch:
                if size == DETAILED_SIZES[-1]:
                    raise
        raise AssertionError("the last size returns or raises")

    def _page(
        self, conversation: str, fields: str | None, size: int | None, after: str | None
    ) -> tuple[list[dict[str, Any]], str | None]:
        modifiers = (f".limit({size})" if size else "") + (f".after({after})" if after else "")
        wanted = f"messages{modifiers}" + (f"{{{fields}}}" if fields else "")
        answer = self.graph.get(conversation, is_much=True, fields=wanted)
        return page_of(answer.get("messages") or {})

    def _details(self, identity: str, fields: str) -> dict[str, Any] | None:
        try:
            return _plain(self.graph.get(identity, is_much=True, fields=fields))
        except NotAvailable:
            return None
        except TooMuch:
            # One message alone: what every account can be asked for, or only that it exists.
            if fields == LEAST_FIELDS:
                return None
            return self._details(identity, LEAST_FIELDS)

    def older(self, conversation: str, after: str | None) -> tuple[Listed, str | None]:
        """A later page of a conversation: which messages exist."""
        for size in LIST_SIZES:
            try:
                found, following = self.graph.page(
                    f"{conversation}/messages",
                    is_much=True,
                    fields="id,created_time",
                    limit=size,
                    after=after,
                )
                break
            except TooMuch:
                if size == LIST_SIZES[-1]:
                    raise
        listed = [_plain(message) for message in found]
        return self._rows(conversation, listed, [None] * len(listed)), following

    def told_now(self, conversation: str, identity: str) -> list[dict[str, Any]]:
        """A message as Graph tells it now, as a row where that is new; nothing where its details are not given."""
        _, fields = self.ways[self.way]
        payload = self._details(identity, fields)
        return self._rows(conversation, [payload], [payload]).rows if payload else []

    # -- rows -------------------------------------------------------------------------------------

    def _held(self, listed: list[dict[str, Any]]) -> Held:
        """What is held of these messages, or stands in a row of this step."""
        ids = [message["id"] for message in listed]
        rows = self.existing_rows.rows(self.account.held, ids=ids)
        rows += [
            (identity, version, unavailable)
            for identity in ids
            for version, unavailable in self._made.get(identity, {}).items()
        ]
        return Held(
            versions={(identity, version) for identity, version, _ in rows},
            ids={identity for identity, _, _ in rows},
            available={identity for identity, _, unavailable in rows if not unavailable},
        )

    def _rows(
        self,
        conversation: str,
        listed: list[dict[str, Any]],
        details: list[dict[str, Any] | None],
    ) -> Listed:
        held, now = self._held(listed), datetime.now(UTC)
        counterpart = self._counterpart(conversation, details)
        rows = []
        for message, payload in zip(listed, details, strict=True):
            version = version_of(lasting(payload))
            if (message["id"], version) in held.versions or (
                payload is None and message["id"] in held.ids
            ):
                continue
            self._made.setdefault(message["id"], {})[version] = payload is None
            rows.append(
                {
                    "connection_id": self.account.connection_id,
                    "account_id": self.account.account_id,
                    "conversation_id": conversation,
                    "id": message["id"],
                    "version": version,
                    "payload": payload,
                    "unavailable": payload is None,
                    "counterpart": counterpart,
                    "created_time": message.get("created_time"),
                    "created_at": moment(message.get("created_time")),
                    "pulled_at": now,
                }
            )
        times = [at for at in (moment(message.get("created_time")) for message in listed) if at]
        return Listed(
            rows=rows,
            count=len(listed),
            oldest=min(times, default=None),
            ends_held=bool(listed) and listed[-1]["id"] in held.ids,
        )

    def _counterpart(
        self, conversation: str, details: list[dict[str, Any] | None]
    ) -> dict[str, Any] | None:
        """The one participant who is not the account; None where nobody, or more than one, is left."""
        people = {
            str(person["id"]): {
                key: person[key] for key in ("id", "name", "username") if key in person
            }
            for payload in details
            for person in _participants(payload or {})
            if person.get("id") not in (None, self.account.account_id)
        }
        if people:
            known = next(iter(people.values())) if len(people) == 1 else None
            self.counterparts[conversation] = known
        elif conversation not in self.counterparts:
            held = self.existing_rows.rows(self.account.counterpart, conversation=conversation)
            self.counterparts[conversation] = held[0][0] if held else None
        return self.counterparts[conversation]


@dataclass(frozen=True)
class Held:
    """What is held of some messages."""

    versions: set[tuple[str, str]]
    ids: set[str]
    #: Those whose details are held.
    available: set[str]


@dataclass(frozen=True)
class Listed:
    """A page of messages: rows of what is new, how many were listed, and whether the last one was held before."""

    rows: list[dict[str, Any]]
    count: int
    oldest: datetime | None
    ends_held: bool


def _participants(payload: dict[str, Any]) -> list[dict[str, Any]]:
    to = payload.get("to")
    found = [payload.get("from"), *((to.get("data") or []) if isinstance(to, dict) else [])]
    return [person for person in found if isinstance(person, dict)]


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    """A message as Graph gave it, storable, and without any `paging`."""
    if not isinstance(message.get("id"), str):
        raise ProviderFailed("Graph's answer holds a message without an id")
    plain: dict[str, Any] = sanitised(_unpaged(message))
    return plain


def _unpaged(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unpaged(item) for key, item in value.items() if key != "paging"}
    return [_unpaged(item) for item in value] if isinstance(value, list) else value


def lasting(payload: dict[str, Any] | None) -> dict[str, Any] | None:
    """What makes a version: the payload without what differs from call to call.

    Of an address there remain the file's name and what says which it is; the text of the message is whole.
    """
    if payload is None:
        return None
    return {key: value if key == "message" else _lasting(value) for key, value in payload.items()}


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lasting(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_lasting(item) for item in value]
    if isinstance(value, str) and URL.fullmatch(value):
        return _lasting_address(value)
    return value


def _lasting_address(address: str) -> list[str]:
    try:
        split = urlsplit(address)
        query = parse_qs(split.query)
    except ValueError:
        return []
    named = [value for name in LASTING_PARAMETERS for value in query.get(name, [])]
    return [split.path.rstrip("/").rpartition("/")[2], *named]


def moment(written: Any) -> datetime | None:
    """A time as Graph writes it, `2026-08-16T03:45:01+0000`; None for what is no such time."""
    try:
        told = datetime.fromisoformat(written)
    except (TypeError, ValueError):
        return None
    return told.astimezone(UTC) if told.tzinfo else None
