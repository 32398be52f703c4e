"""What people ask of us and what goes wrong, from the day on which it begins to its end; and what the worker does for it."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from privacy import destruction, tasks
from privacy.exports import remove_exports
from tests.dbt_project import raw_rows
from tests.dbt_project.raw_rows import inbound
from tests.privacy.residue import residue
from warehouse import deadlines, decisions, health, statement
from warehouse.events import Actor
from warehouse.exports import export_file
from warehouse.queries import queries
from warehouse.refusals import Refused
from warehouse.settings import Role, Settings

PIA, BEN = (Actor(name=name, role="privacy_officer") for name in ("pia", "ben"))
Database = psycopg.Connection[Any]


@pytest.fixture
def app(settings: Settings) -> Iterator[Database]:
    with psycopg.connect(settings.url_for(Role.APP), autocommit=True) as database:
        yield database


def actions(admin: Database, noun: str) -> list[str]:
    return [
        action
        for (action,) in admin.execute(
            "select action from crm.events where action like %s order by at, event_id",
            [f"{noun}.%"],
        )
    ]


def test_a_request_is_due_in_thirty_days_and_granted_to_whom_we_know(
    app: Database, admin: Database
) -> None:
    sam = decisions.create_customer(app, PIA, "Sam Example")
    now = datetime.now(UTC)
    received = now - timedelta(days=21)
    with pytest.raises(Refused, match="no customer"):
        decisions.open_case(app, PIA, "nobody", asked_by="herself")
    with pytest.raises(Refused, match="who asks"):
        decisions.open_case(app, PIA, sam, asked_by=" ")
    with pytest.raises(Refused, match="days to come"):
        decisions.open_case(app, PIA, sam, asked_by="x", received_at=now + timedelta(days=1))
    case = decisions.open_case(app, PIA, sam, asked_by="herself, by mail", received_at=received)
    assert decisions.case(app, case)["due_at"] == received + timedelta(days=30)
    # Nothing is handed to somebody whom nobody has checked.
    for early in (
        lambda: decisions.close_case(app, PIA, case, outcome="granted"),
        lambda: decisions.ask_export(app, PIA, case),
        lambda: decisions.granting(app, case),
    ):
        with pytest.raises(Refused, match="nobody has checked"):
            early()
    with pytest.raises(Refused, match="ground"):
        decisions.close_case(app, PIA, case, outcome="refused", reason="no")
    with pytest.raises(Refused, match="in writing"):
        decisions.close_case(app, PIA, case, outcome="refused", grounds=["b"])
    with pytest.raises(Refused, match="a, b, c"):
        decisions.close_case(app, PIA, case, outcome="refused", reason="no", grounds=["z"])

    due = admin.execute(queries("cases")["deadlines"]).fetchall()
    assert [(what, kind, which) for what, kind, which, *_ in due] == [("case", "access", case)]
    row = {"what": "case", "kind": "access", "due_at": due[0][3]}
    assert [each[:3] for each in deadlines.overdue([row], now)] == [
        ("warn", "due_case", "An access request is due in 9 days")
    ]
    for day, said in ((19, []), (30, ["warn"]), (31, ["bad"])):
        told = deadlines.overdue([row], received + timedelta(days=day) - timedelta(minutes=1))
        assert [kind for kind, *_ in told] == said, day

    facts = health.Facts(
        now=received + timedelta(days=40), zone=ZoneInfo("Australia/Sydney"), due=[row]
    )
    (finding,) = health.judge(facts)
    assert (finding.kind, finding.sentence) == (
        "bad",
        "An access request was due 10 days ago. Open Privacy.",
    )

    decisions.check_identity(app, PIA, case, "called back under the number that we know")
    decisions.close_case(app, BEN, case, outcome="granted")
    assert decisions.cases(app) == []
    (closed,) = decisions.cases(app, closed=True)
    assert (closed["name"], closed["outcome"], closed["closed_by"]) == (
        "Sam Example",
        "granted",
        "ben",
    )
    with pytest.raises(Refused, match="no open case"):
        decisions.close_case(app, PIA, case, outcome="withdrawn")
    decisions.reopen_case(app, PIA, case)
    decisions.close_case(
        app, PIA, case, outcome="refused", reason="it would name her neighbour", grounds=["b"]
    )
    assert admin.execute(queries("cases")["deadlines"]).fetchall() == []
    assert actions(admin, "case") == [
        "case.open", "case.check_identity", "case.close", "case.reopen", "case.close",
    ]  # fmt: skip
    # What was said of somebody's papers stands with the case alone.
    assert admin.execute(
        "select count(*) from crm.events where detail::text ~ 'called back|neighbour' or not customer_ids @> %s",
        [[sam]],
    ).fetchone() == (0,)


def test_an_incident_runs_to_its_decision_and_its_statement_has_four_parts(
    app: Database, admin: Database
) -> None:
    suspected = datetime.now(UTC) - timedelta(days=31)
    with pytest.raises(Refused, match="from when"):
        decisions.open_incident(app, PIA, "A laptop was lost", account="mia")
    incident = decisions.open_incident(app, PIA, "A laptop was lost", suspected_at=suspected)
    version = decisions.describe_incident(
        app, PIA, incident, description="<script>alert(1)</script> مرحبا", kinds="names", account="mia",
        seen_from=suspected - timedelta(days=2), seen_until=suspected,
    )  # fmt: skip
    with pytest.raises(decisions.Overtaken):
        decisions.describe_incident(app, BEN, incident, expected=version - 1, steps="x")
    decisions.describe_incident(app, BEN, incident, expected=version, steps="Change your password")
    found = decisions.incident(app, incident)
    assert (found["kinds"], found["steps"], found["account"]) == (
        "names",
        "Change your password",
        "mia",
    )
    page = statement.as_html(found, 7)
    assert page.count("<h2>") == 4
    assert "<script" not in page
    assert "7 people" in statement.as_text(found, 7)
    assert statement.MISSING not in page

    def due() -> list[tuple[str, str]]:
        with psycopg.connect(admin.info.dsn, password=admin.info.password) as reader:
            rows = reader.execute(queries("cases")["deadlines"]).fetchall()
        named = [
            dict(zip(("what", "kind", "id", "due_at", "since"), row, strict=True)) for row in rows
        ]
        return [each[:2] for each in deadlines.overdue(named, datetime.now(UTC))]

    assert due() == [("bad", "due_incident")]
    with pytest.raises(Refused, match="notifiable"):
        decisions.note_notified(app, PIA, incident)
    decisions.decide_incident(
        app, PIA, incident, decision="not_notifiable", reason="it was encrypted"
    )
    assert due() == []
    decisions.decide_incident(
        app, BEN, incident, decision="notifiable", reason="the key was with it"
    )
    assert due() == [("warn", "due_incident")]
    assert [each["incident_id"] for each in decisions.incidents(app)] == [incident]
    decisions.note_notified(app, PIA, incident)
    assert decisions.incidents(app) == []
    with pytest.raises(Refused, match="ben"):
        decisions.decide_incident(app, PIA, incident, decision="not_notifiable", reason="no")
    assert actions(admin, "incident") == [
        "incident.open", "incident.describe", "incident.describe", "incident.decide", "incident.decide",
        "incident.notify",
    ]  # fmt: skip


def test_the_worker_writes_an_export_and_destroys_what_two_agreed_to(
    settings: Settings, app: Database, admin: Database, fold_now: Callable[[], int]
) -> None:
    raw_rows.add_connections(admin)
    inbound(1, body="hello there").insert(admin)
    inbound(2, From="+61491570157", body="of another").insert(admin)
    fold_now()
    sam = decisions.create_customer(app, PIA, "Samira Citizen")
    decisions.link(app, PIA, "phone:+61491570006", sam, reason="said so")
    other = decisions.create_customer(app, PIA, "Kim Other")
    case = decisions.open_case(app, PIA, sam, asked_by="Samira Citizen, by mail")
    decisions.check_identity(app, PIA, case, "called back under +61491570006")
    of_other = decisions.open_case(app, PIA, other, asked_by="Samira Citizen, her sister")
    incident = decisions.open_incident(app, PIA, "A list with Samira Citizen went astray")

    admin.execute("listen crm_asked")
    export = decisions.ask_export(app, PIA, case)
    with pytest.raises(Refused, match="already"):
        decisions.ask_export(app, BEN, case)
    assert [each.payload for each in admin.notifies(timeout=30, stop_after=1)] == [
        f"privacy {export}"
    ]
    tasks.carry_out(settings, export)
    file = export_file(settings, export)
    (listed,) = decisions.cases(app)[:1]
    assert listed["export"]["result"]["messages"] == 1, listed["export"]
    with zipfile.ZipFile(file) as archive:
        assert b"hello there" in archive.read("messages.json")
    assert file.stat().st_mode & 0o077 == 0
    # A second run finds it done; what is no export of ours goes, what is kept stays.
    tasks.carry_out(settings, export)
    (file.parent / ".0123.zip.unfinished").write_bytes(b"of a worker that died")
    with destruction.destroying(settings) as database:
        assert remove_exports(settings, database) == 1
    assert file.exists()

    with pytest.raises(Refused, match="names the customer"):
        decisions.ask_destruction(app, PIA, sam, "samira citizen asked for it")
    with pytest.raises(Refused, match="access request of theirs is open"):
        decisions.ask_destruction(app, PIA, sam, "asked for it")
    decisions.close_case(app, PIA, case, outcome="granted")
    doomed = decisions.ask_destruction(app, PIA, sam, "asked for it")
    # Nobody agrees with themselves, neither by the program nor past it.
    with pytest.raises(Refused, match="another person"):
        decisions.approve_task(app, PIA, doomed)
    with pytest.raises(psycopg.errors.CheckViolation):
        app.execute(
            "update privacy.tasks set state = 'waiting', approved_by = 'pia' where kind = 'destroy'"
        )
    tasks.carry_out(settings, doomed)
    assert decisions.task(app, doomed)["state"] == "proposed"
    decisions.approve_task(app, BEN, doomed)
    tasks.carry_out(settings, doomed)
    done = decisions.task(app, doomed)
    assert (done["state"], done["problem"], done["object_id"]) == ("done", None, "destroyed")
    ((certificate, reason),) = admin.execute(
        "select certificate_id, reason from privacy.certificates"
    )
    assert done["result"]["certificates"] == [certificate]
    assert reason == "asked for it (agreed by ben)"
    assert not file.exists()
    assert residue(settings, ["Samira Citizen", "+61491570006", sam, "hello there"]) == []
    assert [each["case_id"] for each in decisions.cases(app)] == [of_other]
    assert decisions.incident(app, incident)["title"] == "destroyed"
    # What cannot be done says so.
    unapproved = decisions.ask_apply(app, PIA, "messages")
    tasks.carry_out(settings, unapproved)
    assert "nobody has approved" in decisions.task(app, unapproved)["problem"]
    decisions.close_case(app, PIA, of_other, outcome="withdrawn")
    dropped = decisions.ask_destruction(app, PIA, other, "asked for it")
    decisions.drop_task(app, PIA, dropped)
    with pytest.raises(Refused, match="no longer"):
        decisions.approve_task(app, BEN, dropped)


def test_a_notice_holds_until_the_next_begins(
    app: Database, admin: Database, fold_now: Callable[[], int]
) -> None:
    raw_rows.add_connections(admin)
    inbound(1).insert(admin)
    fold_now()
    with pytest.raises(Refused, match="no channel"):
        decisions.make_notice(app, PIA, "pigeon", "x")
    now = datetime.now(UTC)
    assert decisions.told_nothing(app) == [{"channel": "twilio_sms", "people": 1}]
    assert (
        decisions.make_notice(app, PIA, "twilio_sms", "We keep what you write", begins_at=now) == 1
    )
    assert decisions.told_nothing(app) == [{"channel": "twilio_sms", "people": 1}]
    assert (
        decisions.make_notice(
            app, PIA, "twilio_sms", "First", begins_at=datetime(2020, 1, 1, tzinfo=UTC)
        )
        == 2
    )
    assert decisions.told_nothing(app) == []
    assert [(each["version"], each["ends_at"]) for each in decisions.notices(app)] == [
        (2, now),
        (1, None),
    ]


def test_a_correction_is_shown_and_the_original_stays(
    settings: Settings, app: Database, admin: Database, fold_now: Callable[[], int]
) -> None:
    raw_rows.add_connections(admin)
    inbound(1, body="I owe you money").insert(admin)
    fold_now()
    sam = decisions.create_customer(app, PIA, "Sam Example")
    decisions.link(app, PIA, "phone:+61491570006", sam, reason="said so")
    ((message, body),) = admin.execute("select message_id, body from marts.messages").fetchall()
    for wrong in (
        {"field": "from_name", "value": "x"}, {"field": "body"}, {"field": "body", "value": " "},
    ):  # fmt: skip
        with pytest.raises(Refused):
            decisions.correct(app, PIA, message, reason="r", **wrong)
    with pytest.raises(Refused, match="renaming"):
        decisions.correct(app, PIA, sam, field="name", value="Samuel", reason="r")

    def shown() -> list[Any]:
        rows = app.execute(
            "select its.value ->> 'value', its.value ->> 'statement' from crm.open_corrections,"
            " jsonb_array_elements(corrections) as its where object_id = %s",
            [message],
        )
        return rows.fetchall()

    first = decisions.correct(
        app, PIA, message, field="body", value="I owe nothing", reason="shown to be so"
    )
    second = decisions.correct(
        app, PIA, message, field="body", statement="I never wrote this", reason="asked for it"
    )
    assert shown() == [(None, "I never wrote this")]
    undone = decisions.undo(app, BEN, second, "mistaken").decision_id
    assert shown() == [("I owe nothing", None)]
    decisions.undo(app, BEN, undone, "not mistaken")
    assert shown() == [(None, "I never wrote this")]
    with pytest.raises(Refused):
        decisions.undo(app, BEN, first, "too early")
    decisions.correct(app, PIA, sam, field="name", statement="It is Samuel", reason="asked for it")
    assert admin.execute("select body from marts.messages").fetchall() == [(body,)]
    assert actions(admin, "message") == ["message.correct"] * 2
    # It goes with the customer.
    certificate = destruction.destroy(settings, PIA, sam, "asked for it")
    assert certificate.counts["corrections"] == 3
    assert residue(settings, ["I owe nothing", "I never wrote this", "It is Samuel"]) == []
