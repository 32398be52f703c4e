"""What is wrong now, and what to do about it: the one judgement, for the page, the line above every page,
`./crm status` and the metrics.

Nothing is amber or red that is not wrong. A silence is judged by the connection's own rhythm (`warehouse/rhythm.py`),
and is none where the provider's own history has just shown that there is nothing, or where everybody is silent.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import dict_row

from warehouse import deadlines, growth
from warehouse.channels import ROOT, registry
from warehouse.growth import Disk, Growth
from warehouse.health_data import of_data
from warehouse.queries import queries
from warehouse.rhythm import ALARMING, MENTIONED, Rhythm

SQL = queries("health")
QUALITY = queries("quality")
CASES = queries("cases")
SIZES = queries("growth")
Row = dict[str, Any]

#: A comparison runs every six hours; one that is older than two of them proves nothing about now.
PROVEN_FOR = timedelta(hours=13)
#: A pull runs every few minutes; one that is older means that nobody pulls.
PULLED_WITHIN = timedelta(hours=1)
#: A token or a watch that ends within this is said in time to be renewed.
ENDS_SOON = timedelta(days=7)
WATCH_ENDS_SOON = timedelta(days=2)
#: A worker says every few seconds that it lives; its watchdog looks, and tells open pages, every quarter of a minute.
WORKER_SILENT = timedelta(seconds=30)
WATCH_SECONDS = 15.0
#: What landed is folded within a second; so long it may wait before somebody should look.
FOLD_WAITS = timedelta(minutes=1)
JOBS_WAIT = timedelta(minutes=15)
#: Clocks of two machines may differ by a little; signatures are refused from five minutes on.
CLOCK_OFF = timedelta(minutes=1)
LEAST_DISK_SHARE, LEAST_DISK_BYTES = 0.05, 2 * 1024**3
#: A disk that is full within this, as it fills now, is said while there is time to order another.
DISK_FILLS = timedelta(days=30)
#: Of a connection so many of its newest messages tell its rhythm, learnt anew so often.
MOST_TIMES = 5_000
LEARNT_SECONDS = 600.0
MEDIA_LOST = ("refused", "failed")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong. `kind` is `bad` or `warn`."""

    kind: str
    #: What it is, for machines.
    what: str
    #: What it is, for people.
    words: str
    #: What to do.
    remedy: str
    connection_id: str = ""
    name: str = ""

    @property
    def sentence(self) -> str:
        """What is wrong and what to do, in one."""
        whose = f"{self.name}: " if self.name else ""
        return f"{whose}{self.words}. {self.remedy}."


@dataclass(frozen=True, kw_only=True)
class Facts:
    """How everything stands at one moment."""

    now: datetime
    zone: ZoneInfo
    connections: Sequence[Row] = ()
    house: Mapping[str, Any] = field(default_factory=dict)
    rhythms: Mapping[str, Rhythm] = field(default_factory=dict)
    #: When something came last, by connection, through either door.
    last_at: Mapping[str, datetime] = field(default_factory=dict)
    lags: Mapping[str, Row] = field(default_factory=dict)
    #: Critical rules about the data that do not hold.
    data: Sequence[Row] = ()
    #: What is due to people and to the Commissioner.
    due: Sequence[Row] = ()
    disk: Disk | None = None
    #: The largest tables, and how fast everything grows.
    tables: Sequence[Row] = ()
    growth: Growth = field(default_factory=Growth)
    #: Why the replica that pages read from is left out, in words; None where it is not, or there is none.
    replica: str | None = None


# -- the judgement -------------------------------------------------------------------------------


def judge(facts: Facts) -> list[Finding]:
    """Everything that is wrong, the worst first."""
    found = _of_house(facts)
    for kind, what, words, remedy in deadlines.overdue(facts.due, facts.now):
        found.append(Finding(kind=kind, what=what, words=words, remedy=remedy))
    for row in facts.connections:
        found += of_connection(row, facts.now)
        silent = _silence(row, facts)
        if silent is not None:
            found.append(silent)
    return sorted(found, key=lambda each: each.kind != "bad")


