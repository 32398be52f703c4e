"""Staff: so many signed-in people at work at once, with idle tabs beside them and messages arriving.

    ./crm bench staff --people 50 --scale 1000000
    ./crm bench staff --people 100 --app-processes 2 --scale 1000000

They speak Streamlit's own messages over its WebSocket (benchmarks/staff_tab.py): no browser, so that hundreds fit
beside the app on one machine; painting in a browser is what `live` measures. The limit of each figure is that
of one person alone in the same run. Messages arrive at 5 a second: one for the customers whom the tabs have
open, in turns, four for others. At the end so many idle tabs stand alone, each with a customer of its own: what they
cost while nothing arrives, and when a message for one of them is seen in it.
"""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks.figures import document, percentile, result
from benchmarks.kept import stored
from benchmarks.landing import Sender, Target, start_receiver
from benchmarks.machine import machine
from benchmarks.processor import resident_mb
from benchmarks.sender import message_id
from benchmarks.sign_in import cookie
from benchmarks.storing import BUSY, TRIAL_MESSAGES
from benchmarks.throwaway import Throwaway
from operations.runtime.ports import free_port
from warehouse.queries import parse
from warehouse.settings import Settings

SQL = parse((Path(__file__).parent / "staff.sql").read_text())
DEFAULT_MESSAGES = 100_000
DEFAULT_PEOPLE = 50
BUSY_MESSAGES = 10_000
CUSTOMERS = 40
IDLE_TABS_PER_PERSON = 2
#: Tabs that stand alone at the end, and for how long nothing arrives.
IDLE_TABS = 500
SILENT_SECONDS = 60.0
THINK_SECONDS = 8.0
SECONDS = 120.0
ALONE_SECONDS = 60.0
#: Alone a person does more, so that there are enough figures.
ALONE_THINK_SECONDS = 1.0
OPEN_PER_SECOND, OTHERS_PER_SECOND = 1.0, 4.0


