"""Faults: an installation is struck at random moments under a load of genuine signed deliveries, so many rounds.

    ./crm bench faults --scale 300
    ./crm bench kills --scale 200        only the folding process and PostgreSQL, each alone and both

`./crm up` stands on a disk and with a clock of its own (benchmarks/grounds.py). Each round is one fault: a program
killed, PostgreSQL killed, the disk full until a delivery was refused for it, every TCP connection cut, the clock set by
an hour, all of it stopped or killed and started again. A sender repeats what nobody answered, as providers do.

It is back when a delivery that was answered after the fault is shown, every program is ready and the app answers:
timed from the kill, from the room on the disk, from the command that starts it again. What was ever answered 2xx must
be shown once, and what readers find must agree.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg

from benchmarks.figures import document, percentile, result
from benchmarks.grounds import Grounds, cut, grounds
from benchmarks.landing import ACCOUNT_SID, AUTH_TOKEN
from benchmarks.machine import machine
from benchmarks.sender import form, message_id, signature
from benchmarks.throwaway import ROOT, termination_as_interrupt
from operations.runtime import running
from operations.runtime.ports import free_port
from warehouse import connections, run_record
from warehouse.queries import parse
from warehouse.settings import Settings

SQL = parse((Path(__file__).parent / "faults.sql").read_text())
DEFAULT_ROUNDS = 300
#: A run of fewer rounds takes one of each family first.
SEED = 7
#: Asked for is less; after so long a run ends and says what did not come back.
PATIENCE_SECONDS = 120.0
GOAL_SECONDS = 30.0
#: How long a disk stays full where nothing is refused for it: a log segment may have been there already.
LONGEST_FULL_SECONDS = 8.0
HOUR = 3600.0
LANES = 3
#: Between two deliveries of a lane.
LANE_PAUSE_SECONDS = 0.03
RETRY_SECONDS = 0.05
#: Settings that cannot be empty, or that one program alone is given.
SET_BY_US = ("data_dir", "timezone", "role_urls", "purpose_keys")
PROGRAMS = ("receiver", "fold", "worker", "app")
SHOWN_AT_ONCE = 20_000


@dataclass(frozen=True)
class Door:
    """Where deliveries go, and what signs them.

    Args:
        addresses: where they are posted, in turns, and what one of them does not take to the next, as a proxy does; the
            URL itself where there is none.
    """

    url: str
    account_sid: str
    token: str
    addresses: tuple[str, ...] = ()


@dataclass
class Struck:
    """A running `./crm up`, and what it stands on."""

    on: Grounds
    base: int
    door: Door
    #: How many processes serve pages behind the app's door, as far as was seen.
    pages: int = 0

    @property
    def data_dir(self) -> Path:
        return self.on.data_dir

    @property
    def url(self) -> str:
        return settings_of(self.data_dir).admin_url

    def state(self) -> dict[str, Any]:
        return run_record.recorded(self.data_dir)

    def pid(self, name: str) -> int | None:
        found = self.state().get("programs", {}).get(name, {}).get("pid")
        return int(found) if found else None

    def pids(self) -> list[int]:
        """Every process of it, the supervisor's own aside."""
        found: list[int] = []
        for pid in running.living(self.state()).values():
            with suppress(psutil.Error):
                process = psutil.Process(pid)
                found += [pid, *(child.pid for child in process.children(recursive=True))]
        return found

    def is_whole(self) -> bool:
        """Whether every program is ready under its present pid, and the app answers."""
        state = self.state()
        programs = state.get("programs", {})
        running_now = running.living(state)
        if state.get("phase") != "serving" or not all(
            each["state"] == "done" or (each["state"] == "ready" and name in running_now)
            for name, each in programs.items()
        ):
            return False
        pages = len(running.app_processes(running_now["app"]))
        if pages < self.pages:
            return False
        self.pages = pages
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.base + 1}/healthz", timeout=2
            ) as told:
                return bool(told.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def command(self, *arguments: str) -> None:
        """`./crm …` on it.

        Raises:
            NotBack: it failed.
        """
        done = subprocess.run(
            [
                sys.executable,
                "-P",
                "-m",
                "operations",
                *arguments,
                "--data-dir",
                str(self.data_dir),
            ],
            cwd=self.on.data_dir.parent,
            env=environment() | self.on.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode:
            raise NotBack(f"./crm {arguments[0]}: {done.stderr[-800:]}")

    def up(self) -> None:
        self.command("up", "--until-ready", "--port-base", str(self.base))


class NotBack(Exception):
    """It did not come back; the text says what of it."""


def environment() -> dict[str, str]:
    """Ours, without what leads to somebody's own warehouse: also what stands in `.env` counts for nothing here."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("CRM_")}
    empty = {f"CRM_{name.upper()}": "" for name in Settings.model_fields if name not in SET_BY_US}
    return own | empty | {"PYTHONPATH": str(ROOT)}


def settings_of(data_dir: Path) -> Settings:
    """As a program of this data folder has them."""
    return Settings(
        database_url=None,
        master_key=None,
        data_dir=data_dir,
        _env_file=None,  # type: ignore[call-arg]
    )


# -- the load --------------------------------------------------------------------------------------


class Load:
    """Signed deliveries over several lanes until the block ends; each is sent again until it is answered 2xx."""

    def __init__(self, door: Door, pause_seconds: float = LANE_PAUSE_SECONDS) -> None:
        self._door, self._pause_seconds = door, pause_seconds
        #: In the order of their answers: number of the delivery, and the round in which it was answered.
        self.acknowledged: list[tuple[int, int]] = []
        self.round = 0
        #: Answers that were no success, and connections that ended without one; of these how many were never begun.
        self.refused = 0
        self.broken = 0
        self.unheard = 0
        #: Seconds from the first try to the acknowledgement, at most.
        self.longest = 0.0
        self._stop = threading.Event()
        self._lanes = [threading.Thread(target=self._run, args=(n,)) for n in range(LANES)]

    def __enter__(self) -> Load:
        for lane in self._lanes:
            lane.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for lane in self._lanes:
            lane.join()

    def _run(self, lane: int) -> None:
        number = turn = lane << 32
        addresses = self._door.addresses or (self._door.url,)
        with httpx.Client(timeout=10) as client:
            while not self._stop.is_set():
                number, turn = number + 1, turn + 1
                began = time.monotonic()
                body = form(number, self._door.account_sid, None)
                headers = {
                    "Content-Type": "application/x-www-form-urlencoded",
                    "X-Twilio-Signature": signature(self._door.url, body, self._door.token),
                }
                while not self._stop.is_set():
                    try:
                        address = addresses[turn % len(addresses)]
                        answer = client.post(address, content=body, headers=headers)
                    except httpx.HTTPError as fault:
                        self.broken += 1
                        self.unheard += isinstance(fault, httpx.ConnectError | httpx.ConnectTimeout)
                    else:
                        if answer.is_success:
                            self.acknowledged.append((number, self.round))
                            self.longest = max(self.longest, time.monotonic() - began)
                            break
                        self.refused += 1
                    turn += 1
                    self._stop.wait(RETRY_SECONDS)
                self._stop.wait(self._pause_seconds)


# -- faults ----------------------------------------------------------------------------------------


Strike = Callable[["Round"], float]


@dataclass
class Round:
    """One fault, which begins when the kind is called with it."""

    on: Struck
    load: Load
    choose: random.Random

    def kill(self, *names: str) -> float:
        for name in names:
            pid = self.on.pid(name)
            if pid:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        return time.monotonic()

    def until(self, what: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not what():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


def _killed(*names: str) -> Strike:
    return lambda struck: struck.kill(*names)


def _page_killed(struck: Round) -> float:
    """One of the processes behind the app's door; the app itself where it serves alone."""
    door = struck.on.pid("app")
    found = list(running.app_processes(door).values()) if door else []
    if not found:
        return struck.kill("app")
    with suppress(ProcessLookupError):
        os.kill(struck.choose.choice(found), signal.SIGKILL)
    return time.monotonic()


def _backend_killed(struck: Round) -> float:
    """Of a session alone: the server takes its shared memory for damaged and starts all of them anew."""
    server = struck.on.pid("postgres")
    with suppress(psutil.Error):
        sessions = [
            child
            for child in psutil.Process(server).children()
            if "crm_" in " ".join(child.cmdline())
        ]
        if sessions:
            struck.choose.choice(sessions).kill()
    return time.monotonic()


def _disk_full(struck: Round) -> float:
    assert struck.on.on.disk
    before = struck.load.refused + struck.load.broken
    struck.on.on.disk.fill()
    try:
        struck.until(
            lambda: struck.load.refused + struck.load.broken > before, LONGEST_FULL_SECONDS
        )
        time.sleep(struck.choose.uniform(0, 2))
    finally:
        struck.on.on.disk.free()
    return time.monotonic()


def _cut(struck: Round) -> float:
    cut(struck.on.pids())
    return time.monotonic()


def _clock_set(struck: Round) -> float:
    clock = struck.on.on.clock
    assert clock
    places = [ahead for ahead in (-HOUR, 0.0, HOUR) if abs(ahead - clock.ahead_seconds) == HOUR]
    clock.set_ahead(struck.choose.choice(places))
    return time.monotonic()


def _started_again(struck: Round) -> float:
    struck.on.command("down")
    began = time.monotonic()
    struck.on.up()
    return began


def _power_cut(struck: Round) -> float:
    """Everything at once, the supervisor first."""
    supervisor = (struck.on.state().get("supervisor") or {}).get("pid")
    for pid in [supervisor, *struck.on.pids()]:
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    began = time.monotonic()
    struck.on.up()
    return began


@dataclass(frozen=True)
class Kind:
    """One kind of fault: returns the moment from which its return is counted."""

    name: str
    family: str
    strike: Strike
    #: How often of all rounds.
    weight: int = 2


KINDS = (
    *(Kind(f"{name} killed", "program", _killed(name)) for name in PROGRAMS),
    Kind("one process of the app killed", "program", _page_killed),
    Kind("PostgreSQL killed", "server", _killed("postgres")),
    Kind("one session of PostgreSQL killed", "server", _backend_killed, 1),
    Kind("fold and PostgreSQL killed", "server", _killed("fold", "postgres")),
    Kind("disk full", "disk full", _disk_full),
    Kind("TCP cut", "TCP cut", _cut),
    Kind("clock set", "clock set", _clock_set),
    Kind("stopped and started", "all", _started_again, 1),
    Kind("all killed and started", "all", _power_cut, 1),
)
#: What issue-sized runs of `kills` take: each alone, and both.
KILLS = tuple(
    kind
    for kind in KINDS
    if kind.name in ("fold killed", "PostgreSQL killed", "fold and PostgreSQL killed")
)


# -- a run -----------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """What a run found."""

    #: By kind: seconds until it was back, of each round.
    back: dict[str, list[float]] = field(default_factory=dict)
    #: By kind: acknowledged in such a round and not shown, or shown twice.
    lost: dict[str, int] = field(default_factory=dict)
    doubled: dict[str, int] = field(default_factory=dict)
    acknowledged: int = 0
    sent_again: int = 0
    landed_twice: int = 0
    #: Rounds after which what readers find did not agree with itself.
    disagreed: int = 0
    #: What did not come back, and ended the run.
    failure: str | None = None


def play(
    on: Struck,
    rounds: int,
    kinds: tuple[Kind, ...] = KINDS,
    *,
    pause_seconds: float = LANE_PAUSE_SECONDS,
) -> Outcome:
    """So many rounds; the last ones settled, everything that was acknowledged looked for.

    pause_seconds: between two deliveries of a lane.
    """
    choose = random.Random(SEED)
    able = tuple(kind for kind in kinds if kind.name not in on.on.missing)
    outcome, played = Outcome(), list[str]()
    with Load(on.door, pause_seconds) as load:
        try:
            _wait_until_back(on, load, time.monotonic())
            for kind in _drawn(able, rounds, choose):
                played.append(kind.name)
                load.round = len(played) - 1
                time.sleep(choose.uniform(0.1, 0.8))
                began = kind.strike(Round(on, load, choose))
                _wait_until_back(on, load, began)
                outcome.back.setdefault(kind.name, []).append(time.monotonic() - began)
                outcome.disagreed += not _agrees(on)
        except NotBack as failure:
            told = f"round {len(played)}, {played[-1] if played else 'before the first'}: {failure}"
            outcome.failure = told
    outcome.acknowledged, outcome.sent_again = len(load.acknowledged), load.refused + load.broken
    _count(on, load, played, outcome)
    return outcome


def _drawn(kinds: tuple[Kind, ...], rounds: int, choose: random.Random) -> Iterator[Kind]:
    """One of each family first, then as the weights say."""
    families = list(dict.fromkeys(kind.family for kind in kinds))
    for number in range(rounds):
        if number < len(families):
            kinds_now = [kind for kind in kinds if kind.family == families[number]]
        else:
            kinds_now = list(kinds)
        yield choose.choices(kinds_now, [kind.weight for kind in kinds_now])[0]


def _wait_until_back(on: Struck, load: Load, began: float) -> None:
    """
    Raises:
        NotBack: after PATIENCE_SECONDS; says what is missing.
    """
    before = len(load.acknowledged)
    while True:
        # The first answers after a fault may have been on their way before it.
        fresh = [number for number, _ in load.acknowledged[before + LANES : before + LANES + 2]]
        is_answered = len(fresh) == 2
        if is_answered and len(shown(on.url, fresh) or {}) == 2 and on.is_whole():
            return
        if time.monotonic() - began > PATIENCE_SECONDS:
            states = {n: p["state"] for n, p in on.state().get("programs", {}).items()}
            said = "nothing is answered" if not is_answered else "what is answered is not shown"
            raise NotBack(f"{said} after {PATIENCE_SECONDS:.0f} s; programs: {states}; {_tail(on)}")
        time.sleep(0.03)


def _tail(on: Struck) -> str:
    """The end of each log, for whoever asks why."""
    from operations.runtime.programs import log_tail

    names = ("supervisor", "postgres", *PROGRAMS)
    return " | ".join(f"{name}: {' / '.join(log_tail(on.data_dir, name, 4))}" for name in names)


def shown(url: str, numbers: list[int]) -> dict[int, int] | None:
    """How often each stands in the timeline; None while the warehouse is away."""
    try:
        with psycopg.connect(url, connect_timeout=2) as database:
            rows = database.execute(
                SQL["shown"], {"message_ids": [message_id(number) for number in numbers]}
            ).fetchall()
    except psycopg.OperationalError:
        return None
    return {int(sid[2:], 16): int(times) for sid, times in rows}


def _agrees(on: Struck) -> bool:
    """Asked again while the warehouse is away: the next fault may be the one before's late echo."""
    for _ in range(50):
        with (
            suppress(psycopg.OperationalError),
            psycopg.connect(on.url, connect_timeout=2) as database,
        ):
            return database.execute(SQL["agree"]).fetchone() == (True,)
        time.sleep(0.2)
    return False


def _count(on: Struck, load: Load, played: list[str], outcome: Outcome) -> None:
    """What was acknowledged and is not shown after a minute is lost."""

    def named(at: int) -> str:
        return played[min(at, len(played) - 1)] if played else ""

    lost, doubled, outcome.landed_twice = missing(on.url, load)
    for found, told in ((lost, outcome.lost), (doubled, outcome.doubled)):
        for at in found:
            told[named(at)] = told.get(named(at), 0) + 1
    for name in {named(at) for _, at in load.acknowledged}:
        outcome.doubled.setdefault(name, 0)


def missing(url: str, load: Load) -> tuple[list[int], list[int], int]:
    """Of what was acknowledged, the rounds of what is not shown after a minute, and of what is shown more than once;
    how many deliveries landed twice."""
    left, doubled = dict(load.acknowledged), list[int]()
    deadline = time.monotonic() + 60
    while left and time.monotonic() < deadline:
        for first in range(0, len(left), SHOWN_AT_ONCE):
            numbers = list(left)[first : first + SHOWN_AT_ONCE]
            for number, times in (shown(url, numbers) or {}).items():
                at = left.pop(number)
                doubled += [at] * (times != 1)
        time.sleep(0.2 if left else 0)
    twice = 0
    with suppress(psycopg.OperationalError), psycopg.connect(url, connect_timeout=5) as database:
        twice = len(database.execute(SQL["landed_twice"]).fetchall())
    return list(left.values()), doubled, twice


# -- as a benchmark --------------------------------------------------------------------------------


@contextmanager
def installation() -> Iterator[Struck]:
    """`./crm up` in a temporary folder, with one connection that nobody pulls; gone with the block."""
    folder = Path(tempfile.mkdtemp(prefix="crm-bench-"))
    try:
        with termination_as_interrupt(), grounds(folder) as on:
            struck = Struck(on, free_port(), Door("", "", ""))
            try:
                struck.up()
                struck.door = _door(struck)
                yield struck
            finally:
                running.stop(on.data_dir)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _door(struck: Struck) -> Door:
    path = connected(settings_of(struck.data_dir))
    return Door(f"http://127.0.0.1:{struck.base + 2}{path}", ACCOUNT_SID, AUTH_TOKEN)


def connected(settings: Settings) -> str:
    """Make a connection that nobody pulls; returns the path of its webhooks."""
    values = {"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN}
    with psycopg.connect(settings.admin_url) as database:
        made = connections.add(
            database,
            settings,
            channel="twilio_sms",
            name="Benchmark",
            values=values,
            actor="benchmark",
        )
        # In the same transaction: no worker asks a provider for the history of an invented account.
        named = {"connection_id": made.connection_id, "disabled": True}
        database.execute(connections.SQL["set_disabled"], named)
    return connections.webhook_path(made)


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """What `./crm bench --json` prints. `settings` is not used: the installation is a throw-away one."""
    return measured("faults", scale or DEFAULT_ROUNDS, KINDS)


def measured(name: str, rounds: int, kinds: tuple[Kind, ...]) -> dict[str, Any]:
    """One run of these kinds as a table."""
    with installation() as on:
        outcome = play(on, rounds, kinds)
        found = machine(on.url, on.data_dir)
        left_out = {
            k: why for k, why in on.on.missing.items() if k in {kind.name for kind in kinds}
        }
    return document(name, rounds, found, results(outcome, left_out))


def results(outcome: Outcome, left_out: dict[str, str]) -> list[dict[str, Any]]:
    """One line a kind, then what must be none."""
    rows = [
        result(
            f"{name}, {len(times)} rounds: longest until back; lost {outcome.lost.get(name, 0)},"
            f" doubled {outcome.doubled.get(name, 0)}",
            max(times),
            "s",
            goal=f"≤ {GOAL_SECONDS:.0f} s",
        )
        for name, times in outcome.back.items()
    ]
    every = [seconds for times in outcome.back.values() for seconds in times]
    if every:
        rows.append(
            result(f"until back, the middle of {len(every)} rounds", percentile(every, 0.5), "s")
        )
    rows += [
        result("deliveries that were acknowledged", outcome.acknowledged, "deliveries"),
        result("tries that were refused or unanswered, and repeated", outcome.sent_again, "tries"),
        result("acknowledged and not shown", sum(outcome.lost.values()), "messages", goal="0"),
        result("acknowledged and shown twice", sum(outcome.doubled.values()), "messages", goal="0"),
        result("deliveries that landed twice", outcome.landed_twice, "deliveries", goal="0"),
        result("rounds after which tables disagreed", outcome.disagreed, "rounds", goal="0"),
        result(
            f"rounds that were not come back from: {outcome.failure}" if outcome.failure
            else "rounds that were not come back from",
            int(outcome.failure is not None), "rounds", goal="0",
        ),
        *(result(f"left out, {name}: {why}", 0, "rounds") for name, why in left_out.items()),
    ]  # fmt: skip
    return rows
