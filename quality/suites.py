"""What is expected, rule by rule, each with its words and its weight.

A rule is critical where what breaks it makes what people see wrong or incomplete; a warning where it only wants a look.
A rule looks at columns that landing and pulls wrote, and at what the models say of a payload, never into one: only dbt
interprets those.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

from psycopg import sql

from quality.datasets import DELIVERIES, Dataset, Table, of_table
from warehouse.channels import Channel, registry
from warehouse.schemes import schemes

#: No provider that we know has messages of before.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
OUTCOMES = (
    "message",
    "revision",
    "reaction",
    "status",
    "system_event",
    "ignored",
    "quarantined",
    "destroyed",
)
KINDS = (
    "text", "email", "call", "voicemail", "media", "location", "contacts", "interactive", "story", "system",
    "unsupported",
)  # fmt: skip
STATUSES = (
    "received",
    "queued",
    "sent",
    "delivered",
    "read",
    "failed",
    "completed",
    "missed",
    "deleted",
)
DIRECTIONS = ("inbound", "outbound")
ROLES = ("from", "to", "cc", "bcc")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One thing that is expected, as it is told to Great Expectations: by name, because a look that finds nothing new
    does without the library, which takes seconds of a core to import."""

    #: The name of its class there.
    kind: str
    severity: str
    words: str
    given: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Suite:
    """What is expected of one dataset."""

    name: str
    #: What is looked at, in words.
    about: str
    dataset: Dataset
    rules: tuple[Rule, ...]
    #: The channel whose loads make it worth a look; None for what is looked at by night.
    channel: str | None = None


def must(kind: str, words: str, **given: Any) -> Rule:
    """A critical rule."""
    return Rule(kind=kind, severity="critical", words=words, given=given)


def should(kind: str, words: str, **given: Any) -> Rule:
    """A rule whose breach wants a look."""
    return Rule(kind=kind, severity="warning", words=words, given=given)


def of_channel(channel: Channel) -> Iterator[Suite]:
    """What is expected of what one channel brings, through both doors."""
    known = _module(channel.channel)
    tables: tuple[Table, ...] = known.HISTORY if known and channel.pulls else ()
    if channel.pushes:
        yield _deliveries(channel, known.CONTENT_TYPES if known else ())
    for table in tables:
        yield _history(channel, table)
    doors = [DELIVERIES] if channel.pushes else []
    yield _events(channel, (*doors, *((channel.history_schema, each.name) for each in tables)))


def _module(channel: str) -> ModuleType | None:
    """What is known of a provider beyond what holds for all; a new channel may do without."""
    name = f"quality.{channel}"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def _times() -> tuple[Rule, ...]:
    return (
        must(
            "ExpectColumnPairValuesAToBeGreaterThanB",
            "It did not come in the future",
            column_A="latest",
            column_B="came_at",
            or_equal=True,
        ),
        must(
            "ExpectColumnValuesToNotBeNull",
            "It says when it came",
            column="came_at",
        ),
    )


def _is_of(channel: Channel) -> Rule:
    return must(
        "ExpectColumnValuesToBeInSet",
        f"It came through a connection of {channel.name}",
        column="connection_channel",
        value_set=[channel.channel],
    )


def _deliveries(channel: Channel, content_types: tuple[str, ...]) -> Suite:
    rules = [
        must(
            "ExpectColumnValuesToNotBeNull",
            "It has the key by which a retry counts as the same",
            column="delivery_key",
        ),
        should(
            "ExpectColumnValuesToBeUnique",
            "A retry is not stored twice",
            column="key_of_sender",
        ),
        _is_of(channel),
        must(
            "ExpectColumnValuesToBeInSet",
            "It is a POST",
            column="method",
            value_set=["POST"],
        ),
        should(
            "ExpectColumnValuesToBeInSet",
            "At least 99 of 100 bodies can be read",
            column="is_readable",
            value_set=[True],
            mostly=0.99,
        ),
        *_times(),
    ]
    if content_types:
        rules.append(
            should(
                "ExpectColumnValuesToBeInSet",
                f"It is of a type that {channel.name} is known to send",
                column="content_type",
                value_set=list(content_types),
            )
        )
    return Suite(
        name=f"{channel.channel} deliveries",
        about=f"What the webhook of {channel.name} brought",
        dataset=_of_channel("deliveries", channel, (DELIVERIES,)),
        rules=tuple(rules),
        channel=channel.channel,
    )