def of_connection(row: Row, now: datetime) -> list[Finding]:
    """What is wrong with one connection, the weightiest first; its silence apart."""
    if row["is_disabled"] or row.get("is_paused"):
        return []
    found = _of_access(row, now)
    if not found and row["last_delivery_at"] is None and row["last_pull_succeeded_at"] is None:
        refused = _of_refusals(row)
        return [refused] if refused else []
    found += _of_doors(row, now)
    found += _of_comparison(row, now)
    return found + _of_what_came(row)


def _finding(row: Row, kind: str, what: str, words: str, remedy: str) -> Finding:
    return Finding(
        kind=kind, what=what, words=words, remedy=remedy,
        connection_id=row["connection_id"], name=row["name"],
    )  # fmt: skip


def _of_access(row: Row, now: datetime) -> list[Finding]:
    """Whether the provider lets us in, and for how long."""
    found = []
    kept = ". What arrives is still received"
    paste = "Paste another one: Connections, Manage, Change keys"
    if row["token_error"]:
        found.append(_finding(row, "bad", "token", f"Our access is refused{kept}", paste))
    if row["pull_error"]:
        remedy = "Read the provider's words on its card; Ask the provider says whether it is mended"
        found.append(_finding(row, "bad", "pull", f"The last pull failed{kept}", remedy))
    if row["watch_error"]:
        words = "The watch could not be renewed: pushes will stop"
        remedy = "Look at the topic's permissions, then Register our webhook"
        found.append(_finding(row, "bad", "watch", words, remedy))
    token, watch = row["token_expires_at"], row.get("watch_expires_at")
    if token is not None and token <= now:
        words = f"The token has expired{kept}"
        found.append(_finding(row, "bad", "token_expired", words, paste))
    if watch is not None and watch <= now and not row["watch_error"]:
        words = "The watch has lapsed: nothing is pushed"
        found.append(_finding(row, "bad", "watch_lapsed", words, "Register our webhook"))
    return found


def _of_doors(row: Row, now: datetime) -> list[Finding]:
    """Whether both doors bring what they should."""
    found = []
    refused = _of_refusals(row)
    if refused is not None:
        found.append(refused)
    pulled_at = row["last_pull_succeeded_at"]
    if (
        row["pulls"]
        and not row["pull_error"]
        and (pulled_at is None or now - pulled_at > PULLED_WITHIN)
    ):
        since = f"for {_ago(pulled_at, now)}" if pulled_at else "yet"
        remedy = "See whether the worker runs (./crm status)"
        found.append(_finding(row, "warn", "not_pulled", f"No pull has succeeded {since}", remedy))
    known = registry().get(row["channel"])
    alone = sum(
        row.get(f"{direction}_by_history_alone") or 0
        for direction in (known.pushed_directions if known else ())
    )
    if alone and row["last_delivery_at"] is not None:
        kind = "bad" if alone > 2 else "warn"
        words = f"Its webhook brings nothing: {_count(alone, 'message')} came with the pull alone"
        remedy = "Ask the provider which address it calls, and Register our webhook"
        found.append(_finding(row, kind, "not_pushed", words, remedy))
    for column, soon, what, words, remedy in (
        ("token_expires_at", ENDS_SOON, "token_ends", "The token ends",
         "Make one that does not expire, and paste it: Connections, Manage, Change keys"),
        ("watch_expires_at", WATCH_ENDS_SOON, "watch_ends", "The watch ends",
         "It is renewed daily by the worker; Register our webhook renews it now"),
    ):  # fmt: skip
        ends_at = row.get(column)
        if ends_at is not None and now < ends_at < now + soon:
            said = f"{words} in {_lasting(ends_at - now)}"
            found.append(_finding(row, "warn", what, said, remedy))
    return found


def _of_refusals(row: Row) -> Finding | None:
    """Deliveries that prove nothing, and none since that does: a secret is wrong, and not somebody at play."""
    refused_at, came_at = row.get("last_refused_at"), row["last_delivery_at"]
    if refused_at is None or (came_at is not None and came_at > refused_at):
        return None
    number = row["refusals_last_day"] or 1
    return _finding(
        row, "bad", "refused",
        f"{_count(number, 'delivery')} {'was' if number == 1 else 'were'} refused, and none accepted since: not signed "
        "with our secret",
        "Paste the present secret: Connections, Manage, Change keys; the provider sends again what it can",
    )  # fmt: skip


