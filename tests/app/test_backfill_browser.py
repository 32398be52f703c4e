"""A history is loaded while an admin watches: it moves, rests, goes on, and outlives the death of the worker.

Short in each run; `CRM_TEST_LONG=1` loads 50,000 messages, in pages of a thousand as they come from a far provider, and waits
for the page to say that the worker is gone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from simulator import server
from simulator.server import Simulator
from simulator.world import conversations
from tests.app.browsing import Person, eventually, serving, usual_port
from tests.app.conftest import Correspondence
from tests.forked import Forked
from tests.long_form import LONG
from tests.pipelines.programs import has_started, start, wait_until
from warehouse import connections
from warehouse.health import WORKER_SILENT

#: Some six in ten of them are text messages, whatever the channels weigh.
MESSAGES = 90_000 if LONG else 400
AT_LEAST = 50_000 if LONG else 200
#: What a page of a thousand takes at the provider: without it all of them are here before anybody has looked.
ANSWER_SECONDS = 2.0
#: Seconds that something on a page may take.
PATIENCE = 120.0 if LONG else 60.0
#: In small steps, as if from far away; and as it is.
SLOW = [
    "-c",
    "from worker import children, jobs, main\n"
    "children.WARM.append('tests.app.small_steps')\n"
    "jobs.BUDGET_SECONDS = 1.0\n"
    "raise SystemExit(main.main())",
]
WHOLE = ["-m", "worker"]


@pytest.fixture
def simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """A world that writes text messages and next to nothing else."""
    for channel in conversations.CHOICE:
        weight = 1 if channel == "twilio_sms" else 1e-9
        monkeypatch.setitem(conversations.CHOICE, channel, weight)
    with server.start(seed=7, messages=MESSAGES, state_dir=tmp_path / "simulator") as running:
        yield running


class Backfill:
    """One history that is loaded, as its page and the warehouse show it."""

    def __init__(self, correspondence: Correspondence, connection_id: str, page: Page) -> None:
        self.correspondence, self.connection_id, self.page = correspondence, connection_id, page
        self.figures: list[tuple[float, str, int]] = []
        self.started = time.monotonic()

    def loaded(self) -> int:
        ((count,),) = self.correspondence.execute(
            "select count(*) from raw_twilio_sms.messages where connection_id = %s",
            [self.connection_id],
        )
        return int(count)

    def runs(self) -> bool:
        return bool(
            self.correspondence.execute(
                "select 1 from jobs.procrastinate_jobs where status = 'doing' and task_name = 'pull_connection'"
            )
        )

    def note(self, what: str) -> None:
        self.figures.append((round(time.monotonic() - self.started, 1), what, self.loaded()))

    def moves(self) -> None:
        """What the page says of it grows."""
        progress = self.page.locator(".progress").first
        expect(progress).to_be_visible(timeout=PATIENCE * 1000)
        before = progress.inner_text()
        eventually(lambda: progress.count() > 0 and progress.inner_text() != before, PATIENCE)


@pytest.mark.timeout(1_800 if LONG else 600)
def test_a_history_is_watched_rests_goes_on_and_outlives_the_worker(
    profile: BrowserContext, correspondence: Correspondence, simulator: Simulator, tmp_path: Path
) -> None:
    settings = correspondence.settings
    correspondence.execute("delete from crm.connections")
    correspondence.user("admin", "admin")
    keys = simulator.accounts["twilio_sms"]
    assert total(simulator) >= AT_LEAST
    if LONG:
        simulator.faults(answer_seconds=ANSWER_SECONDS)
    with psycopg.connect(settings.admin_url) as owner:
        its = connections.add(
            owner, settings, channel="twilio_sms", name="Front desk", actor="test", values=keys
        ).connection_id
    connections_page = f"/connections?connection={its}"
    log = tmp_path / "worker.log"
    worker = working(correspondence, log, WHOLE if LONG else SLOW)
    try:
        with serving(settings, tmp_path, port=usual_port(), is_forked=True) as address:
            person = Person(profile, address)
            page = person.sign_in(connections_page, user_name="admin")
            backfill = Backfill(correspondence, its, page)
            page.get_by_role("button", name="History").click()
            page.get_by_role("button", name="Load the history").click()
            backfill.moves()
            backfill.note("moves")

            page.get_by_role("button", name="Pause").click()
            expect(page.get_by_role("button", name="Resume")).to_be_visible()
            wait_until(lambda: not backfill.runs(), 45, "the pause")
            paused = backfill.loaded()
            backfill.note("paused")
            assert 0 < paused < total(simulator)
            time.sleep(5 if LONG else 1)
            assert backfill.loaded() == paused

            page.get_by_role("button", name="Resume").click()
            wait_until(lambda: backfill.loaded() > paused, PATIENCE, "more after the pause")
            backfill.note("goes on")

            wait_until(backfill.runs, PATIENCE, "a pull")
            worker.kill()
            worker.wait(60)
            killed = backfill.loaded()
            backfill.note("killed")
            assert killed < total(simulator)
            if LONG:
                page.goto(f"{address}/health")
                expect(page.get_by_text("No worker has been seen")).to_be_visible(
                    timeout=(WORKER_SILENT.total_seconds() + 30) * 1000
                )
                backfill.note("the page says that the worker is gone")
                page.goto(address + connections_page)
            worker = working(correspondence, log, WHOLE)
            wait_until(lambda: backfill.loaded() > killed, PATIENCE, "more after the kill")
            backfill.note("goes on after kill -9")
            if LONG:
                backfill.moves()
            wait_until(
                lambda: backfill.loaded() >= total(simulator), 1800 if LONG else 60, "the end"
            )
            backfill.note("all loaded")
            expect(page.locator(".progress")).to_have_count(0, timeout=PATIENCE * 1000)
            if LONG:
                expect(page.get_by_text("No worker has been seen")).to_have_count(0)
            # To its end, where no notice was ever sent.
            page.goto(f"{address}/health")
            expect(page.get_by_role("heading", name="This installation")).to_be_visible()
            page.close()
    finally:
        worker.terminate()
        worker.wait(60)
    # Neither doubled nor lost.
    ((rows, distinct),) = correspondence.execute(
        "select count(*), count(distinct sid) from raw_twilio_sms.messages where connection_id = %s",
        [its],
    )
    assert distinct == total(simulator)
    assert rows == distinct
    (tmp_path / "figures.json").write_text(json.dumps(backfill.figures))
    print(*backfill.figures, sep="\n")


def working(correspondence: Correspondence, log: Path, program: list[str]) -> Forked:
    log.write_text("")
    process = start(correspondence.settings, program, log)
    wait_until(lambda: has_started(log), 60, "the worker's start")
    return process


@cache
def total(simulator: Simulator) -> int:
    """Text messages that the provider holds."""
    return len(simulator.truth("twilio_sms"))
