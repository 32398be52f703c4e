"""Several app processes behind one address: each person in one, and back within seconds when it is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from urllib.request import Request, urlopen

import psutil
import pytest
from playwright.sync_api import Browser, expect

from app.access import sessions
from benchmarks.staff_tab import Lost, Tab
from operations.runtime import running
from operations.runtime.programs import Ports, programs
from tests.app.browsing import Person, serving
from tests.app.conftest import Correspondence
from tests.event_loops import apart
from warehouse.settings import Settings

PEOPLE = 20


def door(address: str) -> psutil.Process:
    port = address.rpartition(":")[2]
    for process in psutil.Process().children():
        # One that ended and was not waited for yet has no command line.
        with suppress(psutil.NoSuchProcess):
            if port in process.cmdline():
                return process
    raise AssertionError("the app does not run")


def workers(address: str) -> dict[str, int]:
    """The processes behind the door, as `./crm status` finds them."""
    return running.app_processes(door(address).pid)


def wait_for(address: str, count: int) -> dict[str, int]:
    until = time.monotonic() + 60
    while True:
        found = workers(address)
        # New people each time: whoever was seen stays where they are.
        new = [f"new{time.monotonic_ns()}x{n}" for n in range(8)]
        served = {process_of(address, person) for person in new} if found else set()
        if len(found) == count and len(served) == count:
            return found
        assert time.monotonic() < until, (found, served)
        time.sleep(0.2)


def process_of(address: str, person: str) -> int:
    """Which process holds a new connection of this person: the one that has it among its own."""
    host, _, port = address.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        cookie = f"{sessions.cookie_name()}={person}"
        connection.sendall(f"GET /healthz HTTP/1.1\r\nhost: x\r\ncookie: {cookie}\r\n\r\n".encode())
        assert connection.recv(12) == b"HTTP/1.1 200"
        own = connection.getsockname()[1]
        for pid in workers(address).values():
            if any(
                each.raddr and each.raddr.port == own
                for each in psutil.Process(pid).net_connections()
            ):
                return pid
    raise AssertionError("nobody holds the connection")


def test_a_person_stays_in_one_process_and_people_are_spread(
    correspondence: Correspondence, tmp_path: Path
) -> None:
    with serving(correspondence.settings, tmp_path, CRM_APP_PROCESSES="2") as address:
        wait_for(address, 2)
        # Those who came while the other process started stay where they are, and count: it catches up first.
        for company in range(20):
            where = {f"p{company}x{n}": 0 for n in range(10)}
            where |= {person: process_of(address, person) for person in where}
            count = Counter(where.values())
            if len(count) == 2 and min(count.values()) >= 4:
                break
        else:
            pytest.fail(f"people are not spread: {count}")
        assert where == {person: process_of(address, person) for person in where}
        # A head that comes in pieces, and one that never comes.
        host, _, port = address.removeprefix("http://").rpartition(":")
        silent = socket.create_connection((host, int(port)))
        with socket.create_connection((host, int(port)), timeout=10) as slow:
            for piece in (b"GET /healthz HTTP/1.1\r\nho", b"st: x\r\n", b"\r\n"):
                slow.sendall(piece)
                time.sleep(0.1)
            assert slow.recv(12) == b"HTTP/1.1 200"
        silent.close()
        # A proxy's connections carry requests of many people, so each carries one.
        forwarded = Request(f"{address}/healthz", headers={"x-forwarded-for": "192.0.2.1"})
        with urlopen(forwarded) as answer:
            assert answer.headers["connection"] == "close"
        left = workers(address).values()
    assert not any(psutil.pid_exists(pid) for pid in left)


def test_people_of_a_killed_process_are_back_within_five_seconds(
    browser: Browser, correspondence: Correspondence, tmp_path: Path
) -> None:
    customer = correspondence.customer("Sam Example", "phone:+61491570006")
    correspondence.user("agent")
    cookies = []
    for number in range(PEOPLE):
        correspondence.execute(
            "insert into crm.users (user_name, display_name, email, role, password_hash)"
            " values (%s, 'x', %s, 'agent', 'x')",
            [f"p{number}", f"p{number}@example.com"],
        )
        opened = sessions.open_session(sessions.start_token(f"p{number}"), ip=None, user_agent=None)
        cookies.append(f"{sessions.cookie_name()}={opened}")
    with serving(correspondence.settings, tmp_path, CRM_APP_PROCESSES="2") as address:
        before = wait_for(address, 2)
        context = browser.new_context()
        person = Person(context, address)
        page = person.sign_in("/")
        expect(page.locator(".line.customer")).to_have_count(1)
        search = page.get_by_placeholder("Name, phone or e-mail")
        search.press_sequentially("typed and not sent")
        page.wait_for_timeout(1_500)
        (cookie,) = [c for c in context.cookies() if c["name"] == sessions.cookie_name()]
        victim = process_of(address, cookie["value"])

        async def crowd() -> float:
            port = int(address.rpartition(":")[2])
            tabs = [Tab(port, cookie) for cookie in cookies]
            await asyncio.gather(*(tab.open("timeline", customer=customer) for tab in tabs))
            os.kill(victim, signal.SIGKILL)
            killed = time.monotonic()
            # On a busy machine the tabs hear of it a moment later, one after the other.
            lost: list[Tab] = []
            while not lost or len(lost) < len([tab for tab in tabs if tab.failure]):
                assert time.monotonic() - killed < 5
                lost = [tab for tab in tabs if tab.failure]
                await asyncio.sleep(0.05)
            assert len(lost) < PEOPLE

            async def back(tab: Tab) -> float:
                while True:
                    again = Tab(port, tab.cookie)
                    try:
                        await again.open("timeline", customer=customer)
                    except (Lost, OSError):
                        # Being signed out would never end, and be too late.
                        await asyncio.sleep(0.2)
                        continue
                    await again.close()
                    return time.monotonic() - killed

            times = await asyncio.gather(*(back(tab) for tab in lost))
            await asyncio.gather(*(tab.close() for tab in tabs))
            return max(times)

        longest = apart(crowd)
        assert longest < 5
        # The browser's page is back as well, on its page, signed in, with what was typed.
        expect(page.locator('[data-test-connection-state="CONNECTED"]')).to_have_count(1)
        expect(page.get_by_label("User name")).to_have_count(0)
        expect(page.locator(".line.customer")).to_have_count(1)
        assert search.input_value() == "typed and not sent"
        # And the process is another one.
        after = wait_for(address, 2)
        assert victim not in after.values()
        assert len(set(before.values()) & set(after.values())) == 1
        context.close()


@pytest.mark.parametrize(("said", "count"), [(None, max(1, (os.cpu_count() or 1) - 1)), (3, 3)])
def test_how_many_processes(said: int | None, count: int, tmp_path: Path) -> None:
    settings = Settings(app_processes=said, data_dir=tmp_path, _env_file=None)  # type: ignore[call-arg]
    assert settings.app_processes_now == count
    # The supervisor starts one program: it is the door, or serves itself.
    listed = programs(settings, Ports(base=8500), demo=False, messages=1)
    assert [each.name for each in listed].count("app") == 1
