"""The program that folds: woken by every landing, one at work and any number standing by.

    python -m transform

The receiver's landing and each load notify; the fold runs at once and what landed is on the timeline when its
transaction ends, in tens of milliseconds. Under load each fold takes all that came meanwhile. Where the models that
stand are not those of this project, a child builds them beside what serves; until it is done the former ones go on
folding.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import psycopg

from transform import fold
from transform.models import ModelsFailed, NotPublished, fingerprint
from warehouse.notices import Notice
from warehouse.settings import Settings

SQL = fold.SQL
#: Who stands by asks so often whether the place is free.
STAND_BY_SECONDS = 1.0
#: Without any word a look is taken this often: a notice may have been sent while nobody listened.
ANYWAY_SECONDS = 30.0
#: After a fold the next one waits as long as it took, at most this: what comes in a rush is folded together.
LONGEST_PAUSE_SECONDS = 0.2
#: After a failure the next try waits this long, doubling up to the second figure.
RETRY_SECONDS = (1.0, 30.0)
TIDY_SECONDS = 3600.0
#: After a build that failed.
FIRST_BUILD_PAUSE_SECONDS = 10.0
LONGEST_BUILD_PAUSE_SECONDS = 1800.0
WAKING = (Notice.DELIVERIES, Notice.LOADED, Notice.FOLD)

log = logging.getLogger("crm.fold")


def run(settings: Settings, stop: threading.Event) -> None:
    """Fold until `stop`. A database that went away is waited for."""
    pause = RETRY_SECONDS[0]
    builder = Builder(settings)
    try:
        while not stop.is_set():
            try:
                with fold.connect(settings) as database:
                    if not _lead(database, stop):
                        return
                    log.info("folding")
                    pause = RETRY_SECONDS[0]
                    Leader(settings, database, builder, stop).work()
            except ModelsFailed as failure:
                log.error("the fold failed, next try in %.0f s: %s", pause, failure)
                _note_failure(settings, failure)
            except psycopg.OperationalError as failure:
                log.warning("the warehouse is away, next try in %.0f s: %s", pause, failure)
            except psycopg.Error as failure:
                log.error("the fold failed, next try in %.0f s: %s", pause, failure)
                _note_failure(settings, failure)
            else:
                continue
            stop.wait(pause)
            pause = min(pause * 2, RETRY_SECONDS[1])
    finally:
        builder.stop()


def _lead(database: psycopg.Connection[Any], stop: threading.Event) -> bool:
    """Wait for the place of the one who folds. The server gives it free when its holder's connection ends."""
    while not stop.is_set():
        if database.execute(f"select pg_try_advisory_lock({fold.LEADER})").fetchone() == (True,):
            return True
        stop.wait(STAND_BY_SECONDS)
    return False


class Leader:
    """The one that folds, on the connection that holds its place."""

    def __init__(
        self,
        settings: Settings,
        database: psycopg.Connection[Any],
        builder: Builder,
        stop: threading.Event,
    ) -> None:
        self.settings = settings
        self.database = database
        self.builder = builder
        self.stop = stop
        self._folding: fold.Fold | None = None
        self._session: psycopg.Connection[Any] | None = None
        self._built_at: Any = None

    def work(self) -> None:
        """Fold whenever something landed, until the program stops."""
        adopt_cluster(self.database)
        for channel in WAKING:
            self.database.execute(f"listen {channel}".encode())
        # What stands may be of another version: ours is built once, when we take the place.
        found = fold.standing(self.database)
        self.builder.is_wanted = found is None or found[0] != fingerprint()
        tidied = 0.0
        try:
            while not self.stop.is_set():
                self.builder.start_if_due()
                if time.monotonic() - tidied > TIDY_SECONDS:
                    tidied = time.monotonic()
                    self.database.execute(SQL["forget_folds"])
                    self.database.execute(SQL["forget_folded_lately"])
                # Nothing is asked between a fold and the wait, which would hear the notice of what landed meanwhile.
                self._fold_all()
                self._wait()
        finally:
            if self._session is not None:
                self._session.close()

    def _fold_all(self) -> None:
        """Fold until nothing waits. What lands after a fold has begun is told of by its notice, so nobody looks whether
        there is more: that look cost 2 ms of processor for each message."""
        while not self.stop.is_set():
            folding = self._current()
            if folding is None:
                # Nothing stands yet: the builder is at it.
                return
            done = folding.once()
            if done is None:
                return
            log.debug("folded %d rows in %.3f s", done.raw_rows, done.seconds)
            if not done.has_more:
                self.stop.wait(min(done.seconds, LONGEST_PAUSE_SECONDS))
                return

    def _current(self) -> fold.Fold | None:
        """The session of the models that stand; a new one where a build was swapped in."""
        row = self.database.execute(SQL["built_at"]).fetchone()
        if row is None or row[0] is None:
            return None
        if self._folding is None or row[0] != self._built_at:
            if self._session is not None:
                self._session.close()
            found = fold.standing(self.database)
            assert found is not None
            self._session = fold.connect(self.settings, "crm fold works")
            self._folding = fold.Fold(self._session, found[1])
            self._folding.warm_up()
            self._built_at = row[0]
        return self._folding

    def _wait(self) -> None:
        """Return when something landed, a build ended, or it is time to look anyway."""
        until = time.monotonic() + ANYWAY_SECONDS
        while not self.stop.is_set() and time.monotonic() < until:
            if any(True for _ in self.database.notifies(timeout=0.5, stop_after=1)):
                return
            if self.builder.has_ended() or self.builder.is_due():
                return


