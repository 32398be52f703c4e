"""Is a program well? `python -m operations.runtime.health worker | fold | URL`: exit status 0 or 1.

For the health checks of containers; `./crm up` asks the same questions through its supervisor.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import psycopg

from operations.runtime.programs import answers
from warehouse import sign_of_life
from warehouse.queries import queries
from warehouse.settings import Role, Settings


def is_well(program: str, settings: Settings, now: datetime) -> bool:
    """Whether the address answers, the worker of this host lives, or the warehouse shows that somebody folds."""
    if program.startswith("http://"):
        return answers(program)(now)
    if program == "worker":
        return sign_of_life.is_fresh(settings)
    # As the program itself: its container knows no other password.
    with psycopg.connect(settings.url_for(Role.TRANSFORMER), connect_timeout=5) as database:
        row = database.execute(queries("operations")["fold_lives"]).fetchone()
    return row is not None and bool(row[0])


if __name__ == "__main__":
    if len(sys.argv) != 2 or not (
        sys.argv[1] in ("worker", "fold") or sys.argv[1].startswith("http://")
    ):
        sys.exit("usage: python -m operations.runtime.health worker|fold|http://…")
    sys.exit(0 if is_well(sys.argv[1], Settings(), datetime.now(UTC)) else 1)
