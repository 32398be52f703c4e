"""The fold: whatever landed since the last one, brought into every canonical table in one transaction.

New is what this transaction sees and the last folded snapshot did not, so neither a long load nor a forgotten
transaction elsewhere delays anybody, and nothing is missed. Readers see all of a batch or nothing.

A batch that the database cannot take in is halved until the culprit stands alone. That row is set aside with the
database's sentence and shown in the quarantine; its neighbours go through.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from transform.models import Models, ModelsFailed
from transform.statements import RawTable, Statement, Statements
from warehouse.queries import queries
from warehouse.settings import Role, Settings

SQL = queries("fold")
#: A longer backlog is folded in parts of about so many raw rows, in the order of their transactions.
LARGEST_BATCH = 10_000
#: What one statement of a fold may take, so that one delivery cannot hold up all others.
STATEMENT_SECONDS = 60
#: More culprits than these in one batch are a fault of the models and not of what landed.
MOST_CULPRITS = 100
#: Held by the one process that folds, as long as it lives; others stand by.
LEADER = "hashtext('crm fold leader')"
#: Classes of SQLSTATE that a row can be the cause of: data, constraints, program limits, the routines that read it,
#: internal errors.
OF_A_ROW = ("21", "22", "23", "2F", "38", "39", "54", "P0", "XX")
#: Every look-up goes by an index. What the planner would guess while tables are small, or empty, must not stand in a
#: kept plan.
SESSION = """
    set jit = off;
    set enable_seqscan = off;
    set enable_hashjoin = off;
    set enable_mergejoin = off;
    set plan_cache_mode = force_generic_plan;
    set work_mem = '64MB';
    set client_min_messages = warning;
    set statement_timeout = '{} s';
