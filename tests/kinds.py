"""What a test needs, seen from its fixtures: `pure` is nothing but Python, else `warehouse`, `program`, `browser`.

`./crm test -m "warehouse and not program"` picks by them. That a pure test is one is held while it runs: it may neither
start a program nor listen.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

KINDS = {
    "pure": "needs nothing but Python",
    "warehouse": "has a database of its own",
    "program": "starts a program, or listens as one",
    "browser": "looks at pages in Chromium",
}
#: Long ones first, where several workers share them: what is left at the end is short, and no worker waits for another.
ORDER = ("module", "browser", "program", "warehouse", "pure")
#: Fixtures that start or listen. What a test module starts itself is seen by its import of subprocess.
PROGRAMS = {
    "address", "api", "certificates", "files", "served", "graph", "listener", "programs", "provider", "receiver", "simulator", "storage",
    "twilio",
}  # fmt: skip
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
        if shares_a_module(item):
            item.add_marker(pytest.mark.xdist_group(item.location[0]))
            places[item] = 0
    if in_parallel:
        items.sort(key=places.__getitem__)


def kinds_of(item: pytest.Item) -> set[str]:
    fixtures = set(getattr(item, "fixturenames", ()))
    module = getattr(item, "module", None)
    kinds: set[str] = set()
    for fixture in fixtures & ASKED_FOR_LATER.keys():
        kinds |= ASKED_FOR_LATER[fixture]
    if "browser" in fixtures:
        kinds.add("browser")
    if "template" in fixtures:
        kinds.add("warehouse")
    if fixtures & PROGRAMS or hasattr(module, "subprocess"):
        kinds.add("program")
    return kinds or {"pure"}


def shares_a_module(item: pytest.Item) -> bool:
    """Whether a fixture of the test is made once for its module: then its tests stay together."""
    found = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    return any(
        definition.scope == "module" for several in found.values() for definition in several[-1:]
    )


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