def _events(channel: Channel, tables: tuple[tuple[str, str], ...]) -> Suite:
    return Suite(
        name=f"{channel.channel} events",
        about=f"What became of each event of {channel.name}",
        dataset=_of_channel("events", channel, tables),
        rules=(
            must(
                "ExpectColumnValuesToBeUnique",
                "An event stands once",
                column="key",
            ),
            must(
                "ExpectColumnValuesToBeInSet",
                "It has one of the outcomes there are",
                column="outcome",
                value_set=list(OUTCOMES),
            ),
            must(
                "ExpectColumnValuesToNotBeNull",
                "Something became of it",
                column="outcome",
            ),
            should(
                "ExpectColumnValuesToBeInSet",
                "At least 19 of 20 are understood",
                column="is_understood",
                value_set=[True],
                mostly=0.95,
            ),
        ),
        channel=channel.channel,
    )


def _history(channel: Channel, table: Table) -> Suite:
    rules = [
        must("ExpectColumnValuesToNotBeNull", "It has the provider's own id", column=table.id),
        must(
            "ExpectColumnValuesToMatchRegex",
            f"Its id is one of {channel.name}",
            column=table.id,
            regex=table.pattern,
        ),
        must("ExpectColumnValuesToBeUnique", "A version stands once", column="row_key"),
        must("ExpectColumnValuesToBeUnique", "No two rows have one key", column="key"),
        must("ExpectColumnValuesToNotBeNull", "It tells its load", column="_dlt_load_id"),
        _is_of(channel),
        *_times(),
    ]
    if table.at:
        rules += [
            should(
                "ExpectColumnPairValuesAToBeGreaterThanB",
                "The provider's time is not after it came",
                column_A="latest_of_provider",
                column_B=table.at,
                or_equal=True,
                ignore_row_if="either_value_is_missing",
            ),
            should(
                "ExpectColumnValuesToBeBetween",
                f"The provider's time is not before {EARLIEST.year}",
                column=table.at,
                min_value=EARLIEST,
            ),
        ]
    if "raw_size_bytes" in table.columns:
        rules += [
            must(
                "ExpectColumnValuesToBeBetween",
                "The original has bytes",
                column="raw_size_bytes",
                min_value=1,
            ),
            must(
                "ExpectColumnValuesToMatchRegex",
                "The original is kept under its hash",
                column="raw_sha256",
                regex="^[0-9a-f]{64}$",
            ),
        ]
    for column, words in table.words.items():
        rules.append(
            must(
                "ExpectColumnValuesToBeInSet",
                f"Its {column} is one of {', '.join(words)}",
                column=column,
                value_set=list(words),
            )
        )
    return Suite(
        name=f"{channel.history_schema}.{table.name}",
        about=f"What was pulled of {channel.name}: {table.name}",
        dataset=of_table(channel.history_schema, table),
        rules=tuple(rules),
        channel=channel.channel,
    )


def _of_channel(query: str, channel: Channel, tables: tuple[tuple[str, str], ...]) -> Dataset:
    slug = channel.channel
    return Dataset(query=query, given={"channel": sql.Literal(slug)}, tables=tables, channel=slug)


def volumes() -> Suite:
    """How much each connection brought, against its own rhythm."""
    return Suite(
        name="volumes",
        about="How many messages each connection brought yesterday",
        dataset=Dataset(query="volumes"),
        rules=(
            should(
                "ExpectColumnPairValuesAToBeGreaterThanB",
                "No less than a fifth of what this day of the week brought at the least",
                column_A="messages",
                column_B="least",
                or_equal=True,
            ),
            should(
                "ExpectColumnPairValuesAToBeGreaterThanB",
                "No more than five times what this day of the week brought at the most",
                column_A="most",
                column_B="messages",
                or_equal=True,
            ),
        ),
    )


