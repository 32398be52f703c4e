"""What a test needs, seen from its fixtures: `pure` is nothing but Python, else `warehouse`, `program`, `browser`.

`./crm test -m "warehouse and not program"` picks by them. That a pure test is one is held while it runs: it may neither
start a program nor listen.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from _pytest.nodeid import NodeId

KINDS = {
    "pure": "needs nothing but Python",
    "warehouse": "has a database of its own",
    "program": "starts a program, or listens as one",
    "browser": "looks at pages in Chromium",
}
#: Where several workers share them, what shares a module's fixture comes first and pure ones last: what is left at the
#: end is short, and no worker waits for another.
ORDER = ("module", "browser", "program", "warehouse", "pure")
#: Fixtures that start or listen. What a test module starts itself is seen by its import of subprocess, or of `tracked`,
#: which asks git.
PROGRAMS = {
    "address", "api", "certificates", "files", "former", "served", "graph", "heard", "installation", "listener", "programs", "provider", "receiver", "simulator", "storage",
    "twilio",
}  # fmt: skip
BROWSERS = {"browser", "profile"}
#: dbt's models, parsed: two times five seconds for each worker that has a test which asks for them.
PARSED = "_parsed"
#: What a fixture asks for by name while it runs, and no list of fixtures shows.
ASKED_FOR_LATER = {"sender": {"warehouse", "program"}}
#: Python's own names for what a pure test does not do.
IMPURE = {"subprocess.Popen", "os.posix_spawn", "os.fork", "os.system", "socket.bind"}

_running_pure = False


def mark_kinds(items: list[pytest.Item], *, in_parallel: bool) -> None:
    """Give each test its markers; in parallel also an order, and one worker to those that share a module's fixtures."""
    places: dict[pytest.Item, int] = {}
    for item in items:
        kinds = kinds_of(item)
        for kind in kinds:
            item.add_marker(kind)
        places[item] = min(ORDER.index(kind) for kind in kinds)
        shared = shared_with(item)
        if shared is not None:
            places[item] = 0
            if in_parallel:
                keep_together(item, shared)
    if in_parallel:
        take_turns(items, places)


def take_turns(items: list[pytest.Item], places: dict[pytest.Item, int]) -> None:
    """Between the first and the last kind all take turns, each as often as it has tests.

    One after the other, all workers would draw pages at one time, more than the cores can, and wait for programs at
    another.
    """
    count = Counter(places.values())
    met: Counter[int] = Counter()
    turns: dict[pytest.Item, tuple[int, float]] = {}
    for item in items:
        place = places[item]
        met[place] += 1
        end = {0: 0, len(ORDER) - 1: 2}.get(place, 1)
        turns[item] = (end, met[place] / count[place] if end == 1 else 0)
    items.sort(key=turns.__getitem__)


def keep_together(item: pytest.Item, group: str) -> None:
    """One worker for all tests of the group: xdist's scheduler reads it at the end of a test's id.

    xdist 3.8 would write it there from a marker, but to a place that pytest 9.2 no longer reads: the tests ran apart, and
    each worker made anew what they share.
    """
    item._id = NodeId.parse(f"{item.nodeid}@{group}")


def kinds_of(item: pytest.Item) -> set[str]:
    fixtures = set(getattr(item, "fixturenames", ()))
    module = getattr(item, "module", None)
    kinds: set[str] = set()
    for fixture in fixtures & ASKED_FOR_LATER.keys():
        kinds |= ASKED_FOR_LATER[fixture]
    if fixtures & BROWSERS:
        kinds.add("browser")
    if "template" in fixtures:
        kinds.add("warehouse")
    if fixtures & PROGRAMS or hasattr(module, "subprocess") or hasattr(module, "tracked"):
        kinds.add("program")
    return kinds or {"pure"}


def shared_with(item: pytest.Item) -> str | None:
    """The name that all tests have in common which share what is made once for their module, or the models that are parsed
    once for a worker; None where nothing is shared.

    A fixture with parameters is made once for each of them: those may be apart.
    """
    found = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    if PARSED in found:
        return PARSED
    of_module = [
        name for name, several in found.items() if several and several[-1].scope == "module"
    ]
    if not of_module:
        return None
    given = getattr(getattr(item, "callspec", None), "params", {})
    chosen = [str(given[name]) for name in sorted(of_module) if name in given]
    return " ".join([item.location[0], *chosen])


class Remembered:
    """Which files had a pure test when they were last collected: where only those are asked for, no other is imported."""

    KEY = "crm/has_pure_tests"

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        cache = getattr(config, "cache", None)
        self.found: dict[str, list[object]] = cache.get(self.KEY, {}) if cache else {}
        self.is_asked = config.option.markexpr.strip() == "pure"
        shared = [Path(__file__), *Path(__file__).parent.rglob("conftest.py")]
        self.fixtures = "".join(sorted(map(self._state, shared)))

    def passes_over(self, path: Path) -> bool:
        if not self.is_asked or path.suffix != ".py" or not path.name.startswith("test_"):
            return False
        return self.found.get(str(path)) == [self._state(path) + self.fixtures, False]

    def note(self, items: list[pytest.Item]) -> None:
        has_pure: dict[Path, bool] = {}
        for item in items:
            is_pure = item.get_closest_marker("pure") is not None
            has_pure[item.path] = has_pure.get(item.path, False) or is_pure
        for path, is_pure in has_pure.items():
            self.found[str(path)] = [self._state(path) + self.fixtures, is_pure]

    def write(self) -> None:
        """Once a run; workers collect the same."""
        worker = getattr(self.config, "workerinput", {}).get("workerid", "gw0")
        cache = getattr(self.config, "cache", None)
        if cache and worker == "gw0" and self.found:
            cache.set(self.KEY, self.found)

    def _state(self, path: Path) -> str:
        told = path.stat()
        return f"{told.st_mtime_ns} {told.st_size} "


@contextmanager
def stays_pure(item: pytest.Item) -> Iterator[None]:
    global _running_pure
    _running_pure = item.get_closest_marker("pure") is not None
    try:
        yield
    finally:
        _running_pure = False


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if _running_pure and event in IMPURE:
        pytest.fail(
            f"a pure test does {event}{arguments[:1]}: use a fixture that tells (tests/kinds.py)"
        )


sys.addaudithook(_refuse)
