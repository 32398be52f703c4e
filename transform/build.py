"""Everything dbt owns, built from raw beside what serves, and swapped in one transaction.

Readers never find a missing view, and a failure leaves the old state. What arrives meanwhile goes into the serving
tables as always, and is taken into the new ones before they are swapped.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from quality.starting import NotChecked, look
from transform import fold
from transform.models import Models, ModelsFailed, NotPublished
from transform.statements import Statements
from warehouse.notices import Notice
from warehouse.queries import queries
from warehouse.settings import Settings

SQL = fold.SQL
QUALITY = queries("quality")
#: Schemas in the order in which their views and tables can be dropped: readers first.
SCHEMAS = ("marts", "canonical", "staging")
#: A swap waits so long for each lock; then it lets everybody pass and tries again.
LOCK_MILLISECONDS = 300
SWAP_ATTEMPTS = 200
#: Beside tables may be so far behind, in raw rows, when the swap begins.
NEARLY_THERE = 200


log = logging.getLogger("crm.build")


@dataclass(frozen=True, kw_only=True)
class Built:
    """Hashes of canonical.messages over all rows at one snapshot, how many there were, and the seconds that the work
    took without the hashes."""

    before: str
    after: str
    rows_before: int
    rows_after: int
    seconds: float

    @property
    def is_equal(self) -> bool:
        return (self.before, self.rows_before) == (self.after, self.rows_after)


def build(
    settings: Settings,
    models: Models | None = None,
    *,
    say: Callable[[str], None] = log.info,
    compare: bool = True,
    is_checked: bool = False,
) -> Built:
    """Build everything anew and let it serve. Where nothing stands yet, `before` is what comes out.

    models: parsed for the build 'next'; parsed here where None.
    compare: whether to hash the serving messages before and those beside after, at one snapshot.
    is_checked: whether what is expected of the data is tried on what was built, before it serves; a critical failure
        is one of the models.

    Raises:
        ModelsFailed: what serves stands as before. NotPublished: because of what is expected of the data.
    """
    with fold.connect(settings, "crm build") as database, _only_build(database):
        _clear(database)
        standing = fold.standing(database)
        before = None
        if standing is None:
            database.execute(SQL["begin_first_build"])
        else:
            with database.transaction():
                # One snapshot: what the serving tables hold, and how far they are folded.
                if compare:
                    before = _hash(database, "hash_of_messages")
                database.execute(SQL["begin_build"])
        if models is None:
            say("parsing the models")
            models = Models(settings, "next")
        say("building beside what serves")
        started = time.monotonic()
        models.run(whole=True)
        statements = models.compile()
        seconds = time.monotonic() - started
        after = _hash(database, "hash_of_messages_beside") if compare else (0, "")
        say("taking in what arrived meanwhile")
        started = time.monotonic()
        _catch_up(settings, statements)
        if is_checked and standing is not None:
            say("checking what was built")
            _check(settings, database)
            # It took a while.
            _catch_up(settings, statements)
        _swap(settings, database, statements, models.fingerprint)
        seconds += time.monotonic() - started
    rows_before, hash_before = before or after
    return Built(
        before=hash_before,
        after=after[1],
        rows_before=rows_before,
        rows_after=after[0],
        seconds=seconds,
    )


def _check(settings: Settings, database: psycopg.Connection[Any]) -> None:
    """Let nothing serve that breaks a critical rule: what was built goes, what serves stays.

    Raises:
        NotPublished: names each rule, with a key; or says that the rules could not be tried.
    """
    if not any(database.execute(QUALITY["serving_messages"]).fetchone() or ()):
        # Nothing to keep, and nothing to look at.
        return
    try:
        found = look(settings, "build")
        problem = found.sentence
    except NotChecked as failure:
        problem = str(failure)
    if not problem:
        return
    _clear(database)
    database.execute(SQL["forget_build"])
    database.execute(SQL["end_forgetting"])
    raise NotPublished(
        f"what was built is not published, and what served before serves on: {problem}. Mend the models,"
        " or publish it all the same (./crm rebuild --unchecked)"
    )


def _hash(database: psycopg.Connection[Any], query: str) -> tuple[int, str]:
    row = database.execute(SQL[query]).fetchone()
    assert row is not None
    return int(row[0]), str(row[1])


@contextmanager
def _only_build(database: psycopg.Connection[Any]) -> Iterator[None]:
    """One build at a time over all programs on this warehouse."""
    database.execute("select pg_advisory_lock(hashtext('crm build'))")
    try:
        yield
    finally:
        if not database.closed:
            database.execute("select pg_advisory_unlock(hashtext('crm build'))")


def clear_unfinished(settings: Settings) -> bool:
    """Remove what a build that did not finish left beside the tables that serve, unless one is at work right now."""
    with fold.connect(settings, "crm build") as database:
        if database.execute("select pg_try_advisory_lock(hashtext('crm build'))").fetchone() != (True,):  # fmt: skip
            return False
        _clear(database)
        database.execute(SQL["forget_build"])
        # What only such a build was still to forget.
        database.execute(SQL["end_forgetting"])
    return True


def _clear(database: psycopg.Connection[Any]) -> None:
    """What a build that did not finish left behind."""
    for schema in SCHEMAS:
        for name, is_view in _relations(database, f"{schema}_next"):
            _drop(database, f"{schema}_next", name, is_view=is_view)


def _catch_up(settings: Settings, statements: Statements) -> None:
    """Take in what the build did not see, but for the last few rows."""
    with fold.connect(settings, "crm build catches up") as session:
        beside = fold.Fold(session, statements, "next")
        while True:
            done = beside.once()
            if done is None or (not done.has_more and done.raw_rows < NEARLY_THERE):
                break


def _swap(
    settings: Settings, database: psycopg.Connection[Any], statements: Statements, fingerprint: str
) -> None:
    """Take in the last few rows, and move everything over, in one transaction."""
    serving = statements.serving()
    for attempt in range(SWAP_ATTEMPTS):
        try:
            with fold.connect(settings, "crm build swaps") as session:
                _move(session, fold.Fold(session, statements, "next"), serving, fingerprint)
        except (
            psycopg.errors.LockNotAvailable,
            psycopg.errors.SerializationFailure,
            psycopg.errors.DeadlockDetected,
        ):
            # Somebody reads or folds: they go first.
            time.sleep(min(0.05 * (attempt + 1), 1.0))
        else:
            break
    else:
        raise ModelsFailed(
            "the new tables could not be swapped in: readers never let go of the old ones"
        )
    database.execute(SQL["forget_build"])


def _move(
    session: psycopg.Connection[Any], beside: fold.Fold, serving: Statements, fingerprint: str
) -> None:
    with session.transaction():
        # Nobody folds from here on; what landed until now is folded into the new tables in this very transaction.
        session.execute(SQL["lock_fold"], {"build": "live"})
        beside.within_transaction()
        _note_for_the_watchdog(session)
        session.execute(f"set local lock_timeout = {LOCK_MILLISECONDS}")
        for schema in SCHEMAS:
            for name, is_view in _relations(session, schema):
                _drop(session, schema, name, is_view=is_view)
        for schema in reversed(SCHEMAS):
            for name, is_view in _relations(session, f"{schema}_next"):
                session.execute(
                    sql.SQL("alter {kind} {relation} set schema {schema}").format(
                        kind=sql.SQL("view" if is_view else "table"),
                        relation=sql.Identifier(f"{schema}_next", name),
                        schema=sql.Identifier(schema),
                    )
                )
        session.execute(SQL["take_over_state"])
        session.execute(
            SQL["set_built"], {"fingerprint": fingerprint, "statements": serving.dumped()}
        )
        everything = '{"many": true, "rebuilt": true}'
        session.execute("select pg_notify(%s, %s)", [Notice.CHANGED, everything])


def _note_for_the_watchdog(session: psycopg.Connection[Any]) -> None:
    """What is in the new tables, and no fold of the serving ones may have said so: deliveries, newest loads."""
    session.execute(SQL["note_built"])
    for schema, name in session.execute(SQL["histories"]).fetchall():
        session.execute(
            sql.SQL(SQL["note_newest_load"]).format(history=sql.Identifier(schema, name)),
            {"raw_table": f"{schema}.{name}"},
        )


def _relations(database: psycopg.Connection[Any], schema: str) -> list[tuple[str, bool]]:
    return database.execute(SQL["relations"], {"schema": schema}).fetchall()


def _drop(database: psycopg.Connection[Any], schema: str, name: str, *, is_view: bool) -> None:
    # Cascade: a view of an analyst's own on ours would stop every rebuild for good.
    database.execute(
        sql.SQL("drop {kind} if exists {relation} cascade").format(
            kind=sql.SQL("view" if is_view else "table"), relation=sql.Identifier(schema, name)
        )
    )
