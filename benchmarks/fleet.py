"""Several hosts on this machine: data folders and ports of their own, one database, and a replica that apps read from.

database    up --only postgres        replica     follows it
first       the programs              second      the same
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
from pydantic import SecretStr

from benchmarks.faults import Door, connected, environment
from benchmarks.landing import ACCOUNT_SID, AUTH_TOKEN
from benchmarks.sender import form, signature
from benchmarks.sign_in import cookie
from benchmarks.standby import Standby, replica_of
from benchmarks.throwaway import ROOT
from operations.runtime import running
from operations.runtime.ports import free_port
from warehouse import decisions, run_record
from warehouse.events import Actor
from warehouse.postgres import DATABASE, Embedded
from warehouse.queries import parse
from warehouse.settings import Settings

SQL = parse((Path(__file__).parent / "fleet.sql").read_text())
KEY = "an-invented-master-key-for-benchmarks-only"
PUBLIC_URL = "https://crm.example.com"
#: Numbers of what their customers wrote; those of a load begin elsewhere (benchmarks/faults.py).
OWN_CUSTOMERS = 1 << 40
SHOWN_SECONDS = 60.0
PARTS = ("receiver", "fold", "worker", "app")


@dataclass
class Host:
    """One `./crm up` on a data folder and a port base of its own.

    Args:
        code: whose programs it runs: those of another version in a folder of their own.
    """

    data_dir: Path
    base: int
    environment: dict[str, str]
    code: Path = ROOT

    @property
    def name(self) -> str:
        return self.data_dir.name

    def crm(self, *arguments: str, stdin: str = "") -> Any:
        """What `./crm … --json` says here."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "operations", *arguments, "--data-dir", str(self.data_dir), "--json"],
            env=self.environment | {"PYTHONPATH": str(self.code)}, cwd=self.data_dir.parent,
            input=stdin, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{self.name}: ./crm {arguments[0]}: {done.stderr[-800:]}"
        return json.loads(done.stdout)

    def up(self, *parts: str) -> Any:
        """Return when these parts serve, or all of them where none is named."""
        only = ["--only", ",".join(parts)] if parts else []
        return self.crm("up", *only, "--until-ready", "--port-base", str(self.base))

    def start(self) -> None:
        """All programs of a host that shares the work; a version without `--only` runs no other."""
        self.up(*(PARTS if self.code == ROOT else ()))

    def down(self) -> None:
        running.stop(self.data_dir)

    @property
    def app_port(self) -> int:
        return self.base + 1

    @property
    def receiver(self) -> str:
        return f"http://127.0.0.1:{self.base + 2}"

    @property
    def pids(self) -> dict[str, int]:
        return running.living(run_record.recorded(self.data_dir))

    def kill(self, program: str) -> None:
        pid = self.pids.get(program)
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def die(self) -> None:
        """All at once, as a host without power."""
        supervisor = run_record.recorded(self.data_dir)["supervisor"]["pid"]
        family = [psutil.Process(supervisor), *psutil.Process(supervisor).children(recursive=True)]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=60)

    def is_whole(self) -> bool:
        """Whether every program that runs here is ready, and what listens answers."""
        state = run_record.recorded(self.data_dir)
        programs, living = state.get("programs", {}), running.living(state)
        if state.get("phase") != "serving" or not all(
            each["state"] == "done" or (each["state"] == "ready" and name in living)
            for name, each in programs.items()
        ):
            return False
        doors = {"app": self.app_port, "receiver": self.base + 2}
        return all(_answers(port) for name, port in doors.items() if name in programs)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as told:
            return bool(told.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@dataclass
class Fleet:
    """What runs, and what is needed to ask something of it."""

    database: Host
    hosts: list[Host]
    #: As one of the hosts has them.
    settings: Settings
    door: Door = field(default_factory=lambda: Door("", "", ""))
    standby: Standby | None = None

    @property
    def url(self) -> str:
        return self.settings.admin_url

    @property
    def app_ports(self) -> list[int]:
        return [host.app_port for host in self.hosts]

    def is_whole(self) -> bool:
        return all(host.is_whole() for host in (self.database, *self.hosts))

    def staffed(self, names: Sequence[str]) -> dict[str, tuple[str, str]]:
        """These people, each signed in, and with a customer who has written: name -> cookie, customer."""
        customers = {}
        with psycopg.connect(self.url, autocommit=True) as owner:
            owner.execute(SQL["add_people"], {"names": list(names)})
            for number, name in enumerate(names):
                customers[name] = self._customer(owner, name, f"+6149157{6000 + number}", number)
            deadline = time.monotonic() + SHOWN_SECONDS
            wanted = {"customers": list(customers.values())}
            while owner.execute(SQL["conversations"], wanted).fetchone() != (len(names),):
                assert time.monotonic() < deadline, "what was received is not shown"
                time.sleep(0.1)
        return {name: (cookie(self.settings, name), customers[name]) for name in names}

    def _customer(self, owner: psycopg.Connection[Any], name: str, phone: str, number: int) -> str:
        by = Actor(name="benchmark", role="admin")
        with owner.transaction():
            customer_id = decisions.create_customer(owner, by, f"Customer of {name}")
            decisions.link(owner, by, f"phone:{phone}", customer_id, reason="They told us")
        body = form(OWN_CUSTOMERS + number, self.door.account_sid, phone)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": signature(self.door.url, body, self.door.token),
        }
        httpx.post(self.door.addresses[0], content=body, headers=headers).raise_for_status()
        return customer_id


