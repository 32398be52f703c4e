"""The programs of the product: what `up` and `demo` run, on which ports, and how each says it is ready.

cluster -> postgres -> migrate -> histories -> fold, worker
                               -> receiver, app
simulator (demo only)

With `--only` a host runs some of them, on the database that all hosts share (shared.py).
"""

from __future__ import annotations

import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from operations.invocation import ROOT
from operations.runtime import running
from operations.runtime.ports import is_busy
from operations.runtime.supervisor import Program
from warehouse import sign_of_life
from warehouse.queries import queries
from warehouse.refusals import Refused
from warehouse.settings import Role, Settings

if TYPE_CHECKING:
    from warehouse.postgres import Embedded

#: What a person may name: all that lasts, in the order in which it is started.
PARTS = ("postgres", "receiver", "fold", "worker", "app")
PROBE_TIMEOUT_SECONDS = 2.0

#: Nothing that runs here reports to anybody.
QUIET = {
    "DO_NOT_TRACK": "1",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "PYTHONUNBUFFERED": "1",
    "PYTHONPATH": str(ROOT),
}


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The ports of one data folder: `--port-base` N gives app N+1 … Postgres N+4, the receiver's readiness N+5."""

    base: int

    @property
    def app(self) -> int:
        return self.base + 1

    @property
    def receiver(self) -> int:
        return self.base + 2

    @property
    def simulator(self) -> int:
        return self.base + 3

    @property
    def postgres(self) -> int:
        return self.base + 4

    @property
    def receiver_admin(self) -> int:
        return self.base + 5

    def check(self, parts: Collection[str], *, demo: bool) -> None:
        """
        Args:
            parts: which of PARTS run here.

        Raises:
            Refused: a port that is needed is taken; names it.
        """
        if not 1024 <= self.base <= 65_530:
            raise Refused(f"--port-base {self.base} is out of range: give 1024 to 65530")
        needed = {}
        if "app" in parts:
            needed["app"] = self.app
        if "receiver" in parts:
            needed |= {"receiver": self.receiver, "the receiver's readiness": self.receiver_admin}
        if demo:
            needed["simulator"] = self.simulator
        if "postgres" in parts:
            needed["Postgres"] = self.postgres
        for name, port in needed.items():
            if is_busy(port):
                raise Refused(
                    f"port {port} ({name}) is taken by another program: choose others with --port-base N"
                )


def all_parts(settings: Settings) -> list[str]:
    """What runs where nobody names a part: everything, the database too unless it is elsewhere."""
    return [name for name in PARTS if name != "postgres" or settings.database_url is None]


def facts(
    ports: Ports, settings: Settings, *, demo: bool, parts: Collection[str] | None = None
) -> dict[str, object]:
    """What the record says besides processes: addresses and how it was started."""
    here = all_parts(settings) if parts is None else parts
    receiver = f"http://127.0.0.1:{ports.receiver}" if "receiver" in here else None
    return {
        "app_url": f"http://127.0.0.1:{ports.app}" if "app" in here else None,
        "receiver_url": receiver,
        "receiver_admin_url": f"http://127.0.0.1:{ports.receiver_admin}" if receiver else None,
        "simulator_url": f"http://127.0.0.1:{ports.simulator}" if demo else None,
        "public_url": settings.public_url or receiver,
        "port_base": ports.base,
        "demo": demo,
        "embedded": "postgres" in here,
        "parts": [name for name in PARTS if name in here],
    }


