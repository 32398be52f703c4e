"""Whether the log of events was changed: sealed in batches into a chain of hashes, and checked against the rows.

    crm.events ──> crm.seal_events(), every minute ──> crm.event_seals ──> heads, in a file outside of the database
                                                              │                          │
                     verify: every row against its hash ──────┴── every seal against ────┘

Who changes rows as the owner or the superuser can make hashes, too, and the chain anew; not the heads that were written
elsewhere before. What was not sealed yet, a minute's worth, can be changed without a trace.

The hashes are made here a second time, from the columns, and not by the function that sealed them: whoever changes rows
could change that function as well.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg.pq import TransactionStatus

from warehouse.queries import queries
from warehouse.settings import Settings

SQL = queries("events")
log = logging.getLogger("crm.audit")

LEAF_BYTES = 32
NO_HEAD = bytes(LEAF_BYTES)
#: So many events are looked up at once.
PIECE = 5_000
SEALS_AT_ONCE = 50
#: Clocks are set now and then; what a time is off by more was not written by us.
SLACK_SECONDS = 60.0


class Broken(Exception):
    """The heads in the file are not those of the database; nothing is written behind them."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """The first thing that is not as it was sealed."""

    sentence: str
    event_id: str | None = None
    seal_no: int | None = None


@dataclass(kw_only=True)
class Verified:
    """What was looked at, and the first fault."""

    events: int = 0
    seals: int = 0
    #: Newer than the last seal: written in the last minute, or nobody seals.
    unsealed: int = 0
    #: Seals whose heads stand outside of the database, too.
    heads: int = 0
    #: Events from which something was taken out when somebody was destroyed, as a certificate proves.
    redacted: int = 0
    fault: Fault | None = None


# -- sealing ----------------------------------------------------------------------------------------


def heads_file(settings: Settings) -> Path:
    """Where the heads are kept outside of the database: append-only, a line of JSON each."""
    return settings.data_dir / "audit" / "heads.jsonl"


def seal(database: psycopg.Connection[Any], settings: Settings) -> int:
    """Seal what no seal holds, and write the heads down outside; returns how many events that were.

    Raises:
        Broken: the file of heads says otherwise than the database. What is new is sealed all the same.
    """
    row = database.execute(SQL["seal_events"]).fetchone()
    assert row is not None
    # A head may not stand outside before its seal is there to stay.
    database.commit()
    note_heads(database, heads_file(settings))
    return int(row[0])


def note_heads(database: psycopg.Connection[Any], file: Path) -> None:
    """Append the heads that the file lacks.

    Raises:
        Broken: its last line is not what the database says of that seal.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with file.open("a+b") as opened:
        # The worker and a command may come at once.
        fcntl.flock(opened, fcntl.LOCK_EX)
        last = _last_head(opened)
        if last is not None:
            row = database.execute(SQL["one_head"], {"seal_no": last[0]}).fetchone()
            if row is None or row[0] != last[1]:
                raise Broken(
                    f"{file} has another head of seal {last[0]} than the database: ./crm audit verify says more"
                )
        rows = database.execute(SQL["heads_after"], {"seal_no": last[0] if last else 0}).fetchall()
        for seal_no, sealed_at, events, head in rows:
            told = {"seal": seal_no, "sealed_at": sealed_at.isoformat(), "events": events, "head": head}  # fmt: skip
            opened.write(json.dumps(told).encode() + b"\n")
        opened.flush()
        os.fsync(opened.fileno())
    for seal_no, _, events, head in rows:
        log.info("sealed %d events, seal %d, head %s", events, seal_no, head)


def _last_head(opened: IO[bytes]) -> tuple[int, str] | None:
    """The last line. What a killed writer left of one is taken away: it is ours, and was never whole."""
    end = opened.seek(0, os.SEEK_END)
    opened.seek(max(0, end - 4096))
    lines = opened.read().split(b"\n")
    if lines[-1]:
        opened.truncate(end - len(lines[-1]))
        opened.seek(0, os.SEEK_END)
    if len(lines) < 2:
        return None
    head = _head(lines[-2])
    if head is None:
        raise Broken(f"the last line of {opened.name} is no head")
    return head


def _head(line: bytes) -> tuple[int, str] | None:
    try:
        said = json.loads(line)
        return int(said["seal"]), str(said["head"])
    except (ValueError, KeyError, TypeError):
        return None


# -- checking ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Seal:
    number: int
    sealed_at: str
    written_ids: str
    leaves: bytes
    former_head: bytes
    head: bytes

    @property
    def ids(self) -> list[str]:
        return list(json.loads(self.written_ids))

    @property
    def made_head(self) -> bytes:
        told = f"{self.number} {self.sealed_at} {self.written_ids}"
        return sha256(self.former_head + told.encode() + self.leaves).digest()