def run(
    settings: Settings | None,
    scale: int | None,
    people: int | None = None,
    app_processes: int | None = None,
) -> dict[str, Any]:
    """What `./crm bench --json` prints. `settings` is not used: the warehouse is a throw-away one."""
    messages, crowd = scale or DEFAULT_MESSAGES, people or DEFAULT_PEOPLE
    share = 1.0 if messages >= TRIAL_MESSAGES else 0.1
    with stored(messages, min(BUSY_MESSAGES, messages // 2)) as (on, _):
        # From now on the resident process folds what lands.
        on.start("transform")
        stage = Stage(on, crowd, app_processes)
        alone = stage.play(1, 0, ALONE_SECONDS * share, ALONE_THINK_SECONDS)
        idle_tabs = crowd * IDLE_TABS_PER_PERSON
        together = stage.play(crowd, idle_tabs, SECONDS * share, THINK_SECONDS)
        results = [*_actions(together, alone), *_rest(together, alone, crowd, idle_tabs)]
        results += _idle(stage.stand_open(round(IDLE_TABS * share), SILENT_SECONDS * share))
        return document("staff", messages, machine(on.settings.admin_url, on.folder), results)


class Stage:
    """App, receiver, sender and the people's process, on one warehouse."""

    def __init__(self, on: Throwaway, people: int, app_processes: int | None = None) -> None:
        self.on = on
        with psycopg.connect(on.settings.admin_url, autocommit=True) as admin:
            admin.execute(SQL["add_users"], {"people": people})
            found = admin.execute(SQL["customers"], {"first": BUSY, "most": IDLE_TABS})
            #: The phone number of each customer.
            self.phones: dict[str, str] = dict(found.fetchall())
        self.port = free_port()
        health = f"http://127.0.0.1:{self.port}/_stcore/health"
        more = {"CRM_APP_PROCESSES": str(app_processes)} if app_processes else {}
        self.app = on.start("app", "--port", str(self.port), ready_url=health, **more)
        self.receiver = start_receiver(on)
        self.senders = [Sender(on, first=first * 1_000_000_000_000) for first in (1, 2)]
        self.cookies = [cookie(on.settings, f"staff{number}") for number in range(1, people + 1)]

    def stand_open(self, tabs: int, silent_seconds: float) -> dict[str, Any]:
        """Idle tabs alone, each with a customer of its own while there are so many."""
        return self.play(0, tabs, silent_seconds, THINK_SECONDS, IDLE_TABS, silent_seconds)

    def play(
        self,
        people: int,
        idle_tabs: int,
        seconds: float,
        think_seconds: float,
        customers: int = CUSTOMERS,
        silent_seconds: float = 0.0,
    ) -> dict[str, Any]:
        """So many people for so long; their notes, with what the machine spent meanwhile.

        Args:
            customers: over how many of them the open tabs are spread.
            silent_seconds: for so long nothing arrives first; what the machine spends then is noted as `silent_cpu`.
        """
        opened_for = dict(list(self.phones.items())[:customers])
        crowd = self.on.converse("benchmarks.staff_people")
        assert crowd.stdin is not None
        assert crowd.stdout is not None
        memory = resident_mb(self.app.pid)
        order = {
            "port": self.port,
            "cookies": self.cookies[:people],
            "idle_cookies": [self.cookies[n % len(self.cookies)] for n in range(idle_tabs)],
            "customers": list(opened_for)[:CUSTOMERS],
            "open_customers": list(opened_for),
            "seconds": silent_seconds + seconds,
            "think_seconds": think_seconds,
            "seed": people,
        }
        crowd.stdin.write(json.dumps(order) + "\n")
        crowd.stdin.flush()
        opened = json.loads(crowd.stdout.readline())["opened"]
        grown = resident_mb(self.app.pid) - memory
        before = self._spent(crowd.pid)
        time.sleep(silent_seconds)
        silent = self._spent(crowd.pid)
        first, started = self._arrive(seconds, list(opened_for.values()))
        notes: dict[str, Any] = json.loads(crowd.stdout.readline())
        if silent_seconds:
            notes["silent_cpu"] = {
                name: (spent - before.get(name, 0.0)) / silent_seconds
                for name, spent in silent.items()
            }
        notes["cpu"] = {
            name: (spent - silent.get(name, 0.0)) / seconds
            for name, spent in self._spent(crowd.pid).items()
        }
        self.on.stop(crowd)
        notes["memory"] = grown / max(1, opened)
        due = {
            message_id(first + n): started[0] + n / OPEN_PER_SECOND
            for n in range(int(seconds * OPEN_PER_SECOND))
        }
        notes["painted"] = [at - due[one] for one, at in notes["seen"] if one in due]
        notes["seconds"] = silent_seconds + seconds
        return notes

    def _arrive(self, seconds: float, open_phones: list[str]) -> tuple[int, list[float]]:
        """Messages for open customers and for others, beside the people; first number, and when it began."""
        open_sender, others = self.senders
        first, started = open_sender.next_number, []

        def send(
            sender: Sender, target: Target, per_second: float, numbers: list[str] | None
        ) -> None:
            answer = sender.send(
                target,
                do="steady",
                posts=int(seconds * per_second),
                per_second=per_second,
                sender=numbers,
                over=2,
            )
            if numbers:
                started.append(answer["started"])

        threads = [
            threading.Thread(
                target=send, args=(open_sender, self.receiver, OPEN_PER_SECOND, open_phones)
            ),
            threading.Thread(target=send, args=(others, self.receiver, OTHERS_PER_SECOND, None)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return first, started

    def _processes(self, crowd: int) -> dict[str, list[psutil.Process]]:
        def family(pid: int) -> list[psutil.Process]:
            process = psutil.Process(pid)
            return [process, *process.children(recursive=True)]

        return {
            "app": family(self.app.pid),
            "PostgreSQL": family(self.on.warehouse.pid),
            "the people themselves": family(crowd),
        }

    def _spent(self, crowd: int) -> dict[str, float]:
        """Seconds of processor time so far, by program."""
        return {
            name: sum(sum(process.cpu_times()[:2]) for process in each)
            for name, each in self._processes(crowd).items()
        }


def _actions(together: dict[str, Any], alone: dict[str, Any]) -> list[dict[str, Any]]:
    """p50, p95 and the longest, of all actions and by action."""
    rows = []
    named = {"any action": [t for each in together["actions"].values() for t in each]}
    lonely = {"any action": [t for each in alone["actions"].values() for t in each]}
    for name, times in {**named, **together["actions"]}.items():
        limits = {**lonely, **alone["actions"]}.get(name)
        for word, share in (("p50", 0.5), ("p95", 0.95), ("longest", 1.0)):
            goal = {"p95": "≤ 300 ms", "longest": "≤ 1000 ms"}.get(word)
            if times:
                rows.append(
                    result(
                        f"{name}, {word} of {len(times)}",
                        percentile(times, share) * 1000,
                        "ms",
                        limit=percentile(limits, share) * 1000 if limits else None,
                        goal=goal if name == "any action" else None,
                    )
                )
    return rows


def _rest(
    together: dict[str, Any], alone: dict[str, Any], people: int, idle_tabs: int
) -> list[dict[str, Any]]:
    rows = []
    for word, share in (("p50", 0.5), ("p95", 0.95), ("longest", 1.0)):
        if together["painted"]:
            limit = percentile(alone["painted"], share) * 1000 if alone["painted"] else None
            what = f"POST to the open tabs concerned, {word} of {len(together['painted'])}"
            goal = "≤ 500 ms" if word == "p95" else None
            value = percentile(together["painted"], share) * 1000
            rows.append(result(what, value, "ms", limit=limit, goal=goal))
    lost = together["lost"]
    why = f" ({', '.join(f'{n} {reason}' for reason, n in lost.items())})" if lost else ""
    rows.append(result(f"lost sessions{why}", float(sum(lost.values())), "sessions", goal="0"))
    rows += [
        result(f"processor, {name}", spent * 100, "% of a core", limit=alone["cpu"][name] * 100)
        for name, spent in together["cpu"].items()
    ]
    rows.append(result("memory a session", together["memory"], "MB", goal="≤ 2 MB"))
    minutes = together["seconds"] / 60
    sent = together["received_bytes"] / 1e6 / people / minutes
    limit = alone["received_bytes"] / 1e6 / (alone["seconds"] / 60)
    rows.append(result("sent a person", sent, "MB a minute", limit=limit))
    if idle_tabs:
        kilobytes = together["idle_bytes"] / 1e3 / idle_tabs / minutes
        rows.append(result(f"sent an idle tab, of {idle_tabs}", kilobytes, "kB a minute"))
    return rows


def _idle(alone: dict[str, Any]) -> list[dict[str, Any]]:
    """What tabs cost at which nobody does anything."""
    cost = sum(
        spent for name, spent in alone["silent_cpu"].items() if name != "the people themselves"
    )
    rows = [
        result("idle tabs alone: processor while nothing arrives", cost * 100, "% of a core", goal="≤ 5 %"),
        result("idle tabs alone: memory a session", alone["memory"], "MB", goal="≤ 2 MB"),
    ]  # fmt: skip
    for word, share in (("p50", 0.5), ("p95", 0.95), ("longest", 1.0)):
        if alone["painted"]:
            value = percentile(alone["painted"], share) * 1000
            goal = "≤ 500 ms" if word == "p95" else None
            rows.append(
                result(
                    f"idle tabs alone: POST to the tab concerned, {word}", value, "ms", goal=goal
                )
            )
    lost = alone["lost"]
    return [
        *rows,
        result("idle tabs alone: tabs that ended", float(sum(lost.values())), "tabs", goal="0"),
    ]
