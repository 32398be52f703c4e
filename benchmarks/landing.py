"""Landing: durable signed SMS posts over 64 connections, against a bare echo on the same server settings.

    ./crm bench landing --scale 20000       so many posts in each round

Receiver and echo are each one process of uvicorn with webhooks.__main__.SERVER. Rounds alternate, so that
a busy machine bends both alike; the ratio is the median of the rounds' ratios. The rows in raw are counted:
they must equal the posts that were answered 2xx.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.figures import document, median, percentile, result
from benchmarks.machine import machine
from benchmarks.throwaway import Throwaway, throwaway
from operations.runtime.ports import free_port
from warehouse import connections
from warehouse.queries import parse
from warehouse.settings import Role, Settings

SQL = parse((Path(__file__).parent / "landing.sql").read_text())
DEFAULT_POSTS = 10_000
CONNECTIONS = 64
ROUNDS = 5
WARM_UP_POSTS = 2_000
STEADY_PER_SECOND = 320
STEADY_SECONDS = 15
ACCOUNT_SID = "AC0a1b2c3d4e5f60718293a4b5c6d7e8f9"
AUTH_TOKEN = "an-invented-auth-token"


class Uncounted(Exception):
    """What was answered 2xx and what lies in raw differ, or a post failed: the figures mean nothing."""


@dataclass
class Target:
    """Where posts go: a server, and how many of its posts were answered 2xx."""

    port: int
    path: str
    url: str
    accepted: int = 0


class Sender:
    """The sending process; numbers of posts never repeat within it."""

    def __init__(self, on: Throwaway, *, first: int = 1) -> None:
        self._process: subprocess.Popen[str] = on.converse("benchmarks.sender")
        self.next_number = first

    def send(self, target: Target, *, do: str, posts: int, **more: Any) -> dict[str, Any]:
        """Carry out one order, all of it.

        Raises:
            Uncounted: a post was not answered 2xx.
        """
        answer = self.try_to_send(target, do=do, posts=posts, **more)
        accepted = sum(n for status, n in answer["statuses"].items() if status.startswith("2"))
        if accepted != posts:
            raise Uncounted(f"of {posts} posts {accepted} were accepted: {answer['statuses']}")
        target.accepted += accepted
        return answer

    def try_to_send(
        self,
        target: Target,
        *,
        do: str,
        posts: int,
        per_second: float = 0.0,
        sender: str | list[str] | None = None,
        over: int = CONNECTIONS,
    ) -> dict[str, Any]:
        """Carry out one order (benchmarks.sender), whatever is answered.

        Args:
            sender: the number that writes all posts, or the numbers that take turns; None: many people write.
            over: how many connections.
        """
        order = {
            "do": do,
            "port": target.port,
            "path": target.path,
            "url": target.url,
            "token": AUTH_TOKEN,
            "account_sid": ACCOUNT_SID,
            "first": self.next_number,
            "posts": posts,
            "connections": over,
            "per_second": per_second,
            "sender": sender,
        }
        self.next_number += posts
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise Uncounted("the sender ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """What `./crm bench --json` prints. `settings` is not used: the warehouse is a throw-away one.

    Raises:
        Uncounted: a post failed, or raw does not hold what was answered 2xx.
    """
    posts = scale or DEFAULT_POSTS
    with throwaway() as on:
        receiver, echo = start_receiver(on), _echo(on)
        sender = Sender(on)
        for target in (receiver, echo):
            sender.send(target, do="flood", posts=min(WARM_UP_POSTS, posts))
        rates: dict[str, list[float]] = {"receiver": [], "echo": []}
        for _ in range(ROUNDS):
            for name, target in (("receiver", receiver), ("echo", echo)):
                answer = sender.send(target, do="flood", posts=posts)
                rates[name].append(posts / answer["seconds"])
        steady = min(STEADY_PER_SECOND * STEADY_SECONDS, posts)
        times = {
            name: sender.send(target, do="steady", posts=steady, per_second=STEADY_PER_SECOND)[
                "latencies_ms"
            ]
            for name, target in (("receiver", receiver), ("echo", echo))
        }
        stored = _stored(on.settings)
        if stored != receiver.accepted:
            raise Uncounted(f"raw holds {stored} deliveries of {receiver.accepted} answered 2xx")
        return document(
            "landing",
            posts,
            machine(on.settings.admin_url, on.folder),
            _results(rates, times, stored),
        )


def _results(
    rates: dict[str, list[float]], times: dict[str, list[float]], stored: int
) -> list[dict[str, Any]]:
    ratios = [ours / bare for ours, bare in zip(rates["receiver"], rates["echo"], strict=True)]
    landed = result(
        f"durable posts over {CONNECTIONS} connections, median of {ROUNDS} rounds",
        median(rates["receiver"]),
        "posts/s",
        limit=median(rates["echo"]),
        goal="ratio ≥ 0.5",
    )
    # Round by round, so that a neighbour's burst bends both sides of a ratio.
    landed["ratio"] = median(ratios)
    landed["ratios"] = [round(ratio, 3) for ratio in ratios]
    steady = [
        result(
            f"p{share * 100:.0f} at a steady {STEADY_PER_SECOND}/s",
            percentile(times["receiver"], share),
            "ms",
            limit=percentile(times["echo"], share),
            goal=goal,
        )
        for share, goal in ((0.5, "≤ 10 ms"), (0.99, "≤ 50 ms"))
    ]
    return [
        landed,
        *steady,
        result("posts not answered 2xx", 0, "posts", goal="0"),
        result("rows in raw for all posts answered 2xx", stored, "rows", limit=stored),
    ]


def start_receiver(on: Throwaway) -> Target:
    """A connection of twilio_sms and a receiver for it, ready."""
    port = free_port()
    with psycopg.connect(on.settings.url_for(Role.ADMIN)) as database:
        connection = connections.add(
            database,
            on.settings,
            channel="twilio_sms",
            name="Benchmark",
            values={"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN},
            actor="benchmark",
        )
    base, path = f"http://127.0.0.1:{port}", connections.webhook_path(connection)
    on.start(
        "webhooks",
        "--port",
        str(port),
        ready_url=f"http://127.0.0.1:{port + 3}/readyz",
        public_url=base,
    )
    return Target(port, path, base + path)


def _echo(on: Throwaway) -> Target:
    port = free_port()
    path = "/webhooks/twilio_sms/0000000000000000"
    on.start("benchmarks.echo", "--port", str(port))
    target = Target(port, path, f"http://127.0.0.1:{port}{path}")
    on.wait_for_port(port)
    return target


def _stored(settings: Settings) -> int:
    with psycopg.connect(settings.url_for(Role.ADMIN)) as database:
        row = database.execute(SQL["stored"]).fetchone()
    assert row is not None
    return int(row[0])
