"""The worker as a program: pushes become pulls at once, and neither a kill nor a broken account stops it."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from simulator.server import Simulator
from tests.forked import Forked
from tests.long_form import LONG
from tests.pipelines.programs import has_started, start, wait_until
from tests.pipelines.small_graph import SmallGraph
from warehouse import connections
from warehouse.health import Watch, judge
from warehouse.settings import Role, Settings
from worker.asking import request_pull

Database = psycopg.Connection[Any]
#: As it is, and for whoever waits: the clock is looked at each second.
CLOCK_WITHIN = 45 if LONG else 10
HASTY = (
    "-c",
    "from worker import main, outside\noutside.CLOCK_SECONDS = 1.0\nraise SystemExit(main.main())",
)
#: The supervisor kills a program that takes longer; a second on an idle machine.
ENDS_WITHIN = 10


class Running:
    """A worker that a test starts, kills and starts again."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self.settings, self.log = settings, log
        self.process: Forked | None = None

    def start(self, program: Sequence[str] = ("-m", "worker")) -> None:
        self.log.write_text("")
        self.process = start(self.settings, list(program), self.log)
        wait_until(lambda: has_started(self.log), 60, "the worker's start")

    def end(self, how: signal.Signals = signal.SIGTERM) -> float:
        """Ends it and returns the seconds that it took."""
        assert self.process is not None
        started = time.monotonic()
        self.process.send_signal(how)
        self.process.wait(60)
        return time.monotonic() - started


@pytest.fixture
def worker(settings: Settings, tmp_path: Path) -> Iterator[Running]:
    running = Running(settings, tmp_path / "worker.log")
    yield running
    if running.process and running.process.poll() is None:
        running.process.kill()
        running.process.wait()


def loaded(admin: Database, connection: str, identity: str) -> bool:
    return bool(
        admin.execute(
            "select 1 from raw_gmail.messages where connection_id = %s and id = %s",
            [connection, identity],
        ).fetchone()
    )


def pulled(admin: Database, connection: str) -> bool:
    return bool(
        admin.execute(
            "select 1 from jobs.connection_health where connection_id = %s and job = 'pull' "
            "and last_succeeded_at is not null and not (detail ->> 'more')::boolean",
            [connection],
        ).fetchone()
    )


def ask(admin: Database, task_id: str) -> None:
    """For an export of somebody who is not there."""
    admin.execute(
        "insert into privacy.tasks (task_id, kind, object_id, asked_by, asked_role, state)"
        " values (%s, 'export', 'nobody', 'pia', 'privacy_officer', 'waiting')",
        [task_id.replace(" ", "")],
    )


def answered(admin: Database) -> list[str]:
    return [
        problem
        for (problem,) in admin.execute("select problem from privacy.tasks where state = 'failed'")
    ]


def test_a_push_is_loaded_at_once_while_another_account_is_broken(
    settings: Settings,
    admin: Database,
    provider: Simulator,
    connect: Callable[..., str],
    worker: Running,
) -> None:
    mailbox = connect("gmail", provider.accounts["gmail"])
    # Nothing answers there; it is tried for as long as the test lasts.
    broken = [
        connect(
            "gmail",
            provider.accounts["gmail"],
            api_base=f"http://127.0.0.1:{port}",
            token_uri=f"http://127.0.0.1:{port}/token",
        )
        for port in (9, 10)
    ]
    disabled = connect("gmail", provider.accounts["gmail"])
    connections.set_disabled(admin, disabled, disabled=True)
    ask(admin, "asked while no worker ran")
    worker.start()
    wait_until(lambda: pulled(admin, mailbox), what="the first pull")
    ask(admin, "asked while one runs")
    made = provider.message(channel="gmail", sender="sam@example.com", body="hello")
    for one in [mailbox, *broken, disabled]:
        admin.execute("select pg_notify('crm_deliveries', %s)", [f"gmail {one}"])
    # About half a second on an idle machine; by itself nobody would pull for minutes.
    wait_until(lambda: loaded(admin, mailbox, made["id"]), 30, "the load after the push")
    assert not pulled(admin, disabled)
    assert not any(pulled(admin, one) for one in broken)
    wait_until(
        lambda: (
            admin.execute(
                "select count(*) from jobs.connection_health where job = 'watch' and error is null "
                "and last_succeeded_at is not null"
            ).fetchone()
            == (1,)
        ),
        what="the watch",
    )
    # What privacy officers ask for is done beside the pulls.
    wait_until(lambda: answered(admin) == ["there is no customer nobody"] * 2, what="both tasks")
    assert worker.end() < ENDS_WITHIN


