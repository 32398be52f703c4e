"""Limits: some people see some channels and connections alone (`crm.users.only_channels`, `only_connections`).

    viewer_within ──> the connection's cursors ──> every statement of this transaction, read through limits.sql

A page, a list, a search, a count or a file asks as for everybody. In the transaction of somebody with limits each
relation that a statement reads is put in brackets: `canonical.messages` becomes the part of it that they see. So no
query knows of limits, none can forget them, and who has none pays nothing. A relation of `canonical` or `marts` that
nobody has thought of here is refused instead of shown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import psycopg
from psycopg.rows import dict_row

from app.access.roles import Forbidden
from app.database import Database, Row
from warehouse.queries import queries

SQL = queries("limits")
#: What says nothing of any channel, or is looked into by the key of what is seen.
OF_NOBODY = frozenset({"canonical.aliases", "canonical.folds"})
#: While something is decided its object must be one that they see; what else it depends on is asked as for everybody.
OF_DECISIONS = frozenset(
    {
        "canonical.messages",
        "canonical.conversations",
        "canonical.threads",
        "canonical.identities",
        "crm.notes",
    }
)
OTHERWISE = "nothing is asked in this way for people with limits"
_COMMENT = re.compile(r"--[^\n]*")
#: A relation that is read, with the name that the query has for it. What is called is a function.
_READ = re.compile(
    r"(?<!delete )\b(?P<verb>from|join)\s+(?P<schema>canonical|marts|crm)\.(?P<name>\w+)\b(?!\s*\()"
    r"(?:\s+as\s+(?P<alias>\w+))?",
    re.IGNORECASE,
)
_LEFT = re.compile(r"\b(?:canonical|marts)\.\w+\b(?!\s*\()")


class BeyondLimits(Forbidden):
    """What is asked for cannot be told apart by channel, so nobody with limits is shown it."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What somebody is limited to; a message of one of these channels or connections is seen."""

    channels: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()


def of(row: Row) -> Limits | None:
    """The limits in a row of `crm.users`; None for who sees everything."""
    channels, connections = row["only_channels"], row["only_connections"]
    if channels is None and connections is None:
        return None
    return Limits(channels=tuple(channels or ()), connections=tuple(connections or ()))


def bound(connection: Database, limits: Limits, *, decides: bool) -> None:
    """From here on every statement on this connection is within the limits, until it goes back to the pool."""
    connection.cursor_factory = _cursor(limits, decides)
    connection.server_cursor_factory = _InPieces


def beyond(connection: Database, customer_ids: Sequence[str]) -> list[str]:
    """Which of these customers have messages that the person on this connection does not see; nobody for who sees all.

    A page that shows a part says so, or it would be taken for the whole. This alone is asked without the limits.
    """
    asked = getattr(connection.cursor_factory, "asked", None)
    if asked is None:
        return []
    cursor = psycopg.Cursor(connection, row_factory=dict_row)
    rows = cursor.execute(SQL["beyond"], {"customer_ids": list(customer_ids), **asked}).fetchall()
    return [row["customer_id"] for row in rows]


class _InPieces(psycopg.ServerCursor[Row]):
    """What is larger than a page is taken out by roles that have no limits."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        raise BeyondLimits("whole files are not given to people with limits")


@lru_cache(maxsize=256)
def _cursor(limits: Limits, decides: bool) -> type[psycopg.Cursor[Row]]:
    """Cursors that ask within these limits."""

    class Limited(psycopg.Cursor[Row]):
        asked: ClassVar = {
            "limit_channels": list(limits.channels),
            "limit_connections": list(limits.connections),
        }

        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            text = query if isinstance(query, str) else query.as_string(self)
            # What has no parameters is taken as it is written; with some a sign of percent is written twice.
            within = limited(text if params is not None else text.replace("%", "%%"), decides)
            if within is not None:
                query, params = within, {**(params or {}), **self.asked}
            return super().execute(query, params, **options)

        def executemany(self, *_: Any, **__: Any) -> Any:
            raise BeyondLimits(OTHERWISE)

        def stream(self, *_: Any, **__: Any) -> Any:
            raise BeyondLimits(OTHERWISE)

        def copy(self, *_: Any, **__: Any) -> Any:
            raise BeyondLimits(OTHERWISE)

    return Limited


@lru_cache(maxsize=1024)
def limited(query: str, decides: bool) -> str | None:
    """The query within limits; None where it reads nothing that is limited.

    Raises:
        BeyondLimits: it reads something of which nobody has said what somebody with limits sees of it.
    """
    text = _COMMENT.sub("", query)

    def part(read: re.Match[str]) -> str:
        relation = f"{read['schema']}.{read['name']}"
        key = relation.replace(".", "_")
        if key not in SQL or (decides and relation not in OF_DECISIONS):
            return read[0]
        return f"{read['verb']} ({SQL[key]}\n) as {read['alias'] or read['name']}"

    for left in {each[0] for each in _LEFT.finditer(text)} if not decides else ():
        if left.replace(".", "_") not in SQL and left not in OF_NOBODY:
            raise BeyondLimits(f"{left} is not shown to people with limits")
    # What is not read by its own words would be read whole.
    if not decides and any(
        left.replace(".", "_") in SQL for left in _LEFT.findall(_READ.sub("", text))
    ):
        raise BeyondLimits("this is not shown to people with limits")
    within = _READ.sub(part, text)
    return within if within != text else None