def _server(database: Host) -> Embedded:
    return Embedded(data_dir=database.data_dir, port=database.base + 4)


def _emptied(database: Host) -> None:
    """What this version made there when it started the server goes."""
    server = _server(database)
    with psycopg.connect(server.superuser_url, autocommit=True) as superuser:
        superuser.execute(f"drop database {DATABASE} with (force)".encode())
    server.make_database()


@contextmanager
def fleet(
    folder: Path,
    *,
    key: str = KEY,
    codes: tuple[Path, Path] = (ROOT, ROOT),
    with_replica: bool = True,
) -> Iterator[Fleet]:
    """A database and two hosts in this folder, all of them serving; gone with the block.

    Args:
        key: the master key of what lies in `folder / "database"` already, where something does.
        codes: whose programs the two run. Where the first are of another version they make the schema.
    """
    # An embedded server of root is another user, who passes through.
    folder.chmod(0o711)
    plain = environment() | {"CRM_APP_PROCESSES": "1", "CRM_HOSTS": "2", "CRM_MASTER_KEY": key}
    database = Host(folder / "database", free_port(), plain)
    with ExitStack() as stack:
        stack.callback(database.down)
        database.up("postgres")
        if codes[0] != ROOT:
            _emptied(database)
        url = (database.data_dir / "postgres.url").read_text().strip()
        shared = plain | {
            "CRM_DATABASE_URL": url,
            "CRM_MEDIA_URL": f"file://{folder / 'media'}",
            "CRM_PUBLIC_URL": PUBLIC_URL,
        }
        settings = Settings(
            database_url=SecretStr(url),
            master_key=SecretStr(key),
            public_url=PUBLIC_URL,
            data_dir=folder / "first",
            _env_file=None,  # type: ignore[call-arg]
        )
        made = Fleet(database, [], settings)
        if with_replica:
            place = folder / "replica"
            place.mkdir()
            primary = _server(database).superuser_url
            made.standby = stack.enter_context(replica_of(primary, place, {}, lasts=True))
            shared["CRM_READ_DATABASE_URL"] = made.standby.url("crm")
        for name, code in zip(("first", "second"), codes, strict=True):
            host = Host(folder / name, free_port(), shared, code)
            stack.callback(host.down)
            host.start()
            made.hosts.append(host)
        path = connected(settings)
        addresses = tuple(f"{host.receiver}{path}" for host in made.hosts)
        made.door = Door(f"{PUBLIC_URL}{path}", ACCOUNT_SID, AUTH_TOKEN, addresses)
        yield made
