"""Two hosts on one primary and one replica, each part struck in turn while deliveries come and people decide.

    ./crm bench hosts --scale 36

Each host runs receiver, fold, worker and app (benchmarks/fleet.py). Each round strikes one thing: a program of a host
is killed, all of a host as by the power, the primary, the replica; or the replica is frozen, its connections open. A
sender posts to both receivers in turns and what one does not take to the other, as a proxy does. Two people decide on
one app and look on the other (benchmarks/deciders.py). A round ends when all is there again, what was answered after
the strike is shown, and both have gone through all that they decide.

What was ever answered 2xx must be shown once, each decision must have its one event and be seen by who made it at the
first sight of a page, and nobody may be signed out.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.deciders import Deciders, Noted
from benchmarks.faults import GOAL_SECONDS, LANES, PATIENCE_SECONDS, Load, NotBack, missing, shown
from benchmarks.figures import document, percentile, result
from benchmarks.fleet import PARTS, SQL, Fleet, fleet
from benchmarks.machine import machine
from benchmarks.throwaway import termination_as_interrupt
from warehouse.settings import Settings

DEFAULT_ROUNDS = 36
PEOPLE = ("kim", "lee")
#: Between two deliveries of a lane: with the answers some twenty a second.
PAUSE_SECONDS = 0.1
FROZEN_SECONDS = 8.0
#: A page waits for a replica that freezes, once (app/replica.py); then for the primary.
PAGE_SECONDS = 10.0


@dataclass(frozen=True)
class Kind:
    """What is struck: returns the moment from which its return is counted."""

    name: str
    strike: Callable[[Fleet], float]


def _program(index: int, program: str) -> Kind:
    def strike(on: Fleet) -> float:
        on.hosts[index].kill(program)
        return time.monotonic()

    return Kind(f"{program} of the {('first', 'second')[index]} host killed", strike)


def _host(index: int) -> Kind:
    def strike(on: Fleet) -> float:
        on.hosts[index].die()
        began = time.monotonic()
        on.hosts[index].start()
        return began

    return Kind(f"all of the {('first', 'second')[index]} host killed, and started", strike)


def _primary(on: Fleet) -> float:
    on.database.kill("postgres")
    return time.monotonic()


def _replica(on: Fleet) -> float:
    assert on.standby
    on.standby.kill()
    began = time.monotonic()
    time.sleep(1)
    on.standby.start()
    return began


def _frozen(on: Fleet) -> float:
    assert on.standby
    on.standby.freeze()
    began = time.monotonic()
    try:
        time.sleep(FROZEN_SECONDS)
    finally:
        on.standby.thaw()
    return began


KINDS = (
    *(_program(index, program) for program in PARTS for index in (0, 1)),
    Kind("replica frozen", _frozen),
    Kind("primary killed", _primary),
    Kind("replica killed", _replica),
    _host(0),
    _host(1),
)


@dataclass
class Outcome:
    """What a run found."""

    #: By kind: seconds until all was back, and the longest that somebody waited for a page meanwhile.
    back: dict[str, list[float]] = field(default_factory=dict)
    page: dict[str, list[float]] = field(default_factory=dict)
    lost: int = 0
    doubled: int = 0
    landed_twice: int = 0
    acknowledged: int = 0
    #: Tries that nobody heard, and went to the other receiver; that ended in their middle; that were refused.
    passed_on: int = 0
    broken: int = 0
    refused: int = 0
    #: From the first try of a delivery to its acknowledgement, at most.
    longest: float = 0.0
    people: Noted = field(default_factory=Noted)
    #: Decisions without their one event; more or fewer of a person than they made.
    without_event: int = 0
    miscounted: list[str] = field(default_factory=list)
    signed_out: int = 0
    read_on_replica: int = 0
    failure: str | None = None

    def noted(self, name: str, since: float, seconds: float, people: Noted) -> None:
        """A round of this name has ended."""
        self.back.setdefault(name, []).append(seconds)
        waited = [took for at, took in people.sights if at + took > since]
        self.page.setdefault(name, []).append(max(waited, default=0.0))


class Play:
    """Load and people at work on the hosts, and what is done to these meanwhile, step by step."""

    def __init__(self, on: Fleet, load: Load, deciders: Deciders, outcome: Outcome) -> None:
        self.on, self.load, self.deciders, self.outcome = on, load, deciders, outcome

    def step(self, name: str, do: Callable[[Fleet], float]) -> None:
        """Do it, and return when all is back.

        Args:
            do: returns the moment from which its return is counted.

        Raises:
            NotBack: it is not.
        """
        before = time.monotonic()
        began = do(self.on)
        wait_until_back(self.on, self.load, self.deciders, began)
        self.outcome.noted(name, before, time.monotonic() - began, self.deciders.noted)
        self.load.round += 1

    @property
    def unanswered(self) -> tuple[int, int]:
        """Tries that a receiver refused, and that ended without an answer, until now."""
        return self.load.refused, self.load.broken - self.load.unheard


@contextmanager
def under_load(on: Fleet, names: Sequence[str] = PEOPLE) -> Iterator[Play]:
    """The block with a sender and these people at work; behind it everything is counted into its outcome."""
    outcome, people = Outcome(), on.staffed(names)
    before = _transactions(on)
    with Load(on.door, PAUSE_SECONDS) as load, Deciders(people, on.app_ports) as deciders:
        play = Play(on, load, deciders, outcome)
        try:
            wait_until_back(on, load, deciders, time.monotonic())
            yield play
        except NotBack as failure:
            outcome.failure = f"step {load.round + 1}: {failure}"
    outcome.read_on_replica = _transactions(on) - before
    count(on, load, deciders, outcome)


def play(on: Fleet, rounds: int, kinds: tuple[Kind, ...] = KINDS) -> Outcome:
    """So many rounds, one kind after the other; then everything is counted."""
    with under_load(on) as playing:
        for number in range(rounds):
            kind = kinds[number % len(kinds)]
            playing.step(kind.name, kind.strike)
    return playing.outcome


def count(on: Fleet, load: Load, deciders: Deciders, outcome: Outcome) -> None:
    """What became of all that was answered and decided; load and people have ended."""
    outcome.people = deciders.noted
    outcome.acknowledged, outcome.longest = len(load.acknowledged), load.longest
    outcome.passed_on, outcome.refused = load.unheard, load.refused
    outcome.broken = load.broken - load.unheard
    lost, doubled, outcome.landed_twice = missing(on.url, load)
    outcome.lost, outcome.doubled = len(lost), len(doubled)
    _look_into_decisions(on, [person.name for person in deciders.people], outcome)


def wait_until_back(on: Fleet, load: Load, deciders: Deciders, began: float) -> None:
    """
    Raises:
        NotBack: after PATIENCE_SECONDS; says what is missing.
    """
    before, rounds = len(load.acknowledged), deciders.rounds()
    while True:
        # The first answers after a strike may have been on their way before it; so may what is being decided.
        fresh = [number for number, _ in load.acknowledged[before + LANES : before + LANES + 2]]
        is_shown = len(fresh) == 2 and len(shown(on.url, fresh) or {}) == 2
        is_decided = deciders.rounds() >= rounds + 2
        if is_shown and is_decided and on.is_whole():
            return
        if time.monotonic() - began > PATIENCE_SECONDS:
            whole = [f"{host.name} {host.is_whole()}" for host in (on.database, *on.hosts)]
            raise NotBack(f"shown: {is_shown}, decided: {is_decided}, whole: {', '.join(whole)}")
        time.sleep(0.05)


def _transactions(on: Fleet) -> int:
    """How much the replica has been asked, since it was started."""
    if on.standby is None:
        return 0
    told = on.standby.run("select sum(xact_commit)::bigint from pg_stat_database where datname = 'crm'")  # fmt: skip
    return int(told[0][0] or 0)


def _look_into_decisions(on: Fleet, names: Sequence[str], outcome: Outcome) -> None:
    noted = outcome.people
    with psycopg.connect(on.url) as database:
        rows = database.execute(SQL["decided"], {"names": list(names)}).fetchall()
        ended = database.execute(SQL["sessions_ended"], {"names": list(names)}).fetchone()
    ledger = {name: (made, without_event) for name, made, without_event in rows}
    for name in names:
        made, without_event = ledger.get(name, (0, 0))
        least = noted.decided_by.get(name, 0)
        if not least <= made <= least + noted.unknown_by.get(name, 0):
            outcome.miscounted.append(f"{name}: {made} in the ledger, {least} made")
        outcome.without_event += without_event
    outcome.signed_out = len(noted.signed_out) + (ended[0] if ended else 0)


# -- as a benchmark --------------------------------------------------------------------------------


@contextmanager
def installation() -> Iterator[Fleet]:
    """In a temporary folder, gone with the block."""
    folder = Path(tempfile.mkdtemp(prefix="crm-bench-"))
    try:
        with termination_as_interrupt(), fleet(folder) as on:
            yield on
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """What `./crm bench --json` prints. `settings` is not used: the hosts are throw-away ones."""
    rounds = scale or DEFAULT_ROUNDS
    with installation() as on:
        outcome = play(on, rounds)
        found = machine(on.url, on.database.data_dir)
    return document("hosts", rounds, found, results(outcome))


def results(outcome: Outcome, *, nobody_is_killed: bool = False) -> list[dict[str, Any]]:
    """One line a kind, then what must be none.

    Args:
        nobody_is_killed: so no delivery may end without an answer either.
    """
    people = outcome.people
    rows = [
        result(
            f"{name}, {len(times)} rounds: longest until back; longest wait for a page {max(outcome.page[name]):.1f} s",
            max(times),
            "s",
            goal=f"≤ {GOAL_SECONDS:.0f} s",
        )
        for name, times in outcome.back.items()
    ]
    waits = [took for _, took in people.sights]
    if waits:
        rows += [
            result(f"pages that were opened, the middle of {len(waits)}", percentile(waits, 0.5), "s"),
            result("the longest wait for a page", max(waits), "s", goal=f"≤ {PAGE_SECONDS:.0f} s"),
        ]  # fmt: skip
    none = {
        "acknowledged and not shown": (outcome.lost, "messages"),
        "acknowledged and shown twice": (outcome.doubled, "messages"),
        "deliveries that landed twice": (outcome.landed_twice, "deliveries"),
        "people who were signed out": (outcome.signed_out, "times"),
        "own decisions that the first page did not show": (len(people.unseen), "decisions"),
        "decisions without their one event": (outcome.without_event, "decisions"),
        "people who made more or fewer than the ledger has": (len(outcome.miscounted), "people"),
        f"rounds that were not come back from{_because(outcome.failure)}": (
            int(outcome.failure is not None), "rounds",
        ),
    }  # fmt: skip
    told = {
        "deliveries that were acknowledged": (outcome.acknowledged, "deliveries"),
        "tries that one receiver did not take and the other did": (outcome.passed_on, "tries"),
        "decisions that were made": (sum(people.decided.values()), "decisions"),
        "acts that ended with their page": (sum(people.unknown_by.values()), "acts"),
        "of which a page said that nothing was changed, and it was": (len(people.told_wrongly), "acts"),
        "pages that ended or could not be opened, and were opened again": (people.lost + people.away, "pages"),
        "transactions on the replica": (outcome.read_on_replica, "transactions"),
    }  # fmt: skip
    # Without the primary a receiver says 503, and a kill ends what is under way: both are sent again.
    (none if nobody_is_killed else told).update({
        "tries that a receiver refused": (outcome.refused, "tries"),
        "tries that ended without an answer": (outcome.broken, "tries"),
    })  # fmt: skip
    rows.append(result("from the first try of a delivery to its answer, longest", outcome.longest, "s"))  # fmt: skip
    rows += [result(what, value, unit) for what, (value, unit) in told.items()]
    rows += [result(what, value, unit, goal="0") for what, (value, unit) in none.items()]
    return rows


def _because(failure: str | None) -> str:
    return f": {failure}" if failure else ""
