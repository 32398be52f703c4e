"""`./crm up --only …`: the programs on several hosts, here several data folders and port bases, on one database."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import psutil
import psycopg
import pytest
from playwright.sync_api import Browser, Page

from benchmarks.fleet import Host
from operations.runtime import running
from operations.runtime.ports import free_port
from operations.runtime.programs import PARTS, Ports, programs
from tests.built import built
from tests.operations.conftest import Crm
from warehouse import sign_of_life
from warehouse.settings import CONNECTION_LIMITS, SPARE_CONNECTIONS, Role, Settings

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "an invented long password"
PUBLIC_URL = "https://crm.example.com"
TOKEN = "an invented token"
ACCOUNT = "AC" + "5" * 32
OURS, SENDER = "+61491570006", "+61491570156"
LEADER = """
    select activity.client_port from pg_locks join pg_stat_activity as activity using (pid)
    where locktype = 'advisory' and granted and objid::bigint = hashtext('crm fold leader')::bigint & 4294967295
"""


# -- what is refused, in a sentence ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("only", "given", "sentence"),
    [
        ("receiver,webhook", {}, "there is no program 'webhook': give some of postgres, receiver, fold, worker, app"),
        (" , ", {}, "--only names no program"),
        ("receiver,fold", {}, "--only leaves the database out: set CRM_DATABASE_URL"),
        ("receiver", {"CRM_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/crm"}, "set CRM_MASTER_KEY"),
        (
            "fold,app",
            {"CRM_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/crm", "CRM_MASTER_KEY": "an invented key of 32 letters 0123"},
            "set CRM_MEDIA_URL",
        ),
        ("postgres,app", {"CRM_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/crm"}, "leave postgres out"),
    ],
)  # fmt: skip
def test_what_cannot_be_shared_out_is_said_and_nothing_is_started(
    crm: Crm, no_warehouse: None, monkeypatch: pytest.MonkeyPatch,
    only: str, given: dict[str, str], sentence: str,
) -> None:  # fmt: skip
    monkeypatch.delenv("CRM_MEDIA_URL", raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    status, out, err = crm("up", "--only", only)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert sentence in err
    assert not (Path(os.environ["CRM_DATA_DIR"]) / "master.key").exists()


def test_a_host_with_another_master_key_would_shut_the_others_out(
    crm: Crm, warehouse: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CRM_MASTER_KEY", "another-invented-master-key-0123456789")
    status, _, err = crm("up", "--only", "receiver", "--port-base", str(free_port()))
    assert status == 2
    assert "CRM_MASTER_KEY is not the one that this warehouse was made with" in err
    with psycopg.connect(warehouse.url_for(Role.APP)) as still:
        assert still.execute("select true").fetchone() == (True,)


def test_the_database_lets_the_sessions_of_every_host_in() -> None:
    one, three = Settings(_env_file=None), Settings(hosts=3, _env_file=None)  # type: ignore[call-arg]
    for role in (Role.RECEIVER, Role.LOADER, Role.TRANSFORMER, Role.APP):
        assert three.connection_limit(role) == 3 * one.connection_limit(role)
    assert three.connection_limit(Role.ANALYST) == CONNECTION_LIMITS[Role.ANALYST]
    # The server that runs here has room for all of them together.
    for hosts in (1, 2, 3):
        settings = Settings(hosts=hosts, app_processes=8, _env_file=None)  # type: ignore[call-arg]
        (postgres,) = [
            each
            for each in programs(settings, Ports(base=8500), demo=False, messages=0)
            if each.name == "postgres"
        ]
        (told,) = [each for each in postgres.command if each.startswith("max_connections=")]
        roles = sum(settings.connection_limit(role) for role in CONNECTION_LIMITS)
        assert int(told.partition("=")[2]) >= roles + SPARE_CONNECTIONS


def test_the_worker_of_another_host_is_no_sign_of_life_of_ours(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, _env_file=None)  # type: ignore[call-arg]
    assert not sign_of_life.is_fresh(settings)
    sign_of_life.give(settings)
    (own,) = (tmp_path / "run").iterdir()
    assert sign_of_life.is_fresh(settings)
    assert not sign_of_life.seen_since(settings, datetime.now(UTC) + timedelta(seconds=1))
    # Two containers share the folder; a third is gone for a day.
    for name, age in (("other", 0.0), ("gone", 90_000.0)):
        file = own.with_name(f"{sign_of_life.PREFIX}{name}")
        file.touch()
        os.utime(file, (time.time() - age,) * 2)
    own.unlink()
    assert not sign_of_life.is_fresh(settings)
    sign_of_life.give(settings)
    assert {file.name for file in (tmp_path / "run").iterdir()} == {own.name, f"{sign_of_life.PREFIX}other"}  # fmt: skip


# -- three hosts ----------------------------------------------------------------------------------


@dataclass
class Hosts:
    """The database's host, and two that share the work; `first` began first, so it folds."""

    database: Host
    first: Host
    second: Host
    connection: dict[str, str]
    customer_id: str

    def leader(self) -> str:
        """Which host's fold has the place."""
        with psycopg.connect(
            (self.database.data_dir / "postgres.url").read_text().strip()
        ) as owner:
            row = owner.execute(LEADER).fetchone()
        # For a moment after one ended there is none.
        port = row[0] if row else None
        for name, host in (("first", self.first), ("second", self.second)):
            pid = host.pids.get("fold")
            ports = psutil.Process(pid).net_connections() if pid else []
            if port in {each.laddr.port for each in ports}:
                return name
        return "nobody"

    def post(self, to: Host, sid: int, body: str) -> int:
        fields = {
            "MessageSid": f"SM{sid:032x}", "AccountSid": ACCOUNT, "From": SENDER, "To": OURS, "Body": body,
            "NumMedia": "0", "NumSegments": "1", "SmsStatus": "received",
        }  # fmt: skip
        text = self.connection["webhook_url"] + "".join(
            name + fields[name] for name in sorted(fields)
        )
        proof = base64.b64encode(hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest())
        request = urllib.request.Request(
            self.connection["webhook_url"].replace(PUBLIC_URL, f"http://127.0.0.1:{to.base + 2}"),
            data=urlencode(fields).encode(),
            headers={"X-Twilio-Signature": proof.decode()},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    folder = tmp_path_factory.mktemp("hosts")
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CRM_")}
    plain |= {"PYTHONPATH": str(ROOT), "CRM_APP_PROCESSES": "1"}
    database = Host(folder / "database", free_port(), plain)
    key = built(database.data_dir).master_keys[0]
    made = [database]
    try:
        said = database.up("postgres")
        assert (said["app_url"], said["receiver_url"], said["parts"]) == (None, None, ["postgres"])
        # A program that is elsewhere has no port here.
        assert database.pids.keys() == {"postgres"}
        shared = plain | {
            "CRM_DATABASE_URL": (database.data_dir / "postgres.url").read_text().strip(),
            "CRM_MASTER_KEY": key,
            "CRM_MEDIA_URL": f"file://{folder / 'media'}",
            "CRM_PUBLIC_URL": PUBLIC_URL,
            "CRM_HOSTS": "2",
        }
        first, second = (Host(folder / name, free_port(), shared) for name in ("first", "second"))
        made += [first, second]
        added = first.crm(
            "connection", "add", "twilio_sms", "--name", "Shop", f"--set=account_sid={ACCOUNT}", f"--set=auth_token={TOKEN}"
        )  # fmt: skip
        # What is pushed is received all the same, and no provider is asked.
        first.crm("connection", "disable", added["connection_id"])
        first.crm("user", "add", "kim", "--email", "kim@example.com", "--role", "agent", "--password-stdin", stdin=PASSWORD)  # fmt: skip
        (folder / "customers.csv").write_text("name,phone\nSam Citizen,0491 570 156\n")
        first.crm("customer", "import", str(folder / "customers.csv"))
        first.up("fold,worker,app")
        second.up("receiver,fold,app")
        with psycopg.connect(shared["CRM_DATABASE_URL"]) as owner:
            ((customer_id,),) = owner.execute("select customer_id from crm.customers").fetchall()
        yield Hosts(database, first, second, added, customer_id)
    finally:
        for host in reversed(made):
            running.stop(host.data_dir)


def sign_in(page: Page, app_url: str) -> None:
    page.goto(app_url)
    page.get_by_label("User name").fill("kim")
    page.get_by_label("Password").first.fill(PASSWORD)
    page.get_by_label("Password").first.press("Enter")
    page.get_by_role("link", name="Open Sam Citizen").first.wait_for(timeout=30_000)


def test_each_host_says_what_runs_there(hosts: Hosts) -> None:
    for host, parts in ((hosts.first, ["fold", "worker", "app"]), (hosts.second, ["receiver", "fold", "app"])):  # fmt: skip
        document = host.crm("status")
        assert document["parts"] == parts
        assert document["phase"] == "serving"
        assert set(document["processes"]) == set(parts)
        assert (document["receiver_url"] is None) == ("receiver" not in parts)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "operations", "status", "--data-dir", str(hosts.first.data_dir)],
        env=hosts.first.environment, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "Here       fold, worker, app" in done.stdout
    assert "Elsewhere  postgres, receiver" in done.stdout
    assert set(PARTS) >= set(hosts.first.pids)


