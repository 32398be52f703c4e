"""Importing: a list of 100,000 customers of which three lines are wrong, by the command and by the page's process.

    ./crm bench importing --scale 100000

Time and highest resident memory of each process; then one of the decisions that the import is gets undone. The list is
written as a spreadsheet in some countries does: UTF-16 with semicolons, numbers in several spellings.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.figures import document, result
from benchmarks.machine import machine
from benchmarks.throwaway import ROOT, Throwaway, throwaway
from warehouse import decisions
from warehouse.events import Actor
from warehouse.settings import Role, Settings

DEFAULT_LINES = 100_000
ACTOR = Actor(name="benchmark", role="admin")
LOOK_SECONDS = 0.02
#: Where the three stand, as shares of the list, and what is wrong with them.
WRONG = ((0.1, "No Number;12;"), (0.5, '"=HYPERLINK(1)";0491 570 006;'), (0.9, ";;nobody"))


class Wrong(Exception):
    """A list became something else than it should: the figures mean nothing."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a process said at its end, how often it told of its progress, and what it took."""

    said: dict[str, Any]
    steps: int
    seconds: float
    megabytes: float


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """What `./crm bench --json` prints. `settings` is not used: the warehouse is a throw-away one.

    Raises:
        Wrong: not as many were made and refused as the list has.
    """
    lines = scale or DEFAULT_LINES
    with throwaway() as on:
        file = on.folder / "customers.csv"
        content = listed(lines)
        file.write_bytes(content)
        page = _page(on, file.name, content)
        command = ("-P", "-m", "operations", "customer", "import", str(file), "--json")
        preview = _run(on, [*command, "--preview"])
        made = _run(on, command)
        again = _run(on, command)
        for done in (page, preview, made):
            if done.said["made"] != lines - len(WRONG) or done.said["matched"]:
                raise Wrong(f"{done.said['made']} of {lines} lines made customers")
        if again.said["matched"] != lines - len(WRONG) or again.said["made"]:
            raise Wrong(f"of the list again {again.said['matched']} lines were matched")
        undone = _undo(on.settings, made.said["decision_ids"][0])
        results = [
            result("lines", lines, "lines"),
            result("refused, each with its line", len(made.said["refused"]), "lines", goal="3"),
            *_results("the page's preview", page),
            result("steps that its bar shows", page.steps, "steps"),
            *_results("./crm customer import --preview", preview),
            *_results("./crm customer import", made),
            *_results("the same list again", again),
            result("decisions that it is", len(made.said["decision_ids"]), "decisions"),
            result("undo of the first of them", undone, "s"),
        ]
        return document("importing", lines, machine(on.settings.admin_url, on.folder), results)


def listed(lines: int) -> bytes:
    """A list of so many lines."""
    wrong = {int(share * lines): line for share, line in WRONG}
    rows = ["name;phone;email"]
    for number in range(lines):
        digits = f"{10_000_000 + number:08}"
        spelled = (f"04{digits}", f"+61 4{digits[:2]} {digits[2:5]} {digits[5:]}")[number % 2]
        rows.append(
            wrong.get(number) or f"Person {number} Example;{spelled};person{number}@example.com"
        )
    return "\r\n".join(rows).encode("utf-16")


def _page(on: Throwaway, name: str, content: bytes) -> Done:
    asked = {"name": name, "carries_out": False, "actor": ACTOR.__dict__}
    done = _run(
        on, ["-m", "warehouse.import_process"], json.dumps(asked).encode() + b"\n" + content
    )
    result: dict[str, Any] = done.said["result"]
    return Done(said=result, steps=done.steps, seconds=done.seconds, megabytes=done.megabytes)


def _run(on: Throwaway, arguments: Any, given: bytes = b"") -> Done:
    """One process, by the last line that it says on standard output.

    Raises:
        Wrong: it failed.
    """
    source, out = on.folder / "given", on.folder / "said"
    source.write_bytes(given)
    began = time.monotonic()
    with source.open("rb") as standard_input, out.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT, env=on.environment(""), stdin=standard_input, stdout=said,
            stderr=(on.folder / "errors").open("wb"),
        )  # fmt: skip
        highest = 0
        while process.poll() is None:
            highest = max(highest, _highest(process.pid))
            time.sleep(LOOK_SECONDS)
    seconds = time.monotonic() - began
    if process.returncode:
        raise Wrong((on.folder / "errors").read_text()[-1500:])
    text = out.read_text()
    steps = text.count('"step"')
    document = json.loads(text if not steps else text.strip().rpartition("\n")[2])
    return Done(said=document, steps=steps, seconds=seconds, megabytes=highest / 1024)


def _highest(pid: int) -> int:
    """Kilobytes that a process had resident at most so far. What a parent is told of its child counts itself, too."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0


def _undo(settings: Settings, decision_id: str) -> float:
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as database:
        began = time.monotonic()
        decisions.undo(database, ACTOR, decision_id, "the wrong list")
        return time.monotonic() - began


def _results(what: str, done: Done) -> list[dict[str, Any]]:
    return [
        result(f"{what}: time", done.seconds, "s"),
        result(f"{what}: highest resident memory", done.megabytes, "MB"),
    ]
