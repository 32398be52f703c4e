"""What people are told when their information is collected (APP 5): a text for each channel, with the day it begins."""

from __future__ import annotations

from datetime import UTC, datetime

from psycopg.rows import DictRow

from warehouse.channels import registry
from warehouse.decisions.ledger import Database, execute, text
from warehouse.events import Actor, record
from warehouse.queries import queries
from warehouse.refusals import Refused

SQL = queries("cases")
LONGEST_TEXT = 20_000


def make_notice(
    database: Database, actor: Actor, channel: str, words: str, *, begins_at: datetime | None = None
) -> int:
    """Note what people of a channel are told from a day on; returns the version. What held before stays known.

    Raises:
        Refused: there is no such channel, or no words.
    """
    if channel not in registry():
        raise Refused(f"there is no channel {channel[:40]!r}: {', '.join(registry())}")
    told = text(words, "the notice", LONGEST_TEXT)
    if not told:
        raise Refused("say what people are told")
    begins = begins_at or datetime.now(UTC)
    with database.transaction():
        rows = execute(
            database, SQL["make_notice"],
            {"channel": channel, "words": told, "begins_at": begins, "made_by": actor.name},
        )  # fmt: skip
        version = int(rows[0]["version"])
        detail = {"version": version, "begins_at": begins.isoformat()}
        record(database, actor.event("notice.make", "channel", channel, detail=detail))
    return version


def notices(database: Database) -> list[DictRow]:
    """Every notice with the time for which it holds."""
    return execute(database, SQL["notices"], {})


def told_nothing(database: Database) -> list[DictRow]:
    """How many people wrote first while no notice was in force, by channel."""
    return execute(database, SQL["told_nothing"], {})