@dataclass
class _Times:
    """When the seals were made, and the highest transaction that each knew of: what an event says of itself must fit.

    An event was written by a transaction that had begun by then. If a seal was made later than the event says it was
    written, it knew of that transaction; if it did not, the event is dated back.
    """

    moments: list[float]
    known: list[int]

    @classmethod
    def read(cls, database: psycopg.Connection[Any]) -> _Times:
        """Of all seals but those that were restored here from elsewhere: nothing is known of their transactions."""
        rows = database.execute(SQL["seal_times"]).fetchall()
        return cls([moment for moment, _ in rows], [known for _, known in rows])

    def wrong(self, at: float, transaction: int | None, seen_by: float) -> str | None:
        """What is wrong with when an event says that it was written; it was seen at `seen_by`."""
        if at > seen_by + SLACK_SECONDS:
            return "is dated later than it was written"
        before = bisect_left(self.moments, seen_by)
        if not before or at >= self.moments[before - 1] - SLACK_SECONDS or transaction is None:
            return None
        # Late: committed long after it was written, or dated back.
        first = bisect_right(self.moments, at + SLACK_SECONDS)
        if transaction >= self.known[first]:
            return "is dated back: it was written after the time that it names"
        return None


def verify(
    database: psycopg.Connection[Any],
    heads: Path | None = None,
    told: Callable[[int], None] = lambda _: None,
) -> Verified:
    """Hold every event against its seal, every seal against the one before it and against its head in the file.

    It ends at the first fault. Memory does not grow with the log.

    Args:
        heads: the file of heads; where there is none, nothing outside of the database is compared.
        told: called with the number of events that were looked at so far.
    """
    found = Verified()
    is_first = database.info.transaction_status == TransactionStatus.IDLE
    with database.transaction():
        if is_first:
            # One moment: what is sealed while this looks is not missed.
            database.execute("set transaction isolation level repeatable read")
        times = _Times.read(database)
        not_sealed = _first_not_sealed(database, times, found)
        found.fault = (
            _first_changed(database, times, _Outside(heads), found, told)
            or not_sealed
            or _first_sealed_twice(database, found)
        )
    return found


def _first_changed(
    database: psycopg.Connection[Any],
    times: _Times,
    outside: _Outside,
    found: Verified,
    told: Callable[[int], None],
) -> Fault | None:
    """The chain, and each event that it holds."""
    database.execute(SQL["looked_up_one_by_one"])
    former, held, waiting = _Seal(0, "0", "[]", b"", b"", NO_HEAD), list[_Seal](), 0
    for each in _seals(database):
        fault = _chained(former, each) or outside.differs(each)
        if fault:
            # What lies before it comes first.
            return _first_changed_event(database, held, times, found) or fault
        former = each
        held.append(each)
        waiting += len(each.ids)
        found.seals += 1
        if waiting >= PIECE:
            if fault := _first_changed_event(database, held, times, found):
                return fault
            held, waiting = [], 0
            told(found.events)
    found.heads = outside.compared
    return _first_changed_event(database, held, times, found) or outside.is_ahead(former.number)


def _seals(database: psycopg.Connection[Any]) -> Iterator[_Seal]:
    with database.cursor("seals") as cursor:
        cursor.itersize = SEALS_AT_ONCE
        for row in cursor.execute(SQL["seals"]):
            yield _Seal(*row)


def _chained(former: _Seal, each: _Seal) -> Fault | None:
    """Whether a seal follows the one before it."""
    number, before = each.number, former.number
    if number != before + 1:
        sentence = f"seal {before + 1} is gone: seal {number} stands behind seal {before}"
        return Fault(seal_no=before + 1, sentence=sentence)
    if each.made_head != each.head:
        sentence = f"seal {number} was changed: its head is not that of what it holds"
        return Fault(seal_no=number, sentence=sentence)
    if each.former_head != former.head:
        sentence = f"seal {number} is not chained to seal {before}: one of them was made anew"
        return Fault(seal_no=before or number, sentence=sentence)
    if len(each.leaves) != len(each.ids) * LEAF_BYTES:
        sentence = f"seal {number} holds more events than hashes, or fewer"
        return Fault(seal_no=number, sentence=sentence)
    return None


def _first_changed_event(
    database: psycopg.Connection[Any], seals: list[_Seal], times: _Times, found: Verified
) -> Fault | None:
    """Each event of these seals against its hash."""
    listed = [(each, event_id) for each in seals for event_id in each.ids]
    ids = [event_id for _, event_id in listed]
    rows = database.execute(SQL["sealed_events"], {"event_ids": ids}).fetchall()
    leaves = b"".join(each.leaves for each in seals)
    redactions = _Redactions(database, ids)
    for place, ((each, event_id), (text, at, transaction)) in enumerate(
        zip(listed, rows, strict=True)
    ):
        leaf = leaves[place * LEAF_BYTES : (place + 1) * LEAF_BYTES]
        if text is None:
            wrong: str | None = "is gone"
        elif (digest := sha256(text.encode()).digest()) != leaf:
            wrong = redactions.wrong(event_id, leaf, digest)
            found.redacted += wrong is None
        else:
            wrong = times.wrong(at, transaction, float(each.sealed_at))
        if wrong:
            sentence = f"event {event_id}, sealed in seal {each.number}, {wrong}"
            return Fault(event_id=event_id, seal_no=each.number, sentence=sentence)
        found.events += 1
    return None