def programs(
    settings: Settings,
    ports: Ports,
    *,
    demo: bool,
    messages: int,
    reload: bool = False,
    parts: Collection[str] | None = None,
) -> list[Program]:
    """The programs of this data folder in the order in which they are looked after.

    Args:
        reload: the app is started again when its files change.
        parts: which of PARTS run here; all of them unless told.
    """
    here = all_parts(settings) if parts is None else parts
    has_receiver = "receiver" in here
    admin_bind = settings.admin_bind or f"127.0.0.1:{ports.receiver_admin}"
    # Where the receiver is elsewhere nobody here knows what providers call, unless it is said.
    public_url = settings.public_url or (
        f"http://127.0.0.1:{ports.receiver}" if has_receiver else ""
    )
    environment = QUIET | {
        "CRM_DATA_DIR": str(settings.data_dir),
        "CRM_PUBLIC_URL": public_url,
        "CRM_ADMIN_BIND": admin_bind,
        "CRM_APP_URL": settings.app_url or "",
    }
    if demo:
        environment["CRM_PROVIDER_ADDRESSES"] = f"http://127.0.0.1:{ports.simulator}"

    def program(name: str, *arguments: str, **options: object) -> Program:
        return Program(
            name=name,
            command=[sys.executable, "-m", *arguments],
            cwd=ROOT,
            environment=environment,
            # Only now: an embedded server's URL is written by a program before these.
            given=(lambda: given(name, settings)) if name in NEEDS else None,
            **options,  # type: ignore[arg-type]
        )

    embedded = "postgres" in here
    listed = []
    if embedded:
        listed += [
            program(
                "cluster", "operations.runtime.prepare", "cluster", str(ports.postgres), once=True
            ),
            _postgres(settings, ports),
        ]
    # Every host does these two, whichever comes first: they take turns, and find done what is.
    listed.append(
        program(
            "migrate",
            "operations.runtime.prepare",
            "migrate",
            after=("postgres",) if embedded else (),
            once=True,
        )
    )
    if {"fold", "worker"} & set(here):
        listed.append(
            program(
                "histories",
                "operations.runtime.prepare",
                "histories",
                after=("migrate",),
                once=True,
            )
        )
    if has_receiver:
        listed.append(
            program(
                "receiver",
                "webhooks",
                "--port",
                str(ports.receiver),
                after=("migrate",),
                is_ready=answers(f"http://{admin_bind}/readyz"),
                is_alive=lives(f"http://127.0.0.1:{ports.receiver}/healthz"),
            )
        )
    if "fold" in here:
        listed.append(
            program(
                "fold",
                "transform",
                after=("histories",),
                is_ready=_said_in(settings, "models_serve"),
            )
        )
    if "worker" in here:
        listed.append(
            program(
                "worker",
                "worker",
                after=("histories",),
                is_ready=lambda started_at: sign_of_life.seen_since(settings, started_at),
                is_alive=lambda: sign_of_life.is_fresh(settings),
            )
        )
    if "app" in here:
        listed.append(
            program(
                "app",
                *(["operations.runtime.reload"] if reload else []),
                "app",
                "--port",
                str(ports.app),
                after=("migrate",),
                is_ready=answers(f"http://127.0.0.1:{ports.app}/_stcore/health"),
                is_alive=lives(f"http://127.0.0.1:{ports.app}/healthz"),
            )
        )
    if demo:
        listed.append(
            program(
                "simulator",
                "simulator",
                "--port",
                str(ports.simulator),
                "--messages",
                str(messages),
                "--state-dir",
                str(settings.data_dir / "simulator"),
                is_ready=answers(f"http://127.0.0.1:{ports.simulator}/healthz"),
            )
        )
    return listed


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What one program signs in as, and for what it is given keys."""

    roles: tuple[Role, ...]
    purposes: tuple[str, ...] = ()


#: Every program that lasts. None has the owner's URL or the master key; who gets into one has that one's rights.
NEEDS = {
    "receiver": Needs(roles=(Role.RECEIVER,), purposes=("signing secrets",)),
    # dbt's data tests run in the worker, as who owns the models; so does what takes out of raw what was destroyed.
    # It opens what was pasted on a page, and stores it for itself and for the receiver.
    "worker": Needs(
        roles=(Role.LOADER, Role.TRANSFORMER, Role.DESTROYER, Role.CHECKER),
        purposes=("connection secrets", "signing secrets", "pasted secrets", "tombstone key"),
    ),
    # What it builds is checked before it serves.
    "fold": Needs(roles=(Role.TRANSFORMER, Role.CHECKER)),
    # The public half: what is pasted on a page is sealed with it, and the app opens no secret of a provider.
    "app": Needs(
        roles=(Role.APP,),
        purposes=(
            "session cookie name",
            "news ticket",
            "pasted secrets, public half",
            "second factor",
        ),
    ),
}


def given(name: str, settings: Settings) -> dict[str, str]:
    """The part of the environment that opens doors, for this program alone."""
    needs = NEEDS[name]
    return settings.for_program(needs.roles, needs.purposes)


def _postgres(settings: Settings, ports: Ports) -> Program:
    from warehouse.postgres import Embedded

    server = Embedded(
        data_dir=settings.data_dir, port=ports.postgres, connections=settings.most_connections
    )
    return Program(
        name="postgres",
        after=("cluster",),
        command=server.command(),
        cwd=server.cluster,
        user=server.user,
        is_ready=_takes_queries(server),
        # Fast shutdown: the default (SIGTERM) would wait for every client to leave by itself.
        stop_signal=signal.SIGINT,
        grace_seconds=running.POSTGRES_GRACE_SECONDS,
        stops_last=True,
    )


# -- how each says it is ready -------------------------------------------------------------------


def answers(url: str) -> Callable[[datetime], bool]:
    """Ready when this address answers 200."""

    def probe(_: datetime) -> bool:
        try:
            # The address is always one of our own.
            with urllib.request.urlopen(url, timeout=PROBE_TIMEOUT_SECONDS) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    return probe


def lives(url: str) -> Callable[[], bool]:
    """Whether anything is answered at this address."""
    probe = answers(url)
    return lambda: probe(datetime.now(UTC))


def _takes_queries(server: Embedded) -> Callable[[datetime], bool]:
    def probe(_: datetime) -> bool:
        import psycopg

        with psycopg.connect(server.superuser_url, connect_timeout=2) as connection:
            return connection.execute("select true").fetchone() == (True,)

    return probe


def _said_in(settings: Settings, query: str) -> Callable[[datetime], bool]:
    """Ready when the warehouse shows a sign of life of this start: a query of operations.sql."""

    def probe(started_at: datetime) -> bool:
        import psycopg

        with psycopg.connect(settings.url_for(Role.APP), connect_timeout=2) as connection:
            row = connection.execute(queries("operations")[query], {"since": started_at}).fetchone()
        return row is not None and bool(row[0])

    return probe


def log_tail(data_dir: Path, name: str, lines: int = 15) -> list[str]:
    """The last lines of a program's log."""
    try:
        text = (data_dir / "logs" / f"{name}.log").read_text(errors="replace")
    except FileNotFoundError:
        return []
    return text.splitlines()[-lines:]