def _of_comparison(row: Row, now: datetime) -> list[Finding]:
    """What the comparison with the provider's history says."""
    gone = lost(row)
    known = "Its card says which"
    if not row["pulls"]:
        words = "Cannot be reconciled: some are known to be missing"
        return [_finding(row, "warn", "lost", words, known)] if gone else []
    if is_loading(row):
        return []
    if row["reconcile_error"]:
        words = "The last comparison with the provider failed"
        return [
            _finding(
                row,
                "warn",
                "not_compared",
                words,
                "Its card says why; it runs again within six hours",
            )
        ]
    compared_at = row["reconciled_at"]
    if compared_at is None:
        return []
    if now - compared_at > PROVEN_FOR:
        words = f"Last compared with the provider {_ago(compared_at, now)} ago"
        return [
            _finding(
                row, "warn", "not_compared", words, "See whether the worker runs (./crm status)"
            )
        ]
    if gone:
        return [_finding(row, "warn", "lost", "Some messages cannot be brought back", known)]
    if row["missing"]:
        words = f"{_count(row['missing'], 'message')} came by no webhook; the history brought them"
        return [_finding(row, "warn", "gap", words, "Ask the provider which address it calls")]
    return []


def _of_what_came(row: Row) -> list[Finding]:
    """What came and is not whole: events that nobody understood, files that are lost."""
    found = []
    if row["quarantined_events"]:
        words = f"{_count(row['quarantined_events'], 'event')} in quarantine"
        remedy = "Open Quarantine: it says why; they are read again, or ignored from now on"
        found.append(_finding(row, "warn", "quarantined", words, remedy))
    media = row["media"] if isinstance(row["media"], dict) else {}
    number = sum(each for state in MEDIA_LOST if isinstance(each := media.get(state), int))
    if number:
        words = f"{_count(number, 'file')} could not be fetched"
        found.append(
            _finding(row, "warn", "media", words, "Try again from the message, or leave it")
        )
    return found


def _silence(row: Row, facts: Facts) -> Finding | None:
    """A connection that says nothing for much longer than it ever does."""
    pause = _pause(row, facts)
    if (
        pause is None
        or pause < MENTIONED
        or is_proven_quiet(row, facts.now)
        or _is_quiet_day(row, facts)
    ):
        return None
    last = facts.last_at[row["connection_id"]]
    due = facts.rhythms[row["connection_id"]].due(last)
    there = due.astimezone(facts.zone)
    return _finding(
        row, "bad" if pause >= ALARMING else "warn", "silent",
        f"Nothing has come for {_ago(last, facts.now)}; by its own habit something should have by {there:%a %H:%M}",
        "Send a message to it; where it does not come, Ask the provider which address it calls",
    )  # fmt: skip


def _pause(row: Row, facts: Facts) -> float | None:
    """How long it has said nothing, in longest usual pauses; None where nobody can say what is usual."""
    if row["is_disabled"] or row.get("is_paused"):
        return None
    rhythm = facts.rhythms.get(row["connection_id"])
    last = facts.last_at.get(row["connection_id"])
    return rhythm.pause(last, facts.now) if rhythm and last else None


def is_proven_quiet(row: Row, now: datetime) -> bool:
    """Whether the provider itself said a while ago that there is nothing more."""
    pulled_at = row["last_pull_succeeded_at"]
    return bool(
        row["pulls"] and not row["pull_error"] and pulled_at and now - pulled_at <= PULLED_WITHIN
    )


def _is_quiet_day(row: Row, facts: Facts) -> bool:
    """Whether the others are silent too, and one of them provably: a holiday that no calendar of ours knows."""
    pauses = [
        (each, pause)
        for each in facts.connections
        if each["connection_id"] != row["connection_id"]
        and (pause := _pause(each, facts)) is not None
    ]
    if not any(is_proven_quiet(each, facts.now) for each, pause in pauses if pause > 1):
        return False
    return sum(pause > 1 for _, pause in pauses) * 2 > len(pauses)


