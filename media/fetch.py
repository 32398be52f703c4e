"""Attachments and recordings of one connection, fetched into the media store.

    canonical.attachments ──> jobs.media (waiting) ──> attachment_sources ──> media store ──> jobs.media (stored …)

A few at once, on a database session that holds the connection's lock, so no file is fetched twice. Bytes are
stored before the row says so; whatever a crash leaves is a row that still waits. States that are not final are
tried again with growing pauses, and given up after a week.
"""

from __future__ import annotations

import contextlib
import logging
import random
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row

from media.fetch_notes import Notes
from media.sniff import HEAD_BYTES, Sniffed, sniff
from media.sources import KINDS, Errand, Expired, Kind, Outlived, Unavailable
from media.store import MediaStore
from providers.failures import NeedsAdmin, NotAllowed, ProviderFailed, Resting, TryLater
from providers.health import Health
from providers.safe_http import SafeClient, Unreachable
from warehouse.connections import Connection, UnusableConnection, find
from warehouse.queries import queries
from warehouse.settings import Role, Settings

SQL = queries("media")
PULL_SQL = queries("pipelines")

AT_ONCE = 4
FIRST_PAUSE_SECONDS = 15.0
LONGEST_PAUSE_SECONDS = 6 * 3600.0
GIVEN_UP_AFTER = timedelta(days=7)
#: Bytes that differ from the provider's hash are asked for this often.
MOST_WRONG = 5
#: An attempt that ends its process is counted and nothing else; nobody tries for ever.
MOST_ATTEMPTS = 60
#: So many hosts in a row that do not answer, and the network is at fault.
UNREACHABLE_IN_A_ROW = 5
UNREACHABLE_REST_SECONDS = 60.0
ADMIN_REST_SECONDS = 600.0
LONGEST_REASON = 300
COUNT_SECONDS = 5.0
#: Times its budget that a fetch goes on while a slow file is under way.
WAITED_BUDGETS = 5

#: What ends in which state; any other failure that is no TryLater is `failed`.
FINAL: list[tuple[type[ProviderFailed], str]] = [
    (Expired, "expired"),
    (NotAllowed, "refused"),
    (Unavailable, "unavailable"),
]

log = logging.getLogger(__name__)


class WrongBytes(TryLater):
    """The bytes have another hash than the provider named."""


@dataclass
class FetchResult:
    """How many attempts ended in which state, and whether more is due."""

    states: dict[str, int] = field(default_factory=dict)
    more: bool = False


@dataclass(frozen=True)
class Due:
    """One attachment to fetch."""

    message_id: str
    attachment_id: str
    attempts: int
    provider_message_id: str | None
    content_type: str | None
    source: dict[str, Any] | None
    received_at: datetime | None
    first_tried_at: datetime | None = None

    @property
    def key(self) -> dict[str, str]:
        return {"message_id": self.message_id, "attachment_id": self.attachment_id}

    @property
    def kind(self) -> Kind | None:
        """How to get at it; None where nobody knows."""
        return KINDS.get(str((self.source or {}).get("kind")))


@dataclass(frozen=True)
class Stored:
    """What went into the media store."""

    sha256: str
    size_bytes: int
    sniffed: Sniffed


def fetch(
    settings: Settings,
    connection_id: str,
    *,
    budget_seconds: float | None = None,
    client: SafeClient | None = None,
) -> FetchResult:
    """Fetch what is due of a connection: to the end, or until the time is used up (then the result says `more`).

    Raises:
        ProviderFailed: and its kinds, in words for an admin, where nothing of the connection can be fetched.
    """
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as database:
        connection = find(database, settings, connection_id)
        if connection is None or connection.disabled_at is not None:
            raise ProviderFailed(f"no connection {connection_id} that is not disabled")
        # The lock ends with the session. Whoever has it sees what is due now as well.
        lock = {"name": f"media {connection_id}"}
        if database.execute(PULL_SQL["lock"], lock).fetchone() != (True,):
            return FetchResult()
        health = Health(database, connection_id, "media")
        notes = Notes(health)
        if notes.is_resting:
            return FetchResult()
        with health.recorded():
            fetching = _Fetching(settings, database, connection, client or SafeClient(), notes)
            try:
                fetching.run(budget_seconds)
            finally:
                fetching.count()
            if fetching.stopped_by is not None:
                raise fetching.stopped_by
        return fetching.result