def test_what_one_host_receives_another_folds_and_shows_and_one_of_them_may_die(
    hosts: Hosts, browser: Browser
) -> None:
    first, second = (f"http://127.0.0.1:{host.base + 1}" for host in (hosts.first, hosts.second))
    assert hosts.leader() == "first"
    context = browser.new_context()
    page = context.new_page()
    sign_in(page, first)
    page.goto(f"{first}/timeline?customer={hosts.customer_id}")
    page.get_by_text("No messages yet").wait_for(timeout=30_000)
    assert hosts.post(hosts.second, 1, "Received by the second host") == 200
    page.get_by_text("Received by the second host").wait_for(timeout=30_000)

    hosts.first.die()
    began = time.monotonic()
    # The receiver takes what comes, whoever folds it.
    assert hosts.post(hosts.second, 2, "After the first host died") == 200
    # Whoever was signed in there is signed in here: a session is a row of the database.
    page.goto(f"{second}/timeline?customer={hosts.customer_id}")
    page.get_by_text("Received by the second host").wait_for(timeout=30_000)
    page.get_by_text("After the first host died").wait_for(timeout=30_000)
    assert hosts.leader() == "second"
    assert time.monotonic() - began < 120
    context.close()
    # The host comes back on what it had, and stands by.
    left = running.stop_leftovers(hosts.first.data_dir)
    assert left == {}, left
    hosts.first.up("fold,worker")
    assert hosts.first.pids.keys() == {"fold", "worker"}
    assert hosts.leader() == "second"
    killed, deadline = 0, time.monotonic() + 60
    while (leader := hosts.leader()) != "first":
        assert time.monotonic() < deadline
        fold = hosts.second.pids.get("fold", 0)
        if leader == "second" and fold != killed:
            # Its supervisor starts it again, and it may be there before who stands by asks the next time.
            os.kill(fold, signal.SIGKILL)
            killed = fold
        time.sleep(0.2)


def test_analysts_are_given_the_replica_and_nobody_else_is(
    crm: Crm, warehouse: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_READ_DATABASE_URL", "postgresql://replica.example.com:5432/crm")
    for role, is_there in (("analyst", True), ("app", False), ("admin", False)):
        status, out, _ = crm("database-url", "--role", role)
        assert status == 0
        assert ("@replica.example.com:5432/crm" in out) == is_there
        assert (out.strip() == warehouse.url_for({"app": Role.APP, "admin": Role.ADMIN}.get(role, Role.ANALYST))) != is_there  # fmt: skip
