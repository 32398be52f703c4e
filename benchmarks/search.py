"""Search: words from rare to common, phrases, operators and fragments, as the app searches, beside two plain ways.

    ./crm bench search --scale 1000000

The words of the texts are as common as in a natural language. Each search is `warehouse.search.find` as crm_app:
what is meant, the newest 50 with all that a list shows, the count. Beside it the same words by ILIKE and by to_tsvector
over the same rows, without an index, as they would be asked without this one. What the documents add to a fold is
timed statement by statement.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from app.read import customers
from benchmarks.figures import document, percentile, result
from benchmarks.kept import stored
from benchmarks.machine import machine
from benchmarks.sign_in import reading_as
from benchmarks.storing import TRIAL_MESSAGES, Store
from transform import fold
from warehouse import search
from warehouse.queries import parse as named
from warehouse.search_query import parse
from warehouse.settings import Role, Settings

ADD_USERS = named((Path(__file__).parent / "staff.sql").read_text())["add_users"]
SQL = named((Path(__file__).parent / "search.sql").read_text())
DEFAULT_MESSAGES = 200_000
ZONE = ZoneInfo("Australia/Sydney")
#: Different words of a kind, and rounds over them.
WORDS, ROUNDS = 20, 3
PLAIN_ROUNDS = 2
ADDED = 1_000


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """What `./crm bench --json` prints. `settings` is not used: the warehouse is a throw-away one."""
    messages = scale or DEFAULT_MESSAGES
    with stored(messages, min(10_000, messages // 2)) as (on, store):
        results = [*_searches(on.settings, messages), *_customers(on.settings)]
        results += _sizes(on.settings, messages)
        results += _added(on.settings, store)
        return document("search", messages, machine(on.settings.admin_url, on.folder), results)


def _searches(settings: Settings, messages: int) -> list[dict[str, Any]]:
    with psycopg.connect(settings.admin_url, autocommit=True) as owner:
        counted = owner.execute(SQL["commonest_words"], {}).fetchall()
    rounds = ROUNDS if messages >= TRIAL_MESSAGES else 1

    def near(share: float) -> list[str]:
        by_nearness = sorted(counted, key=lambda each: abs(each[1] - share * messages))
        return [word for word, _ in by_nearness[:WORDS]]

    common = [word for word, _ in counted[:WORDS]]
    three = list(zip(common, near(0.1), near(0.01), strict=True))
    kinds: dict[str, tuple[list[str], float]] = {
        "the rarest words": ([word for word, _ in counted[-WORDS:]], 20),
        "1 in 1,000": (near(0.001), 50),
        "1 in 100": (near(0.01), 50),
        "the commonest": (common[:1] * WORDS, 50),
        "the 20 commonest": (common, 50),
        "three words, channel, dates": (
            [f"{two} {three} {four} channel:whatsapp after:2000-01-01" for two, three, four in three],
            50,
        ),
        "phrase of two common words": ([f'"{common[0]} {word}"' for word in common], 100),
        "without a common word": ([f"{word} -{common[0]}" for word in near(0.01)], 50),
        "beginnings": ([f"{word[:7]}*" for word in near(0.001)], 50),
        "one person": ([f"from:customer{number}@example.org" for number in range(3, 3 + WORDS)], 30),
        "one day": ([f"on:today {word}" for word in common], 50),
    }  # fmt: skip
    results = []
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as database:
        database.execute("set max_parallel_workers_per_gather = 0")
        for kind, (typed, limit) in kinds.items():
            times, matches = [], []
            for _ in range(rounds):
                for each in typed:
                    started = time.perf_counter()
                    with database.transaction():
                        found = search.find(database, parse(each, ZONE))
                    times.append((time.perf_counter() - started) * 1000)
                    matches.append(found.count)
            middle = sorted(matches)[len(matches) // 2]
            results.append(
                result(
                    f"{kind} (matches: {middle:,}), p95",
                    percentile(times, 0.95),
                    "ms",
                    goal=f"{limit:g} ms",
                )
            )
        for way in ("by_ilike", "by_to_tsvector"):
            for kind, word in (
                ("a rare word", kinds["the rarest words"][0][0]),
                ("the commonest", common[0]),
            ):
                times = []
                for _ in range(PLAIN_ROUNDS):
                    started = time.perf_counter()
                    database.execute(SQL[way], {"pattern": f"%{word}%", "typed": word}).fetchall()
                    times.append((time.perf_counter() - started) * 1000)
                results.append(result(f"{kind} {way.replace('_', ' ')}, best", min(times), "ms"))
    return results


def _customers(settings: Settings) -> list[dict[str, Any]]:
    """The box above the list of customers: fragments, each with its event, as somebody who is signed in."""
    with psycopg.connect(settings.admin_url, autocommit=True) as admin:
        admin.execute(ADD_USERS, {"people": 1})
    kinds = {
        "a fragment of a phone": [f"5550 0{number:02}" for number in range(WORDS)],
        "a fragment of a mail address": [f"omer{number}@exa" for number in range(3, 3 + WORDS)],
        "a fragment of a name": [f"ustomer {number}" for number in range(3, 3 + WORDS)],
    }
    results = []
    with reading_as(settings, "staff1") as viewer:
        for kind, typed in kinds.items():
            times = []
            for each in typed * ROUNDS:
                started = time.perf_counter()
                customers(viewer, each)
                times.append((time.perf_counter() - started) * 1000)
            what = f"customers by {kind}, p95"
            results.append(result(what, percentile(times, 0.95), "ms", goal="30 ms"))
    return results


def _sizes(settings: Settings, messages: int) -> list[dict[str, Any]]:
    with psycopg.connect(settings.admin_url, autocommit=True) as owner:
        row = owner.execute(SQL["sizes"], {}).fetchone()
        assert row is not None
        started = time.perf_counter()
        timed = owner.execute(SQL["document_times"], {}).fetchone()
        seconds = time.perf_counter() - started
    assert timed is not None
    words, documents, stored = (number / messages for number in row)
    return [
        result("index of words, a message", words, "bytes"),
        result("documents with all indexes, a message", documents, "bytes"),
        result("messages themselves, a message", stored, "bytes"),
        result("making the words of a text", seconds / max(timed[0], 1) * 1e6, "µs"),
    ]


def _added(settings: Settings, store: Store) -> list[dict[str, Any]]:
    """What the documents take of a fold of many new messages."""
    spent: dict[str, float] = {}

    class Timed(fold.Fold):
        def _run(self, name: str, text: str) -> int:
            started = time.perf_counter()
            try:
                return super()._run(name, text)
            finally:
                spent[name] = spent.get(name, 0) + time.perf_counter() - started

    with fold.connect(settings) as database:
        standing = fold.standing(database)
        assert standing is not None
        session = Timed(database, standing[1])
        for _ in range(3):
            spent.clear()
            store.add(ADDED)
            session.until_done()
    ours = sum(
        seconds for name, seconds in spent.items() if "documents" in name or "people" in name
    )
    whole = sum(spent.values())
    return [
        result("documents and people in a fold, a message", ours / ADDED * 1e6, "µs"),
        result("share of the fold's statements", ours / whole * 100, "%"),
    ]
