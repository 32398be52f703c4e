"""Folding process and PostgreSQL killed at random moments under load: nothing lost, nothing doubled, back by itself.

    CRM_TEST_KILLS=200 python -m pytest -s tests/kills_by_hand.py

Run by hand: it is not collected with the suite. The programs are those of `./crm up`, restarted by its own supervisor; deliveries are signed and posted all the while.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time

import httpx
import psycopg
import pytest

from tests.test_end_to_end import Installation, form, installation, signed

KILLS = int(os.environ.get("CRM_TEST_KILLS", "3"))
SEED = int(os.environ.get("CRM_TEST_SEED", "7"))
#: What readers find must agree at every moment, whatever was killed.
CONSISTENT = """
    select
        (select count(*) from canonical.messages where content_order is not null)
            = (select coalesce(sum(message_count), 0) from canonical.threads)
        and (select coalesce(sum(message_count), 0) from canonical.threads)
            = (select coalesce(sum(message_count), 0) from canonical.conversations)
        and (select count(*) from canonical.message_participants where is_first and not is_ours)
            = (select coalesce(sum(message_count), 0) from canonical.identities)
        and not exists (
            select from canonical.messages as messages
            where content_order is not null
                and not exists (select from canonical.message_participants as people where people.message_id = messages.message_id)
        )
"""

__all__ = ["installation"]


class Load:
    """Signed deliveries, one after another, until stopped; remembers which were acknowledged."""

    def __init__(self, of: Installation) -> None:
        self.of = of
        self.acknowledged: list[str] = []
        self._number = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(2)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, lane: int) -> None:
        number = 0
        ours = self.of.provider.accounts["twilio_sms"]["numbers"].split(",")[0].strip()
        with httpx.Client(timeout=10) as client:
            while not self._stop.is_set():
                number += 1
                sid = f"SM{lane:08x}{number:024x}"
                content, headers = signed(
                    self.of, form(self.of, sid, "+61491570157", ours, f"message {number}")
                )
                # As a sender does: again until it is taken.
                while not self._stop.is_set():
                    try:
                        answer = client.post(
                            self.of.connection["webhook_url"], content=content, headers=headers
                        )
                    except httpx.HTTPError:
                        answer = None
                    if answer is not None and answer.is_success:
                        self.acknowledged.append(sid)
                        break
                    time.sleep(0.05)
                time.sleep(0.03)


def shown(url: str) -> dict[str, int] | None:
    """How often each message stands in the timeline, where the tables agree; None while the warehouse is away."""
    try:
        with psycopg.connect(url, connect_timeout=2) as database:
            assert database.execute(CONSISTENT).fetchone() == (True,)
            rows = database.execute(
                "select provider_message_id, count(*) from marts.messages as m"
                " join marts.timeline as t using (message_id) where m.channel = 'twilio_sms' group by 1"
            ).fetchall()
    except psycopg.OperationalError:
        return None
    return {sid: int(times) for sid, times in rows}


def wait_until_shown(url: str, sids: list[str], seconds: float) -> dict[str, int]:
    deadline = time.monotonic() + seconds
    while True:
        found = shown(url)
        if found is not None and found.keys() >= set(sids):
            return found
        assert time.monotonic() < deadline, sorted(set(sids) - (found or {}).keys())[:5]
        time.sleep(0.1)


@pytest.mark.timeout(240 + 30 * KILLS)
def test_killed_again_and_again_under_load_nothing_is_lost_or_doubled(
    installation: Installation,
) -> None:
    choose = random.Random(SEED)
    installation.crm("connection", "disable", installation.connection["connection_id"])
    url = installation.crm("database-url", "--role", "admin", "--json")["url"]
    back: list[float] = []
    with Load(installation) as load:
        for _ in range(KILLS):
            time.sleep(choose.uniform(0.2, 1.5))
            processes: dict[str, int] = installation.crm("status")["processes"]
            for victim in choose.choice((["fold"], ["postgres"], ["fold", "postgres"])):
                if victim in processes:
                    os.kill(processes[victim], signal.SIGKILL)
            killed = time.monotonic()
            # The service is whole again when something that is acknowledged from now on is shown.
            before = len(load.acknowledged)
            while len(load.acknowledged) < before + 3:
                assert time.monotonic() - killed < 60
                time.sleep(0.02)
            wait_until_shown(url, load.acknowledged[before + 1 : before + 3], 60)
            back.append(time.monotonic() - killed)
            # The supervisor takes a program that stays up as well before it begins with the shortest pause again.
            time.sleep(choose.uniform(0, 1.0))
    found = wait_until_shown(url, load.acknowledged, 60)
    assert all(found[sid] == 1 for sid in load.acknowledged)
    print(
        f"{KILLS} kills, {len(load.acknowledged)} acknowledged, back after at most {max(back):.1f} s, mostly {sorted(back)[len(back) // 2]:.1f} s"
    )
    assert shown(url) is not None