class Builder:
    """Builds the models of this project in a child, beside what serves. After a failure the former ones go on, and the
    next try waits longer each time."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.is_wanted = False
        self._child: subprocess.Popen[bytes] | None = None
        self._pause = FIRST_BUILD_PAUSE_SECONDS
        self._not_before = 0.0

    def is_due(self) -> bool:
        """Whether a build is wanted, none runs, and the last failure is long enough ago."""
        return self.is_wanted and self._child is None and time.monotonic() >= self._not_before

    def start_if_due(self) -> None:
        if self.is_due():
            log.info("the models that stand are not those of this project: building beside them")
            self._child = subprocess.Popen([sys.executable, "-P", "-m", "transform", "build"])

    def has_ended(self) -> bool:
        """Whether a build has ended since the last question. A failure is noted for the health page."""
        if self._child is None or self._child.poll() is None:
            return False
        status, self._child = self._child.returncode, None
        self.is_wanted = status != 0
        if status != 0:
            self._not_before = time.monotonic() + self._pause
            log.error("the models could not be built, next try in %.0f s", self._pause)
            self._pause = min(self._pause * 2, LONGEST_BUILD_PAUSE_SECONDS)
            _note_failure(
                self.settings, ModelsFailed("the models of this version could not be built")
            )
        return True

    def stop(self) -> None:
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()
            self._child.wait(10)


def adopt_cluster(database: psycopg.Connection[Any]) -> None:
    """Notice a dump that was restored into another cluster, whose transaction ids mean nothing here, and begin anew
    from what it holds."""
    try:
        row = database.execute(SQL["cluster"]).fetchone()
    except psycopg.Error as fault:
        # A server may keep this to itself. Progress that lies in the future tells as much.
        log.warning("the server does not tell which cluster it is: %s", type(fault).__name__)
        row = database.execute(SQL["cluster_by_transactions"]).fetchone()
    assert row is not None
    known, here = row
    if known == here:
        return
    if known is None:
        database.execute(SQL["note_cluster"], {"here": here})
        return
    log.warning("restored from another cluster: taking in what it had not folded")
    found = fold.standing(database)
    tables = found[1].raw_tables if found else ()
    with database.transaction():
        newest = fold.restamp_unfolded(database, tables)
        database.execute(SQL["adopt_cluster"], {"here": here, "restored_until": newest})


def _note_failure(settings: Settings, failure: Exception) -> None:
    """For the health page. Where it cannot be noted, the watchdog says that something landed and is not shown."""
    try:
        with fold.connect(settings) as database:
            database.execute(
                SQL["record_fold"],
                {
                    "fold": None,
                    "raw_rows": None,
                    "messages": None,
                    "error": str(failure)[:500],
                    "seconds": 0.0,
                },
            )
    except psycopg.Error as fault:
        log.warning("the failure could not be noted: %s", type(fault).__name__)


def take_in(settings: Settings, *, timeout_seconds: float = 60.0) -> float:
    """Have everything that is committed now in the tables; returns the seconds it took.

    A resident process does it where one runs, otherwise this process does it itself.

    Raises:
        ModelsFailed: it did not happen within the time, or the database says why not.
    """
    started = time.monotonic()
    deadline = started + timeout_seconds
    with fold.connect(settings, "crm take in") as database:
        # What comes meanwhile is not waited for: under load there is always something new.
        row = database.execute("select pg_current_snapshot()::text").fetchone()
        assert row is not None
        while True:
            # Checked anew each time: a resident process may begin or end meanwhile.
            if database.execute(f"select pg_try_advisory_lock({fold.LEADER})").fetchone() == (
                True,
            ):
                _take_in_here(settings, database)
                return time.monotonic() - started
            database.execute(f"notify {Notice.FOLD}".encode())
            found = fold.standing(database)
            if found is not None and not fold.has_new(database, found[1], row[0]):
                return time.monotonic() - started
            if time.monotonic() > deadline:
                raise ModelsFailed(f"what landed was not folded within {timeout_seconds:.0f} s")
            time.sleep(0.05)


def _take_in_here(settings: Settings, database: psycopg.Connection[Any]) -> None:
    from transform.build import build

    adopt_cluster(database)
    found = fold.standing(database)
    refused: NotPublished | None = None
    if found is None or found[0] != fingerprint():
        try:
            build(settings, compare=False, is_checked=True)
        except NotPublished as failure:
            # The models that serve on take in what landed, too.
            refused = failure
        found = fold.standing(database)
    assert found is not None
    fold.Fold(database, found[1]).until_done()
    if refused is not None:
        raise refused


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    settings = Settings()
    if sys.argv[1:] == ["build"]:
        from transform.build import build

        try:
            build(settings, compare=False, is_checked=True)
        except ModelsFailed as failure:
            log.error("%s", failure)
            sys.exit(1)
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run(settings, stop)
