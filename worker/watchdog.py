"""Whether everything that landed is shown: the worker compares, whatever the fold believes of its own progress.

A fold notes each delivery and each load that it takes in. What landed a moment ago and is not among them is missing,
and the health page says since when: because no process folds, because it fails, or because its idea of what is new
is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from warehouse.channels import registry
from warehouse.queries import queries
from warehouse.settings import Role, Settings

SQL = queries("watchdog")
#: So long a fold may take before what landed counts as missing.
GRACE = timedelta(seconds=20)
#: The ledger is kept for two days; older loads are not looked for.
LEDGER = timedelta(hours=47)


@dataclass(frozen=True)
class Missing:
    """How many deliveries, or newest loads of a history, are not folded, and since when."""

    count: int
    since: datetime | None


def watch(settings: Settings) -> Missing:
    """Compare, note what was found for the health page, and return it."""
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as database:
        now = datetime.now(UTC)
        row = database.execute(SQL["watched"]).fetchone()
        settled = row[0] if row else now - LEDGER
        until = now - GRACE
        found = database.execute(
            SQL["deliveries_not_folded"], {"from_at": settled, "until_at": until}
        ).fetchone()
        assert found is not None
        missing, since = int(found[0]), found[1]
        loads = _loads_not_folded(database, until)
        oldest = min((moment for moment in (since, *loads) if moment is not None), default=None)
        database.execute(
            SQL["note_watch"],
            {
                "folded_until": since or until,
                "missing": missing + len(loads),
                "missing_since": oldest,
            },
        )
        return Missing(missing + len(loads), oldest)


def _loads_not_folded(database: psycopg.Connection[Any], until: datetime) -> list[datetime]:
    """When the newest load of each history began, where it is not folded. A load's id is its time in seconds."""
    late = []
    schemas = [channel.history_schema for channel in registry().values() if channel.pulls]
    for schema, name in database.execute(SQL["histories"], {"schemas": schemas}).fetchall():
        newest = database.execute(
            sql.SQL("select _dlt_load_id from {} order by transaction_id desc limit 1").format(
                sql.Identifier(schema, name)
            )
        ).fetchone()
        if newest is None:
            continue
        loaded_at = datetime.fromtimestamp(float(newest[0]), UTC)
        if not until - LEDGER < loaded_at < until:
            continue
        if database.execute(
            SQL["load_is_folded"], {"raw_table": f"{schema}.{name}", "load_id": newest[0]}
        ).fetchone() != (True,):
            late.append(loaded_at)
    return late
