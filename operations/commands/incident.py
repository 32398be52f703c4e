"""`./crm incident`: what may be a notifiable data breach, assessed within thirty days of the first suspicion."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from operations.invocation import AsJson, DataDir, actor, connect, report, settings_for

IncidentId = Annotated[str, typer.Argument(metavar="INCIDENT", help="The incident's id.")]
Account = Annotated[
    str | None, typer.Option("--user", metavar="NAME", help="Whose account it was, as in the log.")
]
Begin = Annotated[
    str | None, typer.Option("--from", metavar="T", help="From when on this account saw things.")
]
End = Annotated[str | None, typer.Option("--until", metavar="T", help="Until when.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Data breaches, with their clock.", no_args_is_help=True)
    group.command("open")(open_)
    group.command("list")(list_)
    group.command("describe")(describe)
    group.command("statement")(statement)
    group.command("decide")(decide)
    group.command("notified")(notified)
    app.add_typer(group, name="incident")


def open_(
    title: Annotated[str, typer.Argument(help="What happened, in a few words, naming nobody.")],
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="T", help="When it was first suspected [default: now]."),
    ] = None,
    user: Account = None,
    begin: Begin = None,
    until: End = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Open an incident; its thirty days run from the first suspicion."""
    from operations.commands.backfill import moment
    from warehouse import decisions

    with connect(settings_for(data_dir)) as database:
        incident_id = decisions.open_incident(
            database, actor(), title, suspected_at=moment(since), account=user,
            seen_from=moment(begin, "--from"), seen_until=moment(until, "--until"),
        )  # fmt: skip
        due = decisions.incident(database, incident_id)["due_at"]
    report(
        {"incident_id": incident_id, "due_at": due},
        as_json=as_json,
        lines=[f"incident {incident_id}, to be decided by {due:%Y-%m-%d}"],
    )


def describe(
    incident_id: IncidentId,
    what: Annotated[str | None, typer.Option("--what", help="What happened.")] = None,
    kinds: Annotated[
        str | None, typer.Option("--kinds", help="Which kinds of information.")
    ] = None,
    steps: Annotated[str | None, typer.Option("--steps", help="What people are to do.")] = None,
    user: Account = None,
    begin: Begin = None,
    until: End = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write the parts of the statement, and whose account it was; what is not given stays."""
    from operations.commands.backfill import moment
    from warehouse import decisions

    with connect(settings_for(data_dir)) as database:
        version = decisions.describe_incident(
            database, actor(), incident_id, description=what, kinds=kinds, steps=steps, account=user,
            seen_from=moment(begin, "--from"), seen_until=moment(until, "--until"),
        )  # fmt: skip
    report(
        {"incident_id": incident_id, "version": version},
        as_json=as_json,
        lines=[f"incident {incident_id}, version {version}"],
    )


def statement(
    incident_id: IncidentId,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE.html", help="As a page, instead of on the screen."),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """The statement in its four parts, as a draft, with how many people the account saw."""
    from warehouse import decisions, statement
    from warehouse.refusals import Refused

    with connect(settings_for(data_dir)) as database:
        found = decisions.incident(database, incident_id)
        people = _people(database, found)
    if out is not None:
        try:
            out.expanduser().write_text(statement.as_html(found, people))
        except OSError as error:
            raise Refused(f"--out {out}: it cannot be written ({type(error).__name__})") from error
    text = statement.as_text(found, people)
    report(
        {"incident_id": incident_id, "people": people, "text": text},
        as_json=as_json,
        lines=[f"{out}: {statement.TITLE}"] if out is not None else [text],
    )


def _people(database: Any, found: dict[str, Any]) -> int | None:
    """How many the account saw, where there is one; the question is in the log."""
    from privacy.breach import record_question, seen_by

    if not found["account"]:
        return None
    asked = found["account"], found["seen_from"], found["seen_until"]
    people = len(seen_by(database, *asked))
    record_question(database, actor(), *asked, people)
    return people


def decide(
    incident_id: IncidentId,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept with the incident.")],
    notifiable: Annotated[
        bool,
        typer.Option("--notifiable/--not-notifiable", help="Whether serious harm is likely."),
    ],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Decide whether it is notifiable, with the reason."""
    from warehouse import decisions

    decision = "notifiable" if notifiable else "not_notifiable"
    with connect(settings_for(data_dir)) as database:
        decisions.decide_incident(database, actor(), incident_id, decision=decision, reason=reason)
    report(
        {"incident_id": incident_id, "decision": decision},
        as_json=as_json,
        lines=[
            f"incident {incident_id} is notifiable: tell the Commissioner and the people, then ./crm incident notified"
            if notifiable
            else f"incident {incident_id} is closed: not notifiable"
        ],
    )


def notified(
    incident_id: IncidentId,
    since: Annotated[
        str | None, typer.Option("--since", metavar="T", help="When they were told [default: now].")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Note that the Commissioner and the people were told; it closes the incident."""
    from operations.commands.backfill import moment
    from warehouse import decisions

    with connect(settings_for(data_dir)) as database:
        decisions.note_notified(database, actor(), incident_id, at=moment(since))
    report(
        {"notified": incident_id}, as_json=as_json, lines=[f"incident {incident_id} is closed: people were told"]
    )  # fmt: skip


def list_(
    closed: Annotated[bool, typer.Option("--closed", help="Also those that are closed.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """What is still to be decided or told, by the day on which it is due."""
    from warehouse import decisions
    from warehouse.events import record

    with connect(settings_for(data_dir)) as database:
        found = decisions.incidents(database, closed=closed)
        record(database, actor().event("incident.view", "incident", "*"))
    now = datetime.now(UTC)
    report(
        {"incidents": found},
        as_json=as_json,
        lines=[_told(each, now) for each in found] or ["no incident is open"],
    )


def _told(each: dict[str, Any], now: datetime) -> str:
    if each["notified_at"]:
        state = f"people were told on {each['notified_at']:%Y-%m-%d}"
    elif each["decision"]:
        state = "notifiable: nobody was told yet" if each["decision"] == "notifiable" else "not notifiable"  # fmt: skip
    else:
        left = (each["due_at"] - now).days
        state = f"to be decided by {each['due_at']:%Y-%m-%d} ({left} days left)"
        if left < 0:
            state = "OVERDUE"
    return f"{each['incident_id']}  {each['title']}: {state}"