"""

#: What was destroyed and is still to be taken out of the tables: new to a fold as what landed is.
FORGETTING = ("privacy", "forgetting")
#: A row that the last folded snapshot did not see (dbt_project/macros/batch.sql says the same with bounds for an index,
#: and an end).
NOT_FOLDED = sql.SQL(
    "(transaction_id >= canonical.folded_until('live') or transaction_id = any (canonical.folded_without('live')))"
    " and not pg_visible_in_snapshot(transaction_id, (select folded from canonical.fold_state where build = 'live'))"
)

log = logging.getLogger("crm.fold")


@dataclass(frozen=True)
class Folded:
    """What one fold did."""

    fold: int
    raw_rows: int
    messages: int
    seconds: float
    #: Whether more waits, because the backlog was long or a row was set aside.
    has_more: bool = False


@dataclass(frozen=True)
class RawRow:
    """One row of raw."""

    raw_table: str
    row_id: str
    channel: str = field(compare=False)
    connection_id: str | None = field(compare=False)
    received_at: Any = field(compare=False)


def connect(settings: Settings, name: str = "crm fold") -> psycopg.Connection[Any]:
    """A connection of the transformer; each statement outside a block is its own transaction."""
    database = psycopg.connect(
        settings.url_for(Role.TRANSFORMER), autocommit=True, application_name=name
    )
    database.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return database


def standing(database: psycopg.Connection[Any]) -> tuple[str, Statements] | None:
    """Fingerprint and statements of the models that serve; None where none were built yet."""
    row = database.execute(SQL["standing"]).fetchone()
    if row is None or row[1] is None:
        return None
    return str(row[0]), Statements.loaded(row[1])


def has_new(
    database: psycopg.Connection[Any], statements: Statements, seen_by: str | None = None
) -> bool:
    """Whether anything is committed that no fold has taken in.

    seen_by: of what this snapshot saw, and not of what came since.
    """
    waiting = [(table.schema, table.name) for table in statements.raw_tables if table.is_accounted]
    seen: sql.Composable = sql.SQL("")
    if seen_by is not None:
        seen = sql.SQL(" and pg_visible_in_snapshot(transaction_id, {}::pg_snapshot)").format(
            seen_by
        )
    return any(
        database.execute(
            sql.SQL("select exists (select from {table} where ({new}){seen})").format(
                table=sql.Identifier(*place), new=NOT_FOLDED, seen=seen
            )
        ).fetchone()
        == (True,)
        for place in [*waiting, FORGETTING]
    )


def restamp_unfolded(database: psycopg.Connection[Any], tables: Sequence[RawTable]) -> str | None:
    """After a restore: rows that the former cluster had not folded count as landed now. Returns the newest id of a
    transaction that the dump brought, or None where it brought nothing."""
    newest: str | None = None
    for table in tables:
        if not table.is_accounted:
            continue
        relation = sql.Identifier(table.schema, table.name)
        found = database.execute(
            sql.SQL("select max(transaction_id)::text from {}").format(relation)
        ).fetchone()
        if found and found[0] is not None and int(found[0]) > int(newest or 0):
            newest = found[0]
        database.execute(
            sql.SQL("update {} set transaction_id = pg_current_xact_id() where {}").format(
                relation, NOT_FOLDED
            )
        )
    return newest


def by_dbt(database: psycopg.Connection[Any], models: Models) -> None:
    """Fold what is new by dbt's own incremental run: slower, and the same. Nobody else may fold meanwhile.

    Raises:
        ModelsFailed: names each model that failed; the next fold takes everything in again.
    """
    database.execute(f"select pg_advisory_lock({LEADER})")
    try:
        database.execute(SQL["begin_fold"], {"build": "live", "until": None})
        models.run()
        database.execute(SQL["end_fold"], {"build": "live"})
    finally:
        database.execute(f"select pg_advisory_unlock({LEADER})")


class Fold:
    """A session that folds. `build` names the tables: those that serve, or those beside them ('next')."""

    def __init__(
        self, database: psycopg.Connection[Any], statements: Statements, build: str = "live"
    ) -> None:
        self.database = database
        self.statements = statements
        self.build = build
        self.schema = "canonical" if build == "live" else f"canonical_{build}"
        self._everything: list[RawRow] = []
        #: Tables whose model reads the table itself.
        self._aside = {
            model.name
            for model in statements.models
            if not model.is_working
            and any(f'"{self.schema}"."{model.name}"' in text for _, text in model.parts)
        }
        self._models = {model.name: model for model in statements.models}
        self._working = {model.name for model in statements.models if model.is_working}
        self._channels: set[str] = set()
        #: Of a long backlog: up to which transactions its parts go, the oldest first.
        self._cuts: list[str] = []
        self._prepared: set[str] = set()
        # Plans are kept for the session by statements that we prepare ourselves: psycopg forgets its own at every
        # rollback.
        database.prepare_threshold = None
        self._open()

    # -- one fold ---------------------------------------------------------------------------------

    def once(self) -> Folded | None:
        """Fold what is new, or as much of it as one batch holds; None where nothing is.

        Raises:
            ModelsFailed: the models themselves are at fault, or too many rows are.
            psycopg.OperationalError: the warehouse is away.
        """
        until = None
        try:
            while self._cuts:
                until = self._cuts.pop(0)
                done = self._fold(until)
                if done is not None:
                    return done
            until = None
            return self._fold()
        except psycopg.errors.SerializationFailure:
            # Tables were swapped, or another process folded: there is a newer state to begin from.
            self._cuts.clear()
            return Folded(fold=0, raw_rows=0, messages=0, seconds=0.0, has_more=True)
        except psycopg.Error as fault:
            if not _may_be_a_row(fault):
                raise
            log.warning(
                "a batch failed, looking for the row that makes it fail: %s", _sentence(fault)
            )
            self._isolate(fault, until)
            return Folded(fold=0, raw_rows=0, messages=0, seconds=0.0, has_more=True)

    def until_done(self) -> int:
        """Fold until nothing is new; returns how many folds that took."""
        folds = 0
        while (done := self.once()) is not None:
            folds += 1
            if not done.has_more and done.raw_rows == 0:
                break
        return folds

    def within_transaction(self) -> None:
        """Fold everything new inside a transaction of the caller's, which sees it."""
        number = self._one("begin_fold", build=self.build, until=None)
        raw_rows = self._read_new_rows()
        if raw_rows:
            self._run_all(raw_rows)
        self._end(number, None)

    def _fold(
        self, until: str | None = None, only: Sequence[RawRow] | None = None
    ) -> Folded | None:
        started = time.monotonic()
        number = raw_rows = messages = 0
        with self.database.transaction():
            number = self._one("begin_fold", build=self.build, until=until)
            if only is not None:
                self._set_aside_others(only)
            raw_rows = self._read_new_rows()
            if raw_rows > LARGEST_BATCH and only is None and until is None:
                rows = self.database.execute(SQL["cuts"], {"rows": LARGEST_BATCH}).fetchall()
                self._cuts = [cut for (cut,) in rows]
            if raw_rows == 0 or (self._cuts and until is None):
                # Nothing to do, or too much at once.
                raise psycopg.Rollback()
            messages = self._run_all(raw_rows)
            self._end(number, only)
            if self.build == "live":
                self._record(number, raw_rows, messages, time.monotonic() - started)
        if self._cuts and until is None:
            return self.once()
        if raw_rows == 0:
            return None
        return Folded(
            fold=number,
            raw_rows=raw_rows,
            messages=messages,
            seconds=time.monotonic() - started,
            has_more=until is not None,
        )

    def _run_all(self, raw_rows: int) -> int:
        """Every model behind the new rows; returns how many messages they touched."""
        counts = {"new_rows": raw_rows}
        for model in self.statements.models:
            if model.name != "new_rows":
                counts[model.name] = self._put(model, counts)
        return counts["batch"]

    def _put(self, model: Statement, counts: dict[str, int]) -> int:
        """Run one model. One that reads working tables alone has nothing to do where they are empty."""
        if model.reads and not any(counts.get(read) for read in model.reads):
            return 0
        if model.is_working:
            return self._insert(model, f'pg_temp."{model.name}"')
        if not counts.get(model.forget):
            return 0
        table = f'"{self.schema}"."{model.name}"'
        put = f'pg_temp."{model.name}"'
        if model.name in self._aside:
            # It adds to its own rows, so they are read before they are forgotten.
            self._insert(model, put)
        self._run(
            f"forget {model.name}",
            f"delete from {table} where {model.forget_key} in"  # noqa: S608 names of our own models
            f' (select {model.forget_key} from pg_temp."{model.forget}")',
        )
        if model.name in self._aside:
            return self._run(f"put {model.name}", f"insert into {table} table {put}")
        return self._insert(model, table)

    def _insert(self, model: Statement, target: str) -> int:
        return sum(
            self._run(f"{model.name} {channel}", f"insert into {target} {select}")
            for channel, select in model.parts
            if not channel or channel in self._channels
        )

    def _read_new_rows(self) -> int:
        """Fill the working table of what is new; returns how many rows that is."""
        rows = self._insert(self._models["new_rows"], 'pg_temp."new_rows"')
        self._channels = {
            channel for (channel,) in self.database.execute(SQL["new_channels"]).fetchall()
        }
        return rows

    def _run(self, name: str, text: str) -> int:
        """Run a statement of dbt's by the plan that this session keeps for it; returns how many rows it wrote."""
        quoted = sql.Identifier(name).as_string(self.database)
        if name not in self._prepared:
            for working in self._working:
                text = text.replace(f'"{self.schema}"."{working}"', f'pg_temp."{working}"')
            # Compiled by dbt from our own files.
            self.database.execute(f"prepare {quoted} as {text}")
            self._prepared.add(name)
        return self.database.execute(f"execute {quoted}").rowcount

    def _end(self, number: int, only: Sequence[RawRow] | None) -> None:
        if only is None:
            self._execute("end_fold", build=self.build)
            self._execute("end_forgetting")
        else:
            # Some of the batch is left: what was folded stands, and is folded again with the rest, which changes
            # nothing.
            self._execute("put_back_others")
        if self.build == "live":
            self._execute("note_folded")
            self._execute("notice", fold=number)

    def _record(self, number: int, raw_rows: int, messages: int, seconds: float) -> None:
        self._execute(
            "record_fold",
            fold=number,
            raw_rows=raw_rows,
            messages=messages,
            error=None,
            seconds=seconds,
        )

    def warm_up(self) -> None:
        """Have every plan made before anything waits for it: the largest take a second."""
        with self.database.transaction():
            self._one("begin_fold", build=self.build, until=None)
            self._channels = {
                channel for model in self.statements.models for channel, _ in model.parts
            }
            counts = dict.fromkeys((model.name for model in self.statements.models), 1)
            for model in self.statements.models:
                self._put(model, counts)
            raise psycopg.Rollback()

    # -- what cannot be folded ----------------------------------------------------------------------

    def _isolate(self, fault: psycopg.Error, until: str | None) -> None:
        """Find each row of the batch that fails alone and set it aside; fold all others."""
        self._everything = self._new_rows(until)
        waiting = [self._everything]
        culprits = 0
        while waiting:
            part = waiting.pop()
            if not part:
                continue
            failed = self._try(part, until)
            if failed is None:
                continue
            if len(part) > 1:
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]
                continue
            culprits += 1
            if culprits > MOST_CULPRITS:
                raise ModelsFailed(
                    f"more than {MOST_CULPRITS} rows of one batch cannot be folded: {_sentence(failed)}"
                ) from fault
            self._set_aside(part[0], failed)

    def _try(self, part: Sequence[RawRow], until: str | None) -> psycopg.Error | None:
        try:
            self._fold(until, only=part)
        except psycopg.errors.SerializationFailure:
            return self._try(part, until)
        except psycopg.Error as fault:
            if not _may_be_a_row(fault):
                raise
            return fault
        return None

    def _new_rows(self, until: str | None) -> list[RawRow]:
        rows: list[RawRow] = []
        with self.database.transaction():
            self._one("begin_fold", build=self.build, until=until)
            self._read_new_rows()
            found = self.database.execute(SQL["new_rows"]).fetchall()
            rows = [RawRow(*row) for row in found]
            raise psycopg.Rollback()
        return rows

    def _set_aside_others(self, only: Sequence[RawRow]) -> None:
        tried = set(only)
        others = [row for row in self._everything if row not in tried]
        self._execute(
            "set_aside_others",
            raw_tables=[row.raw_table for row in others],
            row_ids=[row.row_id for row in others],
        )

    def _set_aside(self, row: RawRow, fault: psycopg.Error) -> None:
        log.error("set aside %s/%s: %s", row.raw_table, row.row_id, _sentence(fault))
        self._execute(
            "set_aside",
            raw_table=row.raw_table,
            row_id=row.row_id,
            channel=row.channel,
            connection_id=row.connection_id,
            received_at=row.received_at,
            reason=_sentence(fault),
        )

    # -- the session ----------------------------------------------------------------------------------

    def _open(self) -> None:
        self.database.execute(SESSION.format(STATEMENT_SECONDS), prepare=False)
        for name in sorted(self._working | self._aside):
            self.database.execute(
                sql.SQL("create temporary table {0} (like {1}) on commit delete rows").format(
                    sql.Identifier(name), sql.Identifier(self.schema, name)
                )
            )

    def _one(self, query: str, **parameters: Any) -> Any:
        row = self.database.execute(SQL[query], parameters).fetchone()
        assert row is not None
        return row[0]

    def _execute(self, query: str, **parameters: Any) -> None:
        self.database.execute(SQL[query], parameters)


def _may_be_a_row(fault: psycopg.Error) -> bool:
    """Whether a row may be the cause, and not the server, the models or another transaction."""
    return isinstance(fault, psycopg.errors.QueryCanceled) or (fault.sqlstate or "")[:2] in OF_A_ROW


def _sentence(fault: psycopg.Error) -> str:
    """The database's own sentence without values of the row: those follow a colon, in quotes."""
    told = (fault.diag.message_primary or type(fault).__name__).split("\n")[0]
    return re.sub(r': ".*$', "", told)[:300]