class _Redactions:
    """What was taken out of these events when somebody was destroyed: their hashes show it, a certificate proves it."""

    def __init__(self, database: psycopg.Connection[Any], ids: list[str]) -> None:
        self._database = database
        self._steps: dict[tuple[str, bytes], tuple[bytes, str]] = {
            (event_id, former): (leaf, certificate_id)
            for event_id, former, leaf, certificate_id in database.execute(
                SQL["redactions"], {"event_ids": ids}
            ).fetchall()
        }

    def wrong(self, event_id: str, sealed: bytes, present: bytes) -> str | None:
        """What is wrong with an event that is not as it was sealed; None where each step to it is certified."""
        leaf, steps = sealed, 0
        while leaf != present:
            step = self._steps.get((event_id, leaf))
            # More steps than there are would go in a circle.
            if step is None or steps > len(self._steps):
                return "was changed"
            leaf, certificate_id = step
            steps += 1
            row = self._database.execute(
                SQL["certified"], {"certificate_id": certificate_id}
            ).fetchone()
            if row != (True,):
                return f"was changed: certificate {certificate_id} does not prove it"
        return None


def _first_not_sealed(
    database: psycopg.Connection[Any], times: _Times, found: Verified
) -> Fault | None:
    """Events that no seal holds may only be newer than the last seal."""
    _, now = _counted(database)
    with database.cursor("unsealed") as cursor:
        for event_id, at, transaction, was_there, is_to_come in cursor.execute(
            SQL["unsealed_events"]
        ):
            if was_there:
                wrong: str | None = "was put among those that were sealed"
            elif is_to_come:
                wrong = "names a transaction that has not begun"
            else:
                wrong = times.wrong(at, transaction, now)
            if wrong:
                sentence = f"event {event_id}, which no seal holds, {wrong}"
                return Fault(event_id=event_id, sentence=sentence)
            found.unsealed += 1
    return None


def _counted(database: psycopg.Connection[Any]) -> tuple[int, float]:
    """How many events there are, and what time it is."""
    row = database.execute(SQL["count_events"]).fetchone()
    assert row is not None
    return row[0], row[1]


def _first_sealed_twice(database: psycopg.Connection[Any], found: Verified) -> Fault | None:
    count, _ = _counted(database)
    if found.events + found.unsealed == count:
        return None
    event_id, seal_no = database.execute(SQL["sealed_twice"]).fetchone() or (None, None)
    sentence = f"event {event_id} is held by two seals, the later is seal {seal_no}"
    return Fault(event_id=event_id, seal_no=seal_no, sentence=sentence)


class _Outside:
    """The heads in the file, read beside the seals: both are in one order."""

    def __init__(self, file: Path | None) -> None:
        self.compared = 0
        #: Why nothing more can be read of it.
        self.damage: str | None = None
        self._lines = self._read(file) if file is not None and file.exists() else iter(())
        self._next = next(self._lines, None)

    def _read(self, file: Path) -> Iterator[tuple[int, str]]:
        before = 0
        with file.open("rb") as opened:
            for number, line in enumerate(opened, 1):
                if not line.endswith(b"\n"):
                    # What a killed writer left of its last line was never whole.
                    return
                head = _head(line)
                if head is None or head[0] <= before:
                    self.damage = (
                        f"line {number} of the heads outside, {file}, is not as it was written"
                    )
                    return
                before = head[0]
                yield head

    def differs(self, each: _Seal) -> Fault | None:
        """Whether the file has another head of this seal."""
        while self._next is not None and self._next[0] < each.number:
            self._next = next(self._lines, None)
        if self._next is None or self._next[0] != each.number:
            return None
        if self._next[1] != each.head.hex():
            return Fault(
                seal_no=each.number,
                sentence=f"seal {each.number} is another than the one whose head was written outside: "
                "the log was changed from there on, and the seals made anew",
            )
        self.compared += 1
        self._next = next(self._lines, None)
        return None

    def is_ahead(self, last: int) -> Fault | None:
        """Whether the file knows of seals behind the last one, or cannot be read to its end."""
        if self._next is None:
            return Fault(sentence=self.damage) if self.damage else None
        return Fault(
            seal_no=last + 1,
            sentence=f"seal {last + 1} is gone, and whatever followed: its head was written outside. "
            "The end of the log was cut off, or an older copy of it put in its place",
        )
