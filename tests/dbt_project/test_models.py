"""dbt's unit tests, and what becomes of every awkward thing that the raw-row builders know.

Its data tests are run on the same rows by the worker's own job (tests/pipelines/test_model_tests.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

from tests.dbt_project.raw_rows import land_awkward_rows
from transform.models import Models


def test_unit_tests_of_models_hold(serving_models: Models) -> None:
    ran = serving_models.invoke("test", "--select", "test_type:unit")
    assert {"a_status_only_advances", "a_watermark_covers_all_that_was_sent_before_it"} <= {
        result.node.name for result in ran
    }


def test_every_outcome_of_the_awkward_rows(
    admin: psycopg.Connection[Any], fold_now: Callable[[], int]
) -> None:
    land_awkward_rows(admin, fold_now)
    found = admin.execute(
        "select outcome, count(*) from marts.outcomes group by 1 order by 1"
    ).fetchall()
    assert dict(found) == {
        "ignored": 3,
        "message": 25,
        "quarantined": 8,
        "revision": 2,
        "status": 5,
    }
