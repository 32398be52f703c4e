"""Attacks: genuine deliveries and a signed-in person beside each of them, for a minute each.

    ./crm bench attacks --scale 60      so many seconds for each attack

Receiver, fold and app run as they do in use. Signed posts leave at 100 a second whatever is answered
(benchmarks/sender.py), one person goes from page to page (benchmarks/staff_people.py), and beside them a stranger does
one thing again and again from an address of their own (benchmarks/strangers.py). All of them share the machine: what
the stranger takes of it counts as well. The limit of each figure is that of the same seconds without a stranger.
"""

from __future__ import annotations

import http.server
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from benchmarks import sender, strangers
from benchmarks.figures import document, percentile, result
from benchmarks.landing import ACCOUNT_SID, AUTH_TOKEN
from benchmarks.machine import machine
from benchmarks.staff import CUSTOMERS, Stage
from benchmarks.storing import BUSY, Store
from benchmarks.throwaway import Throwaway, throwaway
from transform.resident import take_in
from warehouse import connections
from warehouse.settings import Settings

DEFAULT_SECONDS = 60
MESSAGES, BUSY_MESSAGES = 5_000, 500
PER_SECOND = 100.0
CONNECTIONS = 16
#: The person does something so often, so that there are enough figures.
THINK_SECONDS = 0.5
#: How long Google takes for its certificates.
SLOW_SECONDS = 8.0
NOBODY = "nobody attacks"
#: A run so short tries the benchmark out: one attack at each door.
TRIAL_SECONDS = 5
TRIED = ("requests without end", "10,000 frames of a stranger")


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """What `./crm bench --json` prints. `settings` is not used: the warehouse is a throw-away one."""
    seconds = scale or DEFAULT_SECONDS
    is_trial = seconds <= TRIAL_SECONDS
    share = 10 if is_trial else 1
    with throwaway() as on, slow_certificates() as certificates:
        store = Store(on.settings, MESSAGES // share, BUSY_MESSAGES // share)
        store.prepare()
        store.fill()
        take_in(on.settings, timeout_seconds=120)
        on.start("transform")
        store.analyze()
        stage = Scene(on, certificates)
        alone = stage.play(NOBODY, seconds)
        rows = _results(NOBODY, alone, None)
        for attack in TRIED if is_trial else strangers.ATTACKS:
            rows += _results(attack, stage.play(attack, seconds), alone)
        return document("attacks", seconds, machine(on.settings.admin_url, on.folder), rows)


@contextmanager
def slow_certificates() -> Iterator[str]:
    """Where a stand-in for Google keeps everybody waiting for its certificates."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(SLOW_SECONDS)
            self.send_response(503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/certs"
    finally:
        server.shutdown()


class Scene:
    """One person, one sender and one stranger, on one warehouse."""

    def __init__(self, on: Throwaway, certificates: str) -> None:
        self._on = on
        self._stage = Stage(on, people=1)
        values = {
            "address": "sales@example.com",
            "push_audience": strangers.PUSH_AUDIENCE,
            "push_service_account": strangers.PUSH_ACCOUNT,
            "certs_url": certificates,
        }
        with psycopg.connect(on.settings.admin_url) as database:
            pushed = connections.add(
                database,
                on.settings,
                channel="gmail",
                name="Pushed",
                values=values,
                actor="benchmark",
            )
        receiver = self._stage.receiver
        captured = sender.form(7, ACCOUNT_SID, None)
        self._order = {
            "receiver": receiver.port,
            "admin": receiver.port + 3,
            "app": self._stage.port,
            "path": receiver.path,
            "push_path": connections.webhook_path(pushed),
            "captured": [captured.decode(), sender.signature(receiver.url, captured, AUTH_TOKEN)],
        }

    def play(self, attack: str, seconds: int) -> dict[str, Any]:
        """So many seconds of this attack: latencies and statuses of the deliveries, times of the pages, tries."""
        person = self._on.converse("benchmarks.staff_people")
        _tell(
            person,
            {
                "port": self._stage.port,
                "cookies": self._stage.cookies,
                "idle_cookies": [],
                "customers": list(self._stage.phones)[:CUSTOMERS],
                "open_customers": [BUSY],
                "seconds": seconds,
                "think_seconds": THINK_SECONDS,
                "seed": 1,
            },
        )
        # The person is in before the stranger comes.
        _heard(person)
        stranger = None
        if attack != NOBODY:
            stranger = self._on.converse("benchmarks.strangers")
            _tell(stranger, self._order | {"attack": attack, "seconds": seconds})
        posts = int(seconds * PER_SECOND)
        sent = self._stage.senders[0].try_to_send(
            self._stage.receiver,
            do="steady",
            posts=posts,
            per_second=PER_SECOND,
            over=CONNECTIONS,
        )
        notes = _heard(person)
        tries = _heard(stranger)["tries"] if stranger else 0
        for process in (person, stranger):
            if process:
                self._on.stop(process)
        times = [each for some in notes["actions"].values() for each in some]
        lost = sum(notes["lost"].values())
        return {"sent": sent, "posts": posts, "pages": times, "lost": lost, "tries": tries}


def _tell(process: subprocess.Popen[str], order: dict[str, Any]) -> None:
    assert process.stdin
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()


def _heard(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout
    heard: dict[str, Any] = json.loads(process.stdout.readline())
    return heard


def _results(
    attack: str, found: dict[str, Any], alone: dict[str, Any] | None
) -> list[dict[str, Any]]:
    latencies, statuses = found["sent"]["latencies_ms"], found["sent"]["statuses"]
    taken = sum(number for status, number in statuses.items() if status.startswith("2"))
    pages = found["pages"]
    return [
        result(
            f"{attack}: genuine deliveries, p99 of {len(latencies)}",
            percentile(latencies, 0.99),
            "ms",
            limit=percentile(alone["sent"]["latencies_ms"], 0.99) if alone else None,
            goal="≤ 1000 ms",
        ),
        result(
            f"{attack}: genuine ones refused or unanswered",
            found["posts"] - taken,
            "deliveries",
            goal="0",
        ),
        result(
            f"{attack}: pages of a signed-in person, p95 of {len(pages)}",
            percentile(pages, 0.95) * 1000 if pages else 0.0,
            "ms",
            limit=percentile(alone["pages"], 0.95) * 1000 if alone and alone["pages"] else None,
            goal="≤ 2000 ms",
        ),
        result(f"{attack}: their session lost", found["lost"], "sessions", goal="0"),
        result(f"{attack}: tries of the stranger", found["tries"], "tries"),
    ]