def _of_house(facts: Facts) -> list[Finding]:
    """What is nobody's connection."""
    house, now = facts.house, facts.now
    found = []

    def wrong(kind: str, what: str, words: str, remedy: str) -> None:
        found.append(Finding(kind=kind, what=what, words=words, remedy=remedy))

    if house.get("fold_error"):
        since = house.get("fold_failing_since")
        lasting = f"; none has worked for {_ago(since, now)}" if since else ""
        wrong("bad", "fold_fails", f"The last fold failed{lasting}: {str(house['fold_error'])[:200]}",
              "What arrives is kept; see the log of the fold, then ./crm rebuild")  # fmt: skip
    waiting = house.get("fold_waiting_since")
    if waiting and now - waiting > FOLD_WAITS:
        wrong("bad", "fold_waits", f"Nothing has been folded for {_ago(waiting, now)}",
              "What arrives is kept; start the fold (./crm up)")  # fmt: skip
    if house:
        seen = house.get("worker_seen_at")
        if seen is None or now - seen > WORKER_SILENT:
            since = f"since {_ago(seen, now)} ago" if seen else "yet"
            wrong("bad", "worker", f"No worker has been seen {since}: nothing is pulled, fetched or renewed",
                  "Start it (./crm up); what is pushed still lands")  # fmt: skip
        else:
            oldest = house.get("jobs_oldest_at")
            if oldest and now - oldest > JOBS_WAIT:
                wrong("warn", "jobs_wait", f"A job has waited for {_ago(oldest, now)}",
                      "Open Jobs: it says what runs before it")  # fmt: skip
    if facts.replica:
        wrong("warn", "replica", f"The replica that pages read from {facts.replica}: they read from the primary",
              "See its log, and the way between the two; it is read from again once it has caught up")  # fmt: skip
    if house.get("checks_failing"):
        wrong("warn", "data_checks", f"{_count(house['checks_failing'], 'data check')} failed at the last run",
              "Connections lists them")  # fmt: skip
    of_data(facts.data, wrong)
    outside = house.get("outside") or {}
    theirs = house.get("database_time")
    if "clock" in outside:
        wrong("bad", "clock", outside["clock"]["problem"],
              "Set it by NTP: proofs of deliveries, and ours, are refused from five minutes on")  # fmt: skip
    elif theirs is not None and abs(theirs - now) > CLOCK_OFF:
        wrong("bad", "clock", f"The clocks of this machine and of the database differ by {_lasting(abs(theirs - now))}",
              "Set both by NTP: proofs of deliveries are refused from five minutes on")  # fmt: skip
    if "address" in outside and _nothing_comes(facts, outside["address"]["since"]):
        wrong("bad", "address", f"Providers cannot call us: {outside['address']['problem']}",
              "What they send meanwhile they send again for some hours; what is pulled comes all the same")  # fmt: skip
    disk, left = facts.disk, growth.lasts(facts.disk, facts.growth)
    if disk is not None and (
        disk.free < LEAST_DISK_SHARE * disk.total or disk.free < LEAST_DISK_BYTES
    ):
        kind = "bad" if disk.free < LEAST_DISK_BYTES / 4 else "warn"
        wrong(kind, "disk", f"{disk.free / 1024**3:.1f} GiB are left on the disk of the data folder",
              "Make room: when it is full nothing more can be received")  # fmt: skip
    elif left is not None and left < DISK_FILLS:
        wrong("warn", "disk_fills", f"The disk is full in {growth.about(left)}, as it fills now",
              "Give it a larger disk or make room: when it is full nothing more can be received")  # fmt: skip
    return found


def _nothing_comes(facts: Facts, since: str) -> bool:
    """Whether providers that have called us call no more since a moment. Seen from inside, an address that they do
    reach may lead nowhere."""
    called = [
        row["last_delivery_at"]
        for row in facts.connections
        if row["last_delivery_at"] and not row["is_disabled"]
    ]
    return bool(called) and max(called) < datetime.fromisoformat(since)


