"""Kills: the folding process, PostgreSQL, and both, killed at random moments under load.

    ./crm bench kills --scale 200

Part of `faults`, as a run of its own: it is asked to be back in ten seconds, where everything else has thirty.
"""

from __future__ import annotations

from typing import Any

from benchmarks.faults import KILLS, measured
from warehouse.settings import Settings

DEFAULT_ROUNDS = 200


def run(settings: Settings | None, scale: int | None) -> dict[str, Any]:
    """What `./crm bench --json` prints. `settings` is not used: the installation is a throw-away one."""
    return measured("kills", scale or DEFAULT_ROUNDS, KILLS)
