"""dbt's data tests on the running warehouse, every night: what they found stands on the page Connections.

They read whole tables, so they run one at a time, on one core each, and give up on a test after twenty minutes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg

from warehouse.queries import queries
from warehouse.settings import Role, Settings

if TYPE_CHECKING:
    from transform.models import Models

SQL = queries("pipelines")
SERVER_OPTIONS = "-c jit=off -c max_parallel_workers_per_gather=0 -c statement_timeout=1200000"


def run_model_tests(settings: Settings, models: Models | None = None) -> int:
    """Run every data test and write down what it found; returns how many there were.

    models: parsed for the tables that serve; parsed here where None.

    Raises:
        ModelsFailed: the models could not be parsed.
    """
    if models is None:
        # dbt takes seconds to import, and only this job of the worker needs it.
        from transform.models import Models

        models = Models(settings, options=SERVER_OPTIONS)
    found = models.data_tests()
    now = datetime.now(UTC)
    with psycopg.connect(settings.url_for(Role.LOADER)) as database:
        database.execute(SQL["forget_model_tests"])
        for test in found:
            database.execute(
                SQL["note_model_test"],
                {
                    "test": test.name,
                    "status": test.status,
                    "failures": test.failures,
                    "tested_at": now,
                },
            )
    return len(found)