def retry(settings: Settings, message_id: str, attachment_id: str) -> bool:
    """Try an attachment again, now, that is not stored; False where there is no such one."""
    with psycopg.connect(settings.url_for(Role.LOADER), autocommit=True) as database:
        key = {"message_id": message_id, "attachment_id": attachment_id}
        return database.execute(SQL["retry_media"], key).fetchone() == (True,)


class _Fetching:
    """The fetching of one connection. Threads fetch; this one alone talks to the database."""

    def __init__(
        self,
        settings: Settings,
        database: psycopg.Connection[Any],
        connection: Connection,
        client: SafeClient,
        notes: Notes,
    ) -> None:
        self.database, self.connection, self.client = database, connection, client
        self.notes = notes
        self.store = MediaStore(settings.media_root)
        self.result = FetchResult()
        self.stopped_by: ProviderFailed | None = None
        self._unreachable = 0
        self._under_way: dict[Future[Stored], Due] = {}

    @property
    def _named(self) -> dict[str, str]:
        return {"connection_id": self.connection.connection_id}

    def run(self, budget_seconds: float | None) -> None:
        left = self.store.forget_unfinished(self.connection.connection_id)
        if left:
            log.info("removed %d files that an interrupted fetch left unfinished", left)
        started = counted = time.monotonic()
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fetch")
        try:
            while True:
                spent = time.monotonic() - started
                # While a slow file is waited for, the others go on.
                allowed = (budget_seconds or 0.0) * (WAITED_BUDGETS if self._under_way else 1)
                if budget_seconds is None or spent < allowed:
                    self._begin(pool)
                if not self._under_way:
                    break
                done, _ = wait(self._under_way, COUNT_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    self._end(self._under_way.pop(future), future)
                if time.monotonic() - counted > COUNT_SECONDS:
                    self.count()
                    counted = time.monotonic()
        finally:
            pool.shutdown(cancel_futures=True)
        self.result.more = not self.notes.is_resting and bool(self._due(1))

    def count(self) -> None:
        """Show how many attachments are in which state; nothing happens while the warehouse is away."""
        with contextlib.suppress(psycopg.Error):
            rows = self.database.execute(SQL["count_media"], self._named).fetchall()
            self.notes.counted(dict(rows))

    def _due(self, limit: int) -> list[Due]:
        busy = list(self._under_way.values())
        with self.database.cursor(row_factory=class_row(Due)) as cursor:
            return cursor.execute(
                SQL["due_media"],
                {
                    **self._named,
                    "message_ids": [due.message_id for due in busy],
                    "attachment_ids": [due.attachment_id for due in busy],
                    "limit": limit,
                },
            ).fetchall()

    def _begin(self, pool: ThreadPoolExecutor) -> None:
        """Give the free threads something to do."""
        while len(self._under_way) < AT_ONCE and not self.notes.is_resting:
            found = self._due(AT_ONCE - len(self._under_way))
            for due in found:
                begun = self._begun(due)
                if begun is not None:
                    self._under_way[pool.submit(self._fetched, begun)] = begun
            if not found:
                return

    def _begun(self, due: Due) -> Due | None:
        """The attempt, counted; None where there is none to make."""
        if due.source is None:
            self.database.execute(SQL["forget_media"], due.key)
            return None
        row = self.database.execute(SQL["begin_media"], due.key).fetchone()
        if row is None:
            return None
        begun = replace(due, attempts=row[0], first_tried_at=row[1])
        if begun.attempts > MOST_ATTEMPTS:
            self._close(begun, "failed", "given up: too many attempts")
            return None
        return begun

    def _fetched(self, due: Due) -> Stored:
        """Fetch one; in a thread, without the database.

        Raises:
            ProviderFailed: and its kinds, in words for the page.
        """
        kind = due.kind
        if kind is None:
            raise ProviderFailed("nobody knows how to fetch this kind of attachment")
        errand = Errand(
            connection=self.connection,
            client=self.client,
            source=due.source or {},
            provider_message_id=due.provider_message_id or "",
            received_at=due.received_at or datetime.now(UTC),
        )
        head = bytearray()
        with (
            _in_words(),
            kind.opened(errand) as found,
            self.store.receiving(self.connection.connection_id) as incoming,
        ):
            for piece in found.answer.chunks(kind.limit_bytes):
                incoming.write(piece)
                head += piece[: max(0, HEAD_BYTES - len(head))]
            if not incoming.size_bytes:
                raise TryLater("the provider sent an empty file")
            if found.sha256 is not None and found.sha256.hex() != incoming.sha256:
                raise WrongBytes("the file differs from the hash that the provider named")
            sha256 = incoming.keep()
        return Stored(sha256, incoming.size_bytes, sniff(bytes(head), due.content_type))

    def _end(self, due: Due, future: Future[Stored]) -> None:
        """Write down how an attempt went."""
        try:
            stored = future.result()
        except ProviderFailed as failure:
            self._end_failed(due, failure)
            return
        except Exception as error:
            # Its text may hold anything.
            log.warning("fetching an attachment: unexpected %s", type(error).__name__)
            self._end_failed(due, TryLater(f"unexpected {type(error).__name__}"))
            return
        self._unreachable = 0
        sniffed = stored.sniffed
        self._close(
            due,
            "stored",
            sniffed.too_large,
            sha256=stored.sha256,
            size_bytes=stored.size_bytes,
            sniffed_type=sniffed.type,
            width=sniffed.width,
            height=sniffed.height,
            is_inline=sniffed.is_inline,
        )

    def _end_failed(self, due: Due, failure: ProviderFailed) -> None:
        self._unreachable = self._unreachable + 1 if isinstance(failure, Unreachable) else 0
        self._note_failure(due, failure)
        words = str(failure)
        if isinstance(failure, NeedsAdmin):
            self.notes.rest(ADMIN_REST_SECONDS, words)
            self.stopped_by = failure
            self._close(due, "waiting", words, pause_seconds=ADMIN_REST_SECONDS)
        elif isinstance(failure, TryLater):
            self._end_for_now(due, failure, words)
        else:
            state = next((state for kind, state in FINAL if isinstance(failure, kind)), "failed")
            self._close(due, state, words)

    def _end_for_now(self, due: Due, failure: TryLater, words: str) -> None:
        if isinstance(failure, WrongBytes) and due.attempts >= MOST_WRONG:
            self._close(due, "refused", words)
            return
        tried_for = datetime.now(UTC) - (due.first_tried_at or datetime.now(UTC))
        if tried_for > GIVEN_UP_AFTER:
            self._close(due, "failed", f"given up after {GIVEN_UP_AFTER.days} days: {words}")
            return
        pause = min(FIRST_PAUSE_SECONDS * 2.0 ** (due.attempts - 1), LONGEST_PAUSE_SECONDS)
        pause *= random.uniform(0.5, 1.0)  # noqa: S311
        asked = failure.after_seconds or 0.0
        if isinstance(failure, Resting):
            self.notes.rest(asked, words)
        elif self._unreachable >= UNREACHABLE_IN_A_ROW:
            self.notes.rest(UNREACHABLE_REST_SECONDS, words)
        self._close(due, "waiting", words, pause_seconds=max(pause, asked))

    def _note_failure(self, due: Due, failure: ProviderFailed) -> None:
        """Count what a provider counts, before it draws its own conclusion."""
        kind = due.kind
        if kind is None or kind.failures_per_hour is None:
            return
        if isinstance(failure, (Unreachable, WrongBytes, NotAllowed, Outlived)):
            return
        self.notes.failed(kind.failures_per_hour)

    def _close(
        self,
        due: Due,
        state: str,
        reason: str | None,
        *,
        pause_seconds: float = 0.0,
        **what: Any,
    ) -> None:
        nothing: dict[str, Any] = dict.fromkeys(
            ("sha256", "size_bytes", "sniffed_type", "width", "height")
        )
        self.database.execute(
            SQL["end_media"],
            {
                **due.key,
                **nothing,
                "is_inline": False,
                "state": state,
                "reason": reason[:LONGEST_REASON] if reason else None,
                "pause_seconds": pause_seconds,
                **what,
            },
        )
        self.result.states[state] = self.result.states.get(state, 0) + 1


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    """A connection that lacks a key is the admin's to mend."""
    try:
        yield
    except UnusableConnection as error:
        raise NeedsAdmin(str(error)) from None
