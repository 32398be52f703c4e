"""Have the data looked at: Great Expectations in a process of its own, which signs in as `crm_checker` and nobody else.

The library takes seconds and some 300 MB: no page, no fold and no worker imports it.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from warehouse.health_data import broken
from warehouse.settings import ROOT, Role, Settings

#: After a load; by night; by hand; of what was built, before it serves.
Run = Literal["load", "night", "hand", "build"]
#: A look that takes longer is ended: it ends itself, too (`quality/__main__.py`).
MOST_SECONDS = 1800
#: So many failing rules are named in one sentence.
NAMED = 3


class NotChecked(Exception):
    """The checks could not be tried; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a look found."""

    document: dict[str, Any]

    @property
    def suites(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.document["suites"]
        return found

    @property
    def critical(self) -> list[dict[str, Any]]:
        """The critical rules that do not hold."""
        return failing(self.suites, "critical")

    @property
    def sentence(self) -> str:
        """Which critical rules do not hold, with a key of each."""
        named = "; ".join(said(each) for each in self.critical[:NAMED])
        more = f"; and {len(self.critical) - NAMED} more" if len(self.critical) > NAMED else ""
        return named + more


def failing(suites: Sequence[dict[str, Any]], severity: str) -> list[dict[str, Any]]:
    """The rules of this weight that do not hold, each with its suite."""
    return [
        {"suite": suite["suite"], **check}
        for suite in suites
        for check in suite["checks"]
        if check["severity"] == severity and check["status"] != "pass"
    ]


def said(check: dict[str, Any]) -> str:
    """One rule that does not hold, in words."""
    return broken(check, next(iter(check["keys"]), None))


def look(settings: Settings, run: Run, channels: Sequence[str] = ()) -> Outcome:
    """Look, and wait for what is found. It is written down by the time this returns.

    Raises:
        NotChecked: it could not be done.
    """
    try:
        done = subprocess.run(
            _command(run, channels),
            env=_environment(settings),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            timeout=MOST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotChecked(f"the checks took longer than {MOST_SECONDS // 60} minutes") from None
    return _outcome(done.returncode, done.stdout)


async def look_apart(settings: Settings, run: Run, channels: Sequence[str] = ()) -> Outcome:
    """The same for a program that does other things meanwhile. Cancelling ends the look.

    Raises:
        NotChecked: it could not be done.
    """
    process = await asyncio.create_subprocess_exec(
        *_command(run, channels),
        env=_environment(settings),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        written, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _outcome(process.returncode or 0, written)


def _command(run: Run, channels: Sequence[str]) -> list[str]:
    return [sys.executable, "-P", "-m", "quality", run, *channels]


def _environment(settings: Settings) -> dict[str, str]:
    """Its own door, and none of ours."""
    return {
        **os.environ,
        **settings.for_program((Role.CHECKER,), ()),
        "CRM_DATA_DIR": str(settings.data_dir),
        "CRM_TIMEZONE": settings.timezone,
        "PYTHONPATH": str(ROOT),
        # One core: numpy would take them all.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }


def _outcome(status: int, written: bytes) -> Outcome:
    try:
        if status == 0:
            return Outcome(document=json.loads(written))
    except ValueError:
        pass
    raise NotChecked(
        f"the checks could not be tried (their process ended with status {status}; its log says why)"
    )