# -- what cards and judgement share --------------------------------------------------------------


def lost(row: Row) -> str:
    """What cannot be brought back, in words; empty where nothing is known to be lost."""
    # The comparison ends with what the provider's history can give at all: no loss by itself.
    said = str(row["unrecoverable"] or "").removesuffix(str(row["history_note"] or ""))
    return said.strip("; ")


def is_loading(row: Row) -> bool:
    """Whether a backfill is under way."""
    detail = row["pull_detail"] if isinstance(row["pull_detail"], dict) else {}
    listed = detail.get("listed")
    return bool(detail.get("more")) or (str(listed).isdigit() and not isinstance(listed, bool))


def _ago(moment: datetime, now: datetime) -> str:
    return _lasting(max(timedelta(0), now - moment))


def _lasting(span: timedelta) -> str:
    seconds = span.total_seconds()
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            return _count(int(seconds // size), unit)
    return f"{int(seconds)} seconds"


def _count(number: int, noun: str) -> str:
    plural = f"{noun[:-1]}ies" if noun.endswith("y") and not noun.endswith("ay") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def version() -> str:
    """Of this installation."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return str(told["project"]["version"])


# -- the facts -----------------------------------------------------------------------------------


class Watch:
    """Reads the facts; what is usual is learnt anew now and then, because it takes the longest."""

    def __init__(self) -> None:
        self._learnt_at = 0.0
        self._rhythms: dict[str, Rhythm] = {}
        self._tables: Sequence[Row] = ()
        self._growth = Growth()

    def facts(
        self,
        database: psycopg.Connection[Any],
        zone: ZoneInfo,
        *,
        disk: Disk | None = None,
        replica: str | None = None,
        now: datetime | None = None,
    ) -> Facts:
        """How everything stands now.

        Args:
            disk: what the warehouse and the data folder fill (`growth.disk`).
            replica: why the replica is left out, of who reads from it.
            now: another moment than the present one, of which the warehouse's messages tell as well.
        """
        now = now or datetime.now(UTC)
        with database.cursor(row_factory=dict_row) as cursor:
            at = {"now": now}
            rows = cursor.execute(SQL["connections_now"], {"connection_id": None, **at}).fetchall()
            house = cursor.execute(SQL["house"]).fetchone()
            data = cursor.execute(QUALITY["failing"]).fetchall()
            due = cursor.execute(CASES["deadlines"]).fetchall()
            lags = {row["connection_id"]: row for row in cursor.execute(SQL["lag"], at).fetchall()}
            if time.monotonic() - self._learnt_at > LEARNT_SECONDS or not self._learnt_at:
                self._learn(
                    cursor.execute(SQL["times"], {"most": MOST_TIMES, **at}).fetchall(), zone, now
                )
                self._measure(cursor)
        last_at = {
            row["connection_id"]: max(came)
            for row in rows
            if (
                came := [each for each in (row["last_delivery_at"], row["last_message_at"]) if each]
            )
        }
        return Facts(
            now=now, zone=zone, connections=rows, house=house or {}, rhythms=self._rhythms,
            last_at=last_at, lags=lags, data=data, due=due, disk=disk, tables=self._tables,
            growth=self._growth, replica=replica,
        )  # fmt: skip

    def _measure(self, cursor: psycopg.Cursor[Row]) -> None:
        self._growth = growth.growth(cursor.execute(SIZES["noted"]).fetchall())
        try:
            with cursor.connection.transaction():
                cursor.execute(SIZES["patience"])
                most = {"most": growth.MOST_TABLES}
                self._tables = cursor.execute(SIZES["tables"], most).fetchall()
        except psycopg.errors.LockNotAvailable:
            # The sizes of a while ago do.
            pass

    def _learn(self, rows: Sequence[Row], zone: ZoneInfo, now: datetime) -> None:
        self._rhythms = {}
        for row in rows:
            rhythm = Rhythm.of(row["times"], zone, now)
            if rhythm is not None:
                self._rhythms[row["connection_id"]] = rhythm
        self._learnt_at = time.monotonic()