def test_what_follows_a_call_is_pulled_soon_after_its_end(
    admin: Database, provider: Simulator, connect: Callable[..., str], worker: Running
) -> None:
    """A number's callback tells of the end alone: legs and recordings are there a little later."""
    line, texts = (
        connect(name, provider.accounts[name]) for name in ("twilio_voice", "twilio_sms")
    )
    worker.start()
    for one in (line, texts):
        wait_until(lambda one=one: pulled(admin, one), what="the first pull")
    # Both brought something: one look at what is new, soon.
    looks = (
        "select scheduled_at - now() between interval '0 s' and interval '20 s'"
        " from jobs.procrastinate_jobs where task_name = 'check_loads' and scheduled_at is not null"
    )
    wait_until(lambda: admin.execute(looks).fetchall() == [(True,)], what="a look at what came")
    for one in ("twilio_voice " + line, "twilio_voice " + line, "twilio_sms " + texts):
        admin.execute("select pg_notify('crm_deliveries', %s)", [one])

    def waiting() -> list[tuple[Any, ...]]:
        return admin.execute(
            "select args ->> 'connection_id', scheduled_at - now() between interval '40 s' and interval '60 s'"
            " from jobs.procrastinate_jobs where task_name = 'pull_connection' and status = 'todo'"
            " and scheduled_at is not null"
        ).fetchall()

    wait_until(lambda: waiting() == [(line, True)], 30, "one pull for a minute later")
    assert worker.end() < ENDS_WITHIN


def test_providers_that_hang_or_refuse_delay_nobody_else(
    settings: Settings,
    admin: Database,
    provider: Simulator,
    connect: Callable[..., str],
    graph: SmallGraph,
    worker: Running,
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as hanging:
        # It takes every connection and never answers.
        address = f"http://127.0.0.1:{hanging.getsockname()[1]}"
        broken = [connect("messenger", graph.keys, api_base=address) for _ in range(3)]
        broken += [
            connect("twilio_voice", provider.accounts["twilio_sms"], api_base=address),
            connect("messenger", graph.keys, access_token="expired"),
            connect("messenger", graph.keys, api_base="http://127.0.0.1:9"),
        ]
        page = connect("messenger", graph.keys)
        phone = connect("twilio_sms", provider.accounts["twilio_sms"])
        mailbox = connect("gmail", provider.accounts["gmail"])
        graph.conversation("t_1", messages=3, end=datetime.now(UTC))
        worker.start()
        for one in (page, phone, mailbox):
            wait_until(lambda one=one: pulled(admin, one), what="the pull of a sound connection")
        made = provider.message(channel="gmail", sender="sam@example.com", body="hello")
        for one in (*broken, mailbox):
            admin.execute("select pg_notify('crm_deliveries', %s)", [f"gmail {one}"])
        wait_until(lambda: loaded(admin, mailbox, made["id"]), 30, "the load after the push")
        graph.add("t_1", "m_new", datetime.now(UTC))
        request_pull(settings, page)
        wait_until(
            lambda: (
                admin.execute(
                    "select count(*) from raw_messenger.messages where connection_id = %s", [page]
                ).fetchone()
                == (4,)
            ),
            10,
            "another page's pull",
        )
        assert not any(pulled(admin, one) for one in broken)
        assert worker.end() < ENDS_WITHIN
    errors = dict(
        admin.execute("select connection_id, error from jobs.connection_health where job = 'pull'")
    )
    assert "it has expired" in errors[broken[4]]
    assert errors[page] is None


def test_old_tokens_are_renewed_and_pulls_go_on_with_the_new_ones(
    settings: Settings,
    admin: Database,
    provider: Simulator,
    connect: Callable[..., str],
    worker: Running,
) -> None:
    connection = connect("instagram", provider.accounts["instagram"])
    admin.execute("update crm.connections set created_at = now() - interval '2 days'")
    worker.start()
    renewed = (
        "select detail ->> 'expires_at' from jobs.connection_health "
        "where connection_id = %s and job = 'token' and last_succeeded_at is not null"
    )
    wait_until(lambda: admin.execute(renewed, [connection]).fetchone(), what="the new token")
    wait_until(lambda: pulled(admin, connection), what="the pull")
    assert provider.state()["meta"]["tokens_in_urls"] == 0
    found = connections.find(admin, settings, connection)
    assert found
    assert found.secrets["access_token"] != provider.accounts["instagram"]["access_token"]
    assert worker.end() < ENDS_WITHIN


def test_a_killed_worker_is_made_up_for(
    settings: Settings,
    admin: Database,
    provider: Simulator,
    connect: Callable[..., str],
    worker: Running,
) -> None:
    worker.start()
    mailbox = connect("gmail", provider.accounts["gmail"])
    # Slow enough that the pull is under way when the worker dies.
    provider.faults(gmail_units_per_minute=400)
    request_pull(settings, mailbox)
    doing = "select count(*) from jobs.procrastinate_jobs where status = 'doing' and task_name = 'pull_connection'"
    wait_until(lambda: admin.execute(doing).fetchone() == (1,), what="the pull's start")
    time.sleep(0.5)
    worker.end(signal.SIGKILL)
    provider.faults(gmail_units_per_minute=0)
    worker.start()
    wait_until(lambda: pulled(admin, mailbox), 90, "the pull after the kill")
    identities = admin.execute(
        "select id from raw_gmail.messages where connection_id = %s", [mailbox]
    ).fetchall()
    assert len(identities) == len(set(identities)) > 30
    assert worker.end() < ENDS_WITHIN


def test_it_goes_on_when_the_warehouse_was_away(
    settings: Settings,
    admin: Database,
    provider: Simulator,
    connect: Callable[..., str],
    worker: Running,
) -> None:
    mailbox = connect("gmail", provider.accounts["gmail"])
    worker.start()
    wait_until(lambda: pulled(admin, mailbox), what="the first pull")
    admin.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'crm_loader'"
    )
    made = provider.message(channel="gmail", sender="sam@example.com", body="while away")
    # Nobody listened: the worker pulls everything once it listens again.
    admin.execute("select pg_notify('crm_deliveries', %s)", [f"gmail {mailbox}"])
    wait_until(lambda: loaded(admin, mailbox, made["id"]), 60, "the load after the gap")
    assert worker.process is not None
    assert worker.process.poll() is None
    assert worker.end() < ENDS_WITHIN


