"""What admins see of the house: the judgement on a live warehouse, the line above pages, jobs, users, metrics."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app import act_jobs, act_users, database, health, read_jobs, read_users
from app.access.roles import Forbidden, UserRole
from app.serving.routes import ROUTES
from tests.app.conftest import Correspondence
from warehouse.refusals import Refused

ADMIN = ("admin", "admin")


@pytest.fixture(autouse=True)
def _anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a process that has just begun."""
    monkeypatch.setattr(health, "_newest", (None, 0.0))
    monkeypatch.setattr(health, "_watches", [])


def kinds() -> set[tuple[str, str]]:
    return {(each.kind, each.what) for each in health.report(at_most_old=0).findings}


def test_what_breaks_is_named_and_what_is_mended_is_not(correspondence: Correspondence) -> None:
    admin, agent = correspondence.signed_in(*ADMIN), correspondence.signed_in("agent")
    # A text message bears whole seconds.
    now = datetime.now(UTC).replace(microsecond=0)
    for number in range(40):
        correspondence.sms("+61491570006", f"text {number}", now - timedelta(hours=3 * number + 1))
    assert ("bad", "worker") in kinds()
    line = health.line(admin)
    assert line is not None
    assert "No worker has been seen yet" in line
    assert health.line(agent) is None
    correspondence.execute("insert into jobs.procrastinate_workers default values")
    assert ("bad", "worker") not in kinds()
    correspondence.execute(
        "insert into jobs.connection_health (connection_id, job, last_failed_at, error)"
        " values (%s, 'pull', now(), 'the token was refused (20003)')",
        [correspondence.sms_connection],
    )
    assert ("bad", "pull") in kinds()
    correspondence.execute(
        "update jobs.connection_health set error = null, last_succeeded_at = now()"
    )
    assert ("bad", "pull") not in kinds()
    facts = health.report(at_most_old=0).facts
    assert correspondence.sms_connection in facts.rhythms
    # What came last is of now, also while what is usual was learnt a while ago.
    assert facts.last_at[correspondence.sms_connection] == now - timedelta(hours=1)
    correspondence.sms("+61491570006", "news", now)
    assert health.report(at_most_old=0).facts.last_at[
        correspondence.sms_connection
    ] > now - timedelta(minutes=1)
    assert facts.house["database_bytes"] > 0
    assert [row["messages"] for row in health.arrivals(admin)]
    assert len(correspondence.events("health.view")) == 0
    health.seen(admin)
    assert len(correspondence.events("health.view")) == 1
    with pytest.raises(Forbidden):
        health.seen(agent)


def test_metrics_are_told_to_who_has_the_token(correspondence: Correspondence) -> None:
    client = TestClient(Starlette(routes=ROUTES))
    assert client.get("/metrics").status_code == 404
    given = correspondence.settings.model_copy(
        update={"metrics_token": type(correspondence.settings.master_key)("t" * 24)}  # type: ignore[misc, call-arg]
    )
    database.use(given)
    for wrong in ("", "Bearer " + "u" * 24):
        assert client.get("/metrics", headers={"authorization": wrong}).status_code == 404
    told = client.get("/metrics", headers={"authorization": "Bearer " + "t" * 24})
    assert told.status_code == 200
    assert "crm_findings" in told.text


def test_a_failed_job_is_done_again(correspondence: Correspondence) -> None:
    admin = correspondence.signed_in(*ADMIN)
    ((job_id,),) = correspondence.execute(
        "insert into jobs.procrastinate_jobs (queue_name, task_name, args, status) values"
        " ('default', 'pull_connection', jsonb_build_object('connection_id', %s::text), 'failed') returning id",
        [correspondence.sms_connection],
    )
    (failed,) = read_jobs.jobs(admin).failed
    assert (failed["id"], failed["name"]) == (job_id, "SMS")
    act_jobs.repeat(admin, job_id)
    with pytest.raises(Forbidden):
        act_jobs.repeat(correspondence.signed_in("agent"), job_id)
    from worker import connecting

    ((request,),) = correspondence.execute("select request_id from crm.connection_requests")
    answered = connecting.answer(correspondence.settings, request)
    assert answered is not None
    assert answered.repeats == ("pull_connection", {"connection_id": correspondence.sms_connection})
    assert answered.repeated_id == job_id
    assert len(correspondence.events("job.repeat")) == 1


def test_users_are_added_changed_and_signed_out(correspondence: Correspondence) -> None:
    admin = correspondence.signed_in(*ADMIN)
    with pytest.raises(Forbidden):
        act_users.disable(correspondence.signed_in("agent"), "admin")
    with pytest.raises(Refused, match="too short"):
        act_users.add(
            admin,
            "kim",
            display_name="",
            email="kim@example.com",
            role=UserRole.AGENT,
            password="short",
        )
    password = "a long enough password"
    act_users.add(
        admin,
        "kim",
        display_name="Kim",
        email="kim@example.com",
        role=UserRole.AGENT,
        password=password,
    )
    for change in (
        act_users.disable,
        lambda who, name: act_users.set_role(who, name, UserRole.AGENT),
    ):
        with pytest.raises(Refused, match="last admin"):
            change(admin, "admin")
    act_users.set_role(admin, "kim", UserRole.ADMIN)
    correspondence.signed_in("kim", "admin")
    listed = {row["user_name"]: row for row in read_users.listed(admin).users}
    assert (listed["kim"]["role"], listed["kim"]["open_sessions"]) == ("admin", 1)
    act_users.end_sessions(admin, "kim")
    act_users.disable(admin, "kim")
    act_users.enable(admin, "kim")
    listed = {row["user_name"]: row for row in read_users.listed(admin).users}
    assert (listed["kim"]["disabled_at"], listed["kim"]["open_sessions"]) == (None, 0)
    for verb in ("add", "role", "sign_out", "disable", "enable"):
        assert correspondence.events(f"user.{verb}"), verb
