"""Every command that shows or changes something of people leaves its event: enumerated from the program, by name."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest

from tests.dbt_project.raw_rows import add_connections, inbound
from tests.operations.test_commands import COMMANDS
from warehouse.settings import Settings

Crm = Callable[..., tuple[int, str, str]]

#: Commands that leave no event, and why that is right.
SILENT = {
    "down": "stops programs",
    "status": "says which programs run",
    "test": "a developer's tool",
    "check": "a developer's tool",
    "database-url": "opens a door that the caller has; what analysts ask behind it is noted by the server",
    "dbt": "builds and tests models",
    "bench": "works on invented data of its own",
    "up": "starts programs",
    "privacy sweep": "what came again of what was destroyed, which a certificate tells already",
    "retention preview": "counts",
    "validate": "keys and counts, nobody's correspondence",
    "privacy registers": "lists of ours, and counts",
    "refresh": "folds what landed",
    "rebuild": "makes anew what can be made anew; prints hashes",
    "user list": "colleagues, nobody's correspondence",
    "connection list": "connections, nobody's correspondence",
}
#: Whose functions write the event of what they decide (warehouse/decisions/ledger.py).
DECIDES = {"decisions", "customer_import"}


#: Whose functions are looked into.
OURS = (
    "operations", "privacy", "app.act", "app.access", "warehouse.users", "warehouse.events", "warehouse.connection_requests",
    "warehouse.quarantine",
)  # fmt: skip


def _imported(imported: dict[str, tuple[str, str]], name: str) -> Any:
    """What a function imports of ours under this name: a function, or a module."""
    where, called = imported.get(name, ("", ""))
    if not f"{where}.{called}".startswith(OURS):
        return None
    found = getattr(importlib.import_module(where), called, None)
    return found or importlib.import_module(f"{where}.{called}")


def leaves_an_event(function: Callable[..., Any], seen: set[str] | None = None) -> bool:
    """Whether it, or what it calls of its own and of the other commands, writes one or has one decided."""
    seen = set() if seen is None else seen
    function = inspect.unwrap(function)
    if function.__qualname__ + function.__module__ in seen:
        return False
    seen.add(function.__qualname__ + function.__module__)
    module = inspect.getmodule(function)
    assert module is not None
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    # Commands import what they need inside.
    imported = {
        alias.asname or alias.name: (node.module or "", alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    if any(
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in DECIDES
        for node in ast.walk(tree)
    ):
        return True
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
            owner = vars(module).get(call.func.value.id) or _imported(imported, call.func.value.id)
            inner = getattr(owner, call.func.attr, None) if isinstance(owner, ModuleType) else None
        elif isinstance(call.func, ast.Name):
            inner = vars(module).get(call.func.id) or _imported(imported, call.func.id)
            if getattr(inner, "__module__", "") == "warehouse.events" and call.func.id == "record":
                return True
        else:
            continue
        is_ours = inspect.isfunction(inner) and inner.__module__.startswith(OURS)
        if is_ours and leaves_an_event(inner, seen):
            return True
    return False


@pytest.mark.parametrize("name", sorted(" ".join(path) for path in COMMANDS))
def test_a_command_leaves_an_event_or_says_why_not(name: str) -> None:
    found = leaves_an_event(COMMANDS[tuple(name.split())].callback)
    assert found is not (name in SILENT), name


def test_what_shows_something_leaves_one_event_each(
    crm: Crm,
    warehouse: Settings,
    admin: psycopg.Connection[Any],
    fold_now: Callable[[], int],
    tmp_path: Path,
) -> None:
    add_connections(admin)
    admin.execute(
        "insert into crm.customers (customer_id, name, created_by) values ('sam', 'Sam', 't')"
    )
    admin.execute(
        "insert into crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason)"
        " values ('l', 'd', 'phone:+61491570006', 'sam', 't', 't')"
    )
    inbound(1, body="a café").insert(admin)
    fold_now()
    shows: dict[tuple[str, ...], tuple[str, list[str]]] = {
        ("customer", "list"): ("customer.search", ["sam"]),
        ("customer", "show", "sam"): ("customer.view", ["sam"]),
        ("customer", "export", str(tmp_path / "out.csv")): ("customer.export", ["sam"]),
        ("search", "cafe"): ("message.search", ["sam"]),
        ("events", "--customer", "sam"): ("event.search", ["sam"]),
        ("audit", "verify"): ("audit.verify", []),
    }
    for command, (action, customer_ids) in shows.items():
        before = admin.execute("select count(*) from crm.events").fetchall()[0][0]
        status, out, err = crm(*command, "--json")
        assert status == 0, err
        assert json.loads(out)
        left = admin.execute(
            "select action, customer_ids, actor like 'cli:%%' from crm.events order by at offset %s",
            [before],
        ).fetchall()
        assert left == [(action, customer_ids, True)], command
