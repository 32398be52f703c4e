"""A replica of the warehouse that pages read from (`CRM_READ_DATABASE_URL`): whether it may be read, and for whom.

    primary ── its log, position by position ──> replica
       ^  permission, decision, event               │
       └───────────── reading (app/reading.py) <────┘  rows

What is written has a position in the primary's log, and a replica has replayed up to one. So whether it has something
is a comparison: of what somebody decided, or saw on the primary, with what it has replayed (`open`); of what a page is
to be told with the same (`catch_up`). It is looked at once a second: one that is more than LATE_SECONDS behind, or does
not answer, is left out until it has caught up, and the primary is read meanwhile. Without the setting there is none.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Generator
from contextlib import ExitStack, suppress
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import PoolTimeout

from app import database
from app.database import Database, Row
from warehouse.queries import queries
from warehouse.settings import Role, Settings

SQL = queries("replica")
log = logging.getLogger("crm.app")

LOOK_SECONDS = 1.0
#: More than this behind it is left out.
LATE_SECONDS = 10.0
#: Silent for so long it is left out, and whoever waits for it gives up.
SILENT_SECONDS = 2.0
#: How long a page waits for a connection to it before it reads from the primary.
WAIT_SECONDS = 1.0
#: Between two questions of whoever waits for it: at first, and at most.
ASK_AGAIN_SECONDS = (0.01, 0.1)
#: Sessions whose last sight is remembered. Of one that is forgotten its decisions are known all the same, by its row.
MOST_SESSIONS = 20_000
#: Positions of the primary that it has not reached yet; of more every second one is enough.
MOST_SAMPLES = 3_600
#: Whoever needs to know so soon waits for its first looks.
FIRST_LOOK_SECONDS = 5.0
NOT_YET, SILENT = "has not been looked at yet", "does not answer"
#: It ended what stood in the way of the log that it replays: it is there, and what was asked is asked of the primary.
CONFLICTS = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)


def _patient(gives_up: Callable[[], bool]) -> type[Database]:
    """Connections that are given up when this says so: a server that is frozen neither answers nor ends them."""

    class Patient(psycopg.Connection[Row]):
        def wait(
            self,
            gen: Any,
            interval: float = ASK_AGAIN_SECONDS[1],
            timeout: float | None = None,
        ) -> Any:
            return super().wait(self._unless_given_up(gen), interval, timeout)

        def _unless_given_up(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
            try:
                wanted = next(gen)
                while True:
                    ready = yield wanted
                    # Nothing came for a while.
                    if not ready and gives_up():
                        self.close()
                        raise psycopg.OperationalError("the replica does not answer")
                    wanted = gen.send(ready)
            except StopIteration as done:
                return done.value

    return Patient


class NoReplica(psycopg.OperationalError):
    """What CRM_READ_DATABASE_URL names replays no log of another server."""


class Replica:
    """The replica of these settings, as this process sees it."""

    def __init__(self, settings: Settings) -> None:
        url = settings.read_url_for(Role.APP)
        assert url is not None, "without CRM_READ_DATABASE_URL there is none"
        self.settings = settings
        #: Why it is not read from, in words; None where it is.
        self.left_out: str | None = NOT_YET
        #: How far it was when it was last asked.
        self.replayed = 0
        self._url = url
        self._silent = False
        self._written_before: int | None = None
        self._samples: deque[tuple[float, int]] = deque()
        self._seen: OrderedDict[str, int] = OrderedDict()
        self._seen_lock = threading.Lock()
        self._asking: Database | None = None
        self._asking_lock = threading.Lock()
        self._asked_until = 0.0
        self._stop = threading.Event()
        self._pool = database.opened(
            url,
            name="replica",
            connection_class=_patient(lambda: self._silent or self._stop.is_set()),
            wait_seconds=WAIT_SECONDS,
        )
        self._watching = threading.Thread(target=self._watch, name="replica", daemon=True)
        self._watching.start()

    # -- asked by readers --------------------------------------------------------------------------

    def open(self, stack: ExitStack, session_id: str, position: int | None) -> Database | None:
        """A connection to it for as long as the stack, where it has what this session decided and saw; None where the
        primary is to be read.

        Args:
            position: behind the last decision of the session, as its row has it.
        """
        if self.left_out:
            return None
        needed = max(position or 0, self._seen.get(session_id, 0))
        try:
            connection = stack.enter_context(self._pool.connection())
            if needed > self.replayed:
                self._note(connection.execute(SQL["replayed"]).fetchone())
        except PoolTimeout:
            return None
        except psycopg.OperationalError:
            self.lost()
            return None
        return connection if needed <= self.replayed else None

    def saw(self, session_id: str, position: int) -> None:
        """This session has seen what the primary had at this position: nothing older from now on."""
        with self._seen_lock:
            self._seen[session_id] = max(position, self._seen.pop(session_id, 0))
            while len(self._seen) > MOST_SESSIONS:
                self._seen.popitem(last=False)

    def lost(self) -> None:
        """It went away while somebody read from it."""
        self._leave_out(SILENT)

    def failed(self, connection: Database, failure: psycopg.OperationalError) -> bool:
        """Whether the primary is to be asked instead, because of the replica; one that went away is left out."""
        if isinstance(failure, CONFLICTS):
            # What it waits for is let go at once.
            with suppress(psycopg.OperationalError):
                connection.rollback()
            return True
        if connection.closed:
            self.lost()
        return connection.closed

    # -- asked by who tells pages, and by who reads once --------------------------------------------

    def first_look(self) -> None:
        """Return once it is known whether it may be read."""
        deadline = time.monotonic() + FIRST_LOOK_SECONDS
        while self.left_out == NOT_YET and time.monotonic() < deadline:
            self._stop.wait(ASK_AGAIN_SECONDS[0])

    def catch_up(self) -> None:
        """Return once it has what the primary has by now, or is left out."""
        if self.left_out:
            return
        try:
            written = _written()
        except database.AWAY:
            return
        pause = ASK_AGAIN_SECONDS[0]
        while self.replayed < written and not self.left_out and not self._stop.is_set():
            try:
                self._ask()
            except psycopg.Error:
                self.lost()
                return
            if self.replayed < written:
                self._stop.wait(pause)
                pause = min(pause * 2, ASK_AGAIN_SECONDS[1])

    # -- looked at -----------------------------------------------------------------------------------

    def _watch(self) -> None:
        while database.settings() is self.settings:
            # While the primary is away nobody reads at all.
            with suppress(*database.AWAY):
                self._look()
            if self._stop.wait(LOOK_SECONDS):
                return

    def _look(self) -> None:
        written, now = _written(), time.monotonic()
        self._samples.append((now, written))
        before, self._written_before = self._written_before, written
        try:
            self._ask()
        except psycopg.Error as fault:
            log.debug("the replica was asked in vain: %s", type(fault).__name__)
            is_there = isinstance(fault, NoReplica)
            self._silent = not is_there
            self._leave_out("is none: the server takes writes itself" if is_there else SILENT)
            return
        self._silent = False
        while self._samples and self._samples[0][1] <= self.replayed:
            self._samples.popleft()
        if len(self._samples) > MOST_SAMPLES:
            self._samples = deque(list(self._samples)[::2])
        behind = now - self._samples[0][0] if self._samples else 0.0
        if behind > LATE_SECONDS:
            self._leave_out(f"is {behind:.0f} seconds behind")
        elif self.left_out and self.replayed >= (written if before is None else before):
            log.info("pages read from the replica")
            self.left_out = None

    def _ask(self) -> None:
        """How far it is, on a connection of our own; given up after SILENT_SECONDS.

        Raises:
            psycopg.Error: it does not say.
        """
        with self._asking_lock:
            self._asked_until = time.monotonic() + SILENT_SECONDS
            try:
                if self._asking is None or self._asking.closed:
                    self._asking = _patient(lambda: time.monotonic() > self._asked_until).connect(
                        self._url,
                        autocommit=True,
                        row_factory=dict_row,
                        application_name="crm app replica",
                        connect_timeout=int(SILENT_SECONDS),
                    )
                    self._asked_until = time.monotonic() + SILENT_SECONDS
                self._note(self._asking.execute(SQL["replayed"]).fetchone())
            except psycopg.Error:
                if self._asking is not None:
                    self._asking.close()
                raise

    def _note(self, row: Row | None) -> None:
        if row is None or row["position"] is None:
            raise NoReplica
        self.replayed = max(self.replayed, int(row["position"]))

    def _leave_out(self, why: str) -> None:
        if self.left_out is None:
            log.warning("the replica %s: pages read from the primary", why)
        self.left_out = why

    def close(self) -> None:
        self._stop.set()
        self._watching.join(SILENT_SECONDS + WAIT_SECONDS)
        self._pool.close()
        if self._asking is not None:
            self._asking.close()


def _written() -> int:
    with database.statements() as primary:
        row = primary.execute(SQL["written"]).fetchone()
    assert row is not None
    return int(row["position"])


_lock = threading.Lock()
_replica: Replica | None = None


def beside() -> Replica | None:
    """The replica of this process, looked at from its first use on; None without the setting."""
    global _replica
    settings = database.settings()
    if settings.read_database_url is None and _replica is None:
        return None
    with _lock:
        if _replica is not None and _replica.settings is not settings:
            _replica.close()
            _replica = None
        if _replica is None and settings.read_database_url is not None:
            _replica = Replica(settings)
        return _replica


def close() -> None:
    """Let go of it; the next use opens it anew."""
    global _replica
    with _lock:
        former, _replica = _replica, None
    if former:
        former.close()


def decided(session_id: str) -> None:
    """This session has just decided something: it sees it from now on, in whichever process. Behind the commit."""
    replica = beside()
    if replica is None:
        return
    # What was decided stands, whether or not this can be noted.
    with suppress(*database.AWAY), database.statements() as primary:
        row = primary.execute(SQL["note_position"], {"session_id": session_id}).fetchone()
        if row is not None:
            replica.saw(session_id, int(row["position"]))


def trouble() -> str | None:
    """Why a replica that is set is not read from, in words for the page Health."""
    replica = beside()
    # Its first look takes a moment.
    return None if replica is None or replica.left_out in (None, NOT_YET) else replica.left_out