def test_its_children_end_with_it(
    settings: Settings,
    admin: Database,
    provider: Simulator,
    connect: Callable[..., str],
    worker: Running,
) -> None:
    worker.start()
    mailbox = connect("gmail", provider.accounts["gmail"])
    provider.faults(gmail_units_per_minute=400)
    request_pull(settings, mailbox)
    under_way = "select count(*) from jobs.connection_health where connection_id = %s and last_started_at is not null"
    wait_until(
        lambda: admin.execute(under_way, [mailbox]).fetchone() == (1,), what="the pull's start"
    )
    assert worker.process is not None
    children = _descendants(worker.process.pid)
    assert children
    worker.end(signal.SIGKILL)
    # By themselves they would pull for BUDGET_SECONDS. They end by a pipe that closes, one behind the other, in 0.1 s; each
    # of them needs a turn of a core, which a busy machine may take its time to give.
    wait_until(lambda: not any(_alive(pid) for pid in children), 60, "the end of the children")


def _descendants(pid: int) -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def _alive(pid: int) -> bool:
    # It may end between any two looks at it.
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return told.rpartition(")")[2].split()[0] != "Z"


def test_a_wrong_clock_is_found_within_a_minute_without_a_pull(
    settings: Settings,
    admin: Database,
    provider: Simulator,
    connect: Callable[..., str],
    worker: Running,
) -> None:
    """And the right one is, when it is mended: the page looks every quarter of a minute."""
    connections.set_paused(
        admin, connect("twilio_sms", provider.accounts["twilio_sms"]), paused=True
    )

    def wrong() -> list[str]:
        with psycopg.connect(settings.url_for(Role.APP)) as app:
            found = judge(Watch().facts(app, ZoneInfo("Australia/Sydney")))
        return [each.sentence for each in found if each.what == "clock"]

    worker.start(("-m", "worker") if LONG else HASTY)
    wait_until(
        lambda: admin.execute("select 1 from jobs.outside where what = 'clock'").fetchone(),
        what="the first look",
    )
    assert wrong() == []
    provider.faults(clock_behind_seconds=300)
    wait_until(wrong, CLOCK_WITHIN, "the finding")
    (said,) = wrong()
    assert "5 minutes ahead of the provider's" in said
    assert "NTP" in said
    provider.faults(clock_behind_seconds=0)
    wait_until(lambda: not wrong(), CLOCK_WITHIN, "the mended clock")
    # Nothing else was asked of the provider, and nothing that says who asks.
    assert admin.execute("select count(*) from raw_twilio_sms.messages").fetchone() == (0,)
    assert provider.get("contract")["unknown"] == []
