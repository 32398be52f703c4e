"""The nightly data tests: what holds is written down as passed, what does not with how many rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

from app import database, examine
from app.access.roles import UserRole
from app.access.sessions import Viewer
from tests.dbt_project.raw_rows import land_awkward_rows, mail
from transform.models import Models
from warehouse.settings import Settings
from worker.model_tests import run_model_tests

BROKEN = "accepted_values_marts_messages_direction__inbound__outbound"
UNREADABLE = "assert_the_quarantine_is_what_outcomes_say"


def test_what_they_found_stands_on_the_page(
    settings: Settings,
    admin: psycopg.Connection[Any],
    fold_now: Callable[[], int],
    serving_models: Models,
) -> None:
    land_awkward_rows(admin, fold_now)
    # What lands while they run is no fault: the next fold takes it in.
    mail(11).insert(admin)
    mail(12, sender="").insert(admin)
    count = run_model_tests(settings, serving_models)
    assert count > 30
    found = dict(admin.execute("select test, status from jobs.model_tests").fetchall())
    assert len(found) == count
    assert set(found.values()) == {"pass"}, found

    admin.execute("update canonical.messages set direction = 'sideways' where channel = 'gmail'")
    admin.execute("drop view marts.quarantine cascade")
    with psycopg.connect(settings.admin_url, autocommit=True) as listening:
        listening.execute("listen crm_health")
        run_model_tests(settings, serving_models)
        # Open pages are told.
        assert list(listening.notifies(timeout=30, stop_after=1))
    database.use(settings)
    try:
        viewer = Viewer(
            user_name="kim", display_name="Kim", role=UserRole.ADMIN, session_id="s", ip="127.0.0.1"
        )
        admin.execute(
            "insert into crm.users (user_name, display_name, email, role, password_hash)"
            " values ('kim', 'Kim', 'kim@example.com', 'admin', '')"
        )
        admin.execute(
            "insert into crm.sessions (session_id, token_hash, user_name, expires_at)"
            " values ('s', '', 'kim', now() + interval '1 hour')"
        )
        shown = examine.model_tests(viewer)
    finally:
        database.close()
    assert len(shown) == count
    bad = {
        row["test"]: (row["status"], row["failures"]) for row in shown if row["status"] != "pass"
    }
    assert bad[BROKEN] == ("fail", 1), bad
    # One that cannot be run is no pass.
    assert bad[UNREADABLE][0] == "error", bad
    assert shown[0]["test"] in bad
    assert len(bad) < count / 2