def of_marts(build: str = "") -> Iterator[Suite]:
    """What is expected of what people see. `build` names schemas beside those that serve."""
    marts = f"marts{build}"
    yield Suite(
        name=f"{marts}.messages",
        about="Messages as pages and analysts read them",
        dataset=Dataset(query="messages"),
        rules=(
            must("ExpectColumnValuesToBeUnique", "A message stands once", column="key"),
            must(
                "ExpectColumnValuesToBeInSet",
                "Every message is shown",
                column="is_shown",
                value_set=[True],
            ),
            must(
                "ExpectColumnValuesToBeInSet",
                "It is inbound or outbound",
                column="direction",
                value_set=list(DIRECTIONS),
            ),
            must(
                "ExpectColumnValuesToBeInSet",
                "It is of a kind that pages know",
                column="kind",
                value_set=list(KINDS),
            ),
            must(
                "ExpectColumnValuesToBeInSet",
                "Its status is one that pages know",
                column="status",
                value_set=list(STATUSES),
            ),
            must("ExpectColumnValuesToNotBeNull", "It has its time", column="sent_at"),
            must(
                "ExpectColumnValuesToBeBetween",
                "It names where it lies in raw",
                column="copies",
                min_value=1,
            ),
            must(
                "ExpectColumnValuesToBeInSet",
                "Its connection is of its channel",
                column="is_of_its_connection",
                value_set=[True],
            ),
            should(
                "ExpectColumnPairValuesAToBeGreaterThanB",
                "It was sent before it came",
                column_A="latest",
                column_B="sent_at",
                or_equal=True,
                ignore_row_if="either_value_is_missing",
            ),
            should(
                "ExpectColumnValuesToBeBetween",
                f"It was not sent before {EARLIEST.year}",
                column="sent_at",
                min_value=EARLIEST,
            ),
        ),
    )
    yield Suite(
        name=f"{marts}.timeline",
        about="Whether what somebody outside took part in stands on a timeline",
        dataset=Dataset(query="timeline"),
        rules=(
            must(
                "ExpectColumnValuesToBeInSet",
                "It stands on the timeline of whoever took part",
                column="is_on_timeline",
                value_set=[True],
            ),
        ),
    )
    yield Suite(
        name=f"{marts}.message_participants",
        about="Who took part in each message",
        dataset=Dataset(query="participants"),
        rules=(
            must(
                "ExpectColumnValuesToBeInSet",
                "Everybody has a part that pages know",
                column="role",
                value_set=list(ROLES),
            ),
            must(
                "ExpectColumnValuesToBeInSet",
                "Everybody is known by something that can be told apart",
                column="scheme",
                value_set=sorted(schemes()),
            ),
            must(
                "ExpectColumnValuesToBeInSet",
                "What they are known by is whole",
                column="is_whole",
                value_set=[True],
            ),
        ),
    )
    yield Suite(
        name=f"{marts}.conversations",
        about="Conversations, by the mark of their id",
        dataset=Dataset(query="conversations"),
        rules=(
            must("ExpectColumnValuesToBeUnique", "A conversation stands once", column="key"),
            must(
                "ExpectColumnValuesToBeInSet",
                "It is of a channel that there is",
                column="channel",
                value_set=sorted(registry()),
            ),
            must(
                "ExpectColumnValuesToBeInSet",
                "Its last message is inbound or outbound",
                column="last_direction",
                value_set=list(DIRECTIONS),
            ),
            must(
                "ExpectColumnValuesToBeBetween",
                "It has a message",
                column="message_count",
                min_value=1,
            ),
            must(
                "ExpectColumnPairValuesAToBeGreaterThanB",
                "It ends after it begins",
                column_A="last_at",
                column_B="first_at",
                or_equal=True,
            ),
        ),
    )
    yield Suite(
        name=f"{marts}.identities",
        about="What people are known by, each by its mark",
        dataset=Dataset(query="identities"),
        rules=(
            must("ExpectColumnValuesToBeUnique", "An identity stands once", column="key"),
            must(
                "ExpectColumnValuesToBeInSet",
                "It is of a scheme that there is",
                column="scheme",
                value_set=sorted(schemes()),
            ),
            must(
                "ExpectColumnValuesToBeInSet",
                "It is whole",
                column="is_whole",
                value_set=[True],
            ),
            must(
                "ExpectColumnValuesToBeBetween",
                "It counts no less than no message",
                column="message_count",
                min_value=0,
            ),
            must(
                "ExpectColumnPairValuesAToBeGreaterThanB",
                "It was seen last after it was seen first",
                column_A="last_seen_at",
                column_B="first_seen_at",
                or_equal=True,
                ignore_row_if="either_value_is_missing",
            ),
        ),
    )
    yield Suite(
        name=f"{marts}.customers",
        about="Customers with what was counted of them",
        dataset=Dataset(query="customers"),
        rules=(
            must("ExpectColumnValuesToBeUnique", "A customer stands once", column="key"),
            should(
                "ExpectColumnValuesToBeInSet",
                "A customer has a name",
                column="has_name",
                value_set=[True],
            ),
            must(
                "ExpectColumnPairValuesAToBeGreaterThanB",
                "The last contact is after the first",
                column_A="last_at",
                column_B="first_at",
                or_equal=True,
                ignore_row_if="either_value_is_missing",
            ),
        ),
    )


def compared() -> Suite:
    """What was built anew, beside what serves."""
    return Suite(
        name="built beside",
        about="How much the tables built anew hold, beside those that serve",
        dataset=Dataset(query="compared"),
        rules=(
            must(
                "ExpectColumnPairValuesAToBeGreaterThanB",
                "It holds at least nine tenths of what serves",
                column_A="built",
                column_B="least",
                or_equal=True,
            ),
        ),
    )
